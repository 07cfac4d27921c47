"""Read an article out of its record again, for `verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.verify.articles import ArticleReading
from crawler.extraction.generic import may_be_article, tool
from crawler.extraction.judge import read_capture
from crawler.outlets import find_outlet
from pipelines.cpu_limit import TOO_COSTLY

if TYPE_CHECKING:
    from archive.warc.record_parser import Record


def read_article(record: Record, outlet: str) -> ArticleReading | None:
    """Return what the record shows when read as a page of the outlet of that name.

    None if there is no such outlet, if the record holds no exchange, if reading takes too long, or
    if no layout reads it and the tool for such pages is not installed.
    """
    if find_outlet(outlet) is None or record.exchange is None:
        return None
    page = read_capture(record, record.exchange.url, outlet)
    if page.verdict == TOO_COSTLY or (may_be_article(page) and tool() is None):
        return None
    decoded = page.decoded
    return ArticleReading(page.article, (decoded.declared, decoded.used, decoded.damage))
