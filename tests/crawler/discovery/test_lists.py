"""List pages are read by their selectors; what is not the list is refused with a reason."""

from __future__ import annotations

from datetime import datetime

import pytest

from archive.model.article import KST
from crawler.discovery import list_pages as lists
from crawler.discovery.entries import FeedEntry, SourceError, SourceFault
from crawler.discovery.list_pages import read_list_page
from crawler.model.channels import ListPage
from crawler.outlets import outlet_named

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=KST)
AT = datetime(2026, 11, 1, 9, 30, tzinfo=KST)
URL = "https://www.etoday.co.kr/news/flashnews/flash_list"


def form(outlet: str, channel: str) -> ListPage:
    (source, *_) = next(
        found.sources for found in outlet_named(outlet).channels if found.name == channel
    )
    assert isinstance(source, ListPage)
    return source


FLASH, SECTION = form("etoday", "flash_list"), form("etoday", "section_lists")
EVERYTHING = form("newspim", "list")


def test_a_list_without_item_elements_gives_titles_and_dates_to_the_right_links() -> None:
    item = '<strong class="subject_h">{0}</strong><p class="summary"><a href="/news/view/{0}">글</a></p>{1}'
    date = '<p class="byline">2026-11-01 09:30</p>'
    page = "<div>" + item.format(1, date) + item.format(2, "") + item.format(3, date) + "</div>"
    entries = read_list_page(
        page.encode(), "text/html", "https://www.newspim.com/news/lists/", EVERYTHING, NOW
    )
    assert entries == tuple(
        FeedEntry(f"https://www.newspim.com/news/view/{n}", str(n), at)
        for n, at in ((1, AT), (2, None), (3, AT))
    )


@pytest.mark.parametrize(
    ("body", "of", "reason"),
    [
        (b"", SECTION, SourceFault.EMPTY),
        (b"<html><body><h1>404</h1></body></html>", SECTION, SourceFault.WRONG_SHAPE),
        (b"<rss/>", SECTION, SourceFault.WRONG_SHAPE),
        (b"<div>" * 1000, FLASH, SourceFault.TOO_DEEP),
        (b"<div>" * 100_000 + b"<a href=x></a>" * 1000, FLASH, SourceFault.TOO_DEEP),
        (b" " * (lists.MAX_BYTES + 1), FLASH, SourceFault.TOO_LARGE),
        (b"<a href=/x>1</a>" * (lists.MAX_ENTRIES + 1), FLASH, SourceFault.TOO_LARGE),
    ],
)
def test_what_is_not_the_list_is_refused_with_its_reason(
    body: bytes, of: ListPage, reason: SourceFault
) -> None:
    with pytest.raises(SourceError) as refused:
        read_list_page(body, "", URL, of, NOW)
    assert refused.value.reason is reason


def test_an_empty_list_is_no_error_and_icons_are_not_depth() -> None:
    icons = '<svg><path d="x"/><path d="y"/></svg>' * 500
    assert read_list_page(f"{icons}<ul id=list_W></ul>".encode(), "", URL, SECTION, NOW) == ()
