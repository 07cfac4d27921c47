"""Sources that lead on without an end: each answer names an address that was never named before."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.support.fault_server.scripts import document

if TYPE_CHECKING:
    from asyncio import StreamWriter
    from collections.abc import Callable
    from datetime import datetime

    from tests.support.fault_server.scripts import Script

_MAIN = "https://www.newspim.com"
_ITEM = (
    '<strong class="subject_h">{0}</strong>'
    '<p class="summary"><a href="/news/view/{0}">기록</a></p><p class="byline">{1:%Y-%m-%d %H:%M}</p>'
)


def list_page(now: datetime) -> Script:
    """Write a page of a list that holds one more article of today, whichever page is asked for."""

    def body(number: int) -> bytes:
        return _ITEM.format(f"{now:%Y%m%d}{number:06}", now).encode()

    return _each_time(body, "text/html; charset=utf-8")


def sitemap_index(branches: int) -> Script:
    """Write an index of so many further ones."""

    def body(number: int) -> bytes:
        urls = (f"{_MAIN}/sitemap/{number}-{branch}.xml" for branch in range(branches))
        entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
        return f"<sitemapindex>{entries}</sitemapindex>".encode()

    return _each_time(body, "text/xml")


def _each_time(body: Callable[[int], bytes], media_type: str) -> Script:
    """Write another body each time, made of how many were written before."""
    numbers = count(100_001)

    async def script(writer: StreamWriter) -> None:
        await document(body(next(numbers)), media_type)(writer)

    return script
