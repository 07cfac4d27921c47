"""Quotes of an article: captures of feeds, sitemaps and lists that hold its headline or its text.

Feeds print the first paragraph, lists the headline. Pages of other articles that link to it by its
headline are not searched: they belong to those articles.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from archive.captures.rows import record_of
from archive.http.content_coding import decode_content
from archive.http.message import MessageError, parse_head, payload
from archive.index.schema import articles, captures, revisions
from archive.model.exchange import MAX_DOCUMENT, Exchange
from archive.model.normal_form import normalized
from archive.segments.lookup import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Connection, Select

    from archive.segments.store import StoreOrFolder

#: Letters of a paragraph that are searched for, since descriptions are cut; shorter paragraphs are
#: not specific enough.
_BEGINNING, _SHORTEST = 24, 16
_TAG = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*>")
_TYPES = (
    "text/%",
    "application/xml%",
    "application/rss%",
    "application/atom%",
    "application/xhtml%",
    "application/json%",
)
_CHARSETS = ("utf-8", "cp949")


def find_quotes(connection: Connection, archive: StoreOrFolder, row: int) -> Iterator[str]:
    """Yield the ids of the records that quote the article of that row of ``articles``."""
    needles = _needles(connection, row)
    with connection.execute(_candidates(row).execution_options(yield_per=500)) as rows:
        for capture in rows:
            try:
                exchange = record_of(archive, capture).exchange
            except RecordError:  # reported by `verify`
                continue
            if exchange is not None and _quotes(exchange, needles):
                yield capture.record_id


def _needles(connection: Connection, row: int) -> set[str]:
    """Return the headlines of the article, and how its paragraphs begin."""
    query = select(revisions.c.headline, revisions.c.body).where(revisions.c.article == row)
    needles: set[str] = set()
    for revision in connection.execute(query):
        headline = _plain(revision.headline)
        if len(headline) >= _SHORTEST // 2:
            needles.add(headline)
        for text in revision.body.split("\n\n"):
            paragraph = _plain(text)
            if len(paragraph) >= _SHORTEST:
                needles.add(paragraph[:_BEGINNING])
    return needles


def _candidates(row: int) -> Select[Any]:
    """Return the query for captures of the article's outlet that are text and not an article."""
    outlet = select(articles.c.outlet).where(articles.c.id == row).scalar_subquery()
    return select(captures).where(
        captures.c.outlet == outlet,
        captures.c.revision_id.is_(None),
        captures.c.record_type != "revisit",
        or_(*(captures.c.media_type.ilike(pattern) for pattern in _TYPES)),
    )


def _quotes(exchange: Exchange, needles: set[str]) -> bool:
    content = exchange.body
    if exchange.head:
        try:
            head = parse_head(exchange.head)
            content = decode_content(head, payload(head, exchange.body), MAX_DOCUMENT)
        except MessageError:
            pass  # search the body as it was served
    for charset in _CHARSETS:
        text = _plain(content.decode(charset, "ignore"))
        if any(needle in text for needle in needles):
            return True
    return False


def _plain(text: str) -> str:
    """Return the text without markup and white space; feeds escape HTML that is escaped already."""
    plain = _TAG.sub("", html.unescape(html.unescape(_TAG.sub(" ", text))))
    return "".join(normalized("NFC", plain).split())
