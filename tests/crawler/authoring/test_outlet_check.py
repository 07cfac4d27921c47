"""``outlet check``: an outlet's file, its fixtures, and which source of each field finds anything on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crawler.outlets import known_outlets
from tests.outlets.test_outlets_of_users import OUTLET, PAGE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crawler.authoring.conftest import Authoring


def add_outlet(package: Path, name: str = "ourpaper") -> Path:
    """Write an outlet's file and one page of it; return the folder of its fixtures."""
    host = f"news.{name}.example"
    (package / f"{name}.py").write_text(OUTLET.format(name=name, host=host), "utf-8")
    pages = package / "fixtures" / name
    pages.mkdir(parents=True)
    (pages / "one.html").write_text(PAGE, "utf-8")
    (pages / "one.json").write_text(f'{{"url": "https://{host}/article/7"}}')
    return pages


@pytest.mark.parametrize("name", sorted(known_outlets()))
def test_our_outlets_read_their_fixtures_as_expected(tmp_path: Path, name: str) -> None:
    said = Workspace(tmp_path).call("outlet", "check", name, "--json")
    assert said.code == 0, said
    found = json.loads(said.out)
    assert (found["ok"], found["faults"]) == (True, [])
    assert {each["golden"] for each in found["fixtures"]} == {"equal"}
    for layout in found["layouts"]:
        used = {each["field"] for each in layout["fields"] if each["used"]}
        assert {"body", "headline"} <= used, layout["layout"]


def test_a_fixture_is_compared_with_what_is_accepted_of_it(authoring: Authoring) -> None:
    pages = add_outlet(authoring.package)
    said = authoring.call("outlet", "check", "ourpaper")
    assert said.code == 0, said
    assert "note: one.html: no article is expected of it yet (--accept)" in said.out
    assert authoring.call("outlet", "check", "ourpaper", "--accept").code == 0
    stated = json.loads((pages / "one.json").read_bytes())
    assert stated["url"] == "https://news.ourpaper.example/article/7"
    assert stated["article"]["headline"] == "마을 도서관이 다시 문을 열었다"
    page = PAGE.replace("도서관이 다시", "도서관이 또").replace("class='body'", "class='text'")
    (pages / "two.html").write_text(page, "utf-8")
    (pages / "one.html").write_text(PAGE.replace("<h1>마을 ", "<h1>"), "utf-8")
    said = authoring.call("outlet", "check", "ourpaper", "--json")
    assert said.code == 1
    found = json.loads(said.out)
    assert found["faults"][0] == "one.html: not as expected: headline"
    assert found["faults"][1].startswith("two.html: no article was read (unparsed")
    (layout,) = found["layouts"]
    counts = {each["source"]: (each["found"], each["used"]) for each in layout["fields"]}
    assert counts["div.body"] == (1, 1)
    assert counts["h1"] == (2, 2)
    assert counts["jsonld:author"] == (0, 0)


def test_a_broken_file_is_a_sentence(authoring: Authoring) -> None:
    add_outlet(authoring.package)
    text = OUTLET.format(name="theirs", host="theirs.example").replace("div.body", "div..body")
    (authoring.package / "theirs.py").write_text(text, "utf-8")
    said = authoring.call("outlet", "check", "theirs")
    assert said.code == 1
    assert said.sentences[-1].startswith("scrapy outlet: authored_outlets.theirs")
    assert "layouts[0].body[0]: 'div..body' is no CSS selector" in said.sentences[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "say what to do"),
        (("check",), "say what to do"),
        (("chekc", "mk"), "say what to do"),
        (("check", "nobody"), "no outlet 'nobody'"),
    ],
)
def test_what_is_invalid_is_a_sentence(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    said = Workspace(tmp_path).call("outlet", *words)
    assert said.code == 2
    assert sentence in said.err
