"""Addresses as sources print them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crawler.discovery import entries
from crawler.discovery.entries import absolute_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("htTp://www.example.kr/A", "http://www.example.kr/A"),
        ("HTTPS://www.example.kr/A", "https://www.example.kr/A"),
        ("/A", "https://base.example.kr/A"),
        ("httpx://www.example.kr/", ""),
        ("HTTP:", ""),
        ("http://[", ""),
    ],
)
def test_a_scheme_is_in_lower_case(address: str, url: str) -> None:
    assert absolute_url("https://base.example.kr/list", address) == url


#: What an address may be made of.
WORDS = [
    "http://",
    "https://",
    "HTTP:",
    "a.kr",
    "A.kr",
    ".",
    "..",
    ":80",
    ":",
    "/",
    "//",
    "?",
    "#",
    ";",
    "b",
    "=",
    "&",
    "@",
    "[",
    "]",
    "\\",
    "%2F",
    "기사",
]
PARTS = st.lists(st.sampled_from([*WORDS, " ", "\t", "\x00", "\x1c", "\xa0"]), max_size=12).map(
    "".join
)


@settings(max_examples=500)
@given(PARTS, st.sampled_from(["http://a.kr/x", "https://b.kr/y/z?q", ""]))
@example("http://a.kr/기사;?b=#", "https://b.kr/")
@example("http://a.kr/b#", "https://b.kr/")
@example("https://a.kr/" + "b" * 5000, "https://b.kr/")
def test_what_is_left_as_it_is_would_not_have_been_changed(address: str, base: str) -> None:
    shortly = absolute_url(base, address)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "_AS_IT_IS", re.compile(r"(?!)"))
        assert absolute_url(base, address) == shortly
