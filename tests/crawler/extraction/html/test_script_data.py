"""The data of a page's scripts: a value at a path, of this page's article and no other's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crawler.extraction.html.jsonld import OwnPage
from crawler.extraction.html.script_data import script_texts

OWN = OwnPage("7", "https://a.example/7", lambda url: url.rpartition("/")[2])
BODY = "<p>하나</p>"


@pytest.mark.parametrize(
    "script",
    [
        'window["q"] = window["q"] || []; window["q"].push(DATA);',
        "Fusion.x=1;Fusion.globalContent=DATA;Fusion.y={};",
        "DATA",
        "var a = [1, 2, DATA];",
        'var broken = {"html": }; var data = DATA',
    ],
)
def test_a_value_is_found_in_what_a_script_assigns_or_hands_over(script: str) -> None:
    data = json.dumps({"a": [{"html": BODY, "id": "7"}]})
    assert script_texts([script.replace("DATA", data)], "html", OWN) == [BODY]


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        ([{"html": "other", "id": "8"}, {"html": BODY, "id": "7"}], [BODY]),
        ([{"html": "other", "url": "/8"}, {"html": BODY, "url": "https://a.example/7"}], [BODY]),
        ([{"html": "one"}, {"html": "two"}], []),  # nothing says which is this page's
        ([{"html": BODY}], [BODY]),
        ([{"html": "other", "url": "https://a.example/8"}], []),
        ([{"html": " "}], []),
        ([{"html": 3}], []),
        ([{"none": BODY}], []),
    ],
)
def test_an_object_is_used_only_if_it_is_this_articles(things: Any, expected: list[str]) -> None:
    assert script_texts([f"x = {json.dumps(things)}"], "html", OWN) == expected


def test_a_path_goes_down_and_chooses_items() -> None:
    parts = [
        {"type": "text", "content": "하나"},
        {"type": "image", "content": "둘"},
        {"type": "text", "content": "셋"},
    ]
    script = f"x={json.dumps({'_id': '7', 'parts': parts, 'by': {'name': '홍길동'}})}"
    assert script_texts([script], "parts[type=text].content", OWN) == ["하나", "셋"]
    assert script_texts([script], "by.name", OWN) == ["홍길동"]
    assert script_texts([script], "parts[type=video].content", OWN) == []


def test_hostile_data_is_read_in_bounds() -> None:
    deep = "[" * 100_000
    assert script_texts([f'x = {deep} "html"'], "html", OWN) == []
    wide = '({"a": ' * 10_000
    assert script_texts([f'{wide} "html": 1'], "html", OWN) == []
