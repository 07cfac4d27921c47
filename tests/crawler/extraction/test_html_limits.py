"""Pages made to be slow to parse: too many levels, too many attributes."""

from __future__ import annotations

import pytest

from crawler.extraction.html import PageReader
from crawler.extraction.html_limits import bound_tags


def with_attributes(count: int) -> str:
    many = " ".join(f"a{number}=1" for number in range(count))
    return f"<html><body><div {many}>안녕</div><p>세상</p></body></html>"


def test_a_tag_of_150_000_attributes_loses_them_and_no_text() -> None:
    page = with_attributes(150_000)
    bared = bound_tags(page)
    assert isinstance(bared, str)
    assert bared == "<html><body><div>안녕</div><p>세상</p></body></html>"
    assert "안녕세상" in PageReader(page).tree.text()


@pytest.mark.parametrize(
    "page",
    [with_attributes(900) + "x" * 200_000, "<p>" + "긴 글 " * 80_000 + "</p>", "<" * 200_000],
)
def test_what_is_merely_long_stays_as_it_is(page: str) -> None:
    assert bound_tags(page) == page


def test_bytes_are_bared_too() -> None:
    assert (
        bound_tags(with_attributes(40_000).encode())
        == "<html><body><div>안녕</div><p>세상</p></body></html>"
    )


def test_a_long_picture_in_an_address_is_no_flood_of_attributes() -> None:
    page = f'<img src="data:image/png;base64,{"A" * 200_000}" alt="사진">'
    assert bound_tags(page) == page
