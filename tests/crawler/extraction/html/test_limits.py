"""Pages made to be slow to parse: too many levels, too many attributes."""

from __future__ import annotations

from time import process_time

import pytest

from crawler.extraction.html.limits import bound_tags
from crawler.extraction.html.reader import PageReader


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


def test_signs_of_tags_in_values_hide_no_attributes() -> None:
    many = " ".join(f"a{number}='>' b{number}='<'" for number in range(20_000))
    page = f"<title>it's</title><script>if (a<b) c='</p>';</script><p {many}>안녕</p>"
    assert bound_tags(page) == page.replace(f" {many}", "")


@pytest.mark.parametrize("tag", ["details", "listing", "rt", "menu", "address", "search", "pre"])
def test_blocks_of_any_name_are_bounded(tag: str) -> None:
    deep = bound_tags(f"<body>{f'<{tag}>글' * 100_000}")
    assert isinstance(deep, str)
    assert deep.count(f"<{tag}>") == 1_000
    assert deep.count("글") == 100_000


@pytest.mark.parametrize("hiding", ["<b title='</div>'><div>", "</b><div>", "<!-- </div> --><div>"])
def test_what_only_looks_like_an_end_tag_ends_no_level(hiding: str) -> None:
    deep = bound_tags(f"<body>{hiding * 50_000}")
    assert isinstance(deep, str)
    assert deep.count("<div>") <= 1_000


def test_a_long_page_that_does_not_nest_stays_as_it_is() -> None:
    row = "<div class='a>b'><p>it's<br><b>글</b></p><script>'<div>'</script></div><li>글\n"
    page = f"<body>{row * 3_000}"
    assert bound_tags(page) == page


@pytest.mark.parametrize("tag", ["details", "rt", "b", "div"])
def test_a_page_of_nested_elements_is_parsed_in_seconds(tag: str) -> None:
    page = f"<body>{f'<{tag}>' * 300_000}".encode()
    began = process_time()
    PageReader(page)
    assert process_time() - began < 5
