"""Feeds, sitemaps and lists that quote an article: captures that are no article's and hold its headline or its text.

Feeds print the first paragraph, lists the headline. Pages of other articles that link to it with
its headline are not looked into: they are theirs.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from archive.articles.captures import record_of
from archive.index.schema import articles, captures, revisions
from archive.model.exchange import MAX_DOCUMENT, Exchange
from archive.segments.lookup import RecordError
from archive.warc.content_coding import decode_content
from archive.warc.http_message import MessageError, parse_head, payload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

#: So many letters of a paragraph are looked for, as descriptions are cut; a shorter one is
#: anybody's.
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


def find_quotes(connection: Connection, folder: Path, row: int) -> Iterator[str]:
    """The ids of the records that quote the article of that row of ``articles``."""
    texts = list(
        connection.execute(
            select(revisions.c.headline, revisions.c.body).where(revisions.c.article == row)
        )
    )
    needles = {_plain(text.headline) for text in texts}
    paragraphs = {_plain(paragraph) for text in texts for paragraph in text.body.split("\n\n")}
    needles |= {paragraph[:_BEGINNING] for paragraph in paragraphs if len(paragraph) >= _SHORTEST}
    needles = {needle for needle in needles if len(needle) >= _SHORTEST // 2}
    outlet = select(articles.c.outlet).where(articles.c.id == row).scalar_subquery()
    query = select(captures).where(captures.c.outlet == outlet, captures.c.revision_id.is_(None))
    query = query.where(
        captures.c.record_type != "revisit",
        or_(*(captures.c.media_type.ilike(one) for one in _TYPES)),
    )
    for one in connection.execute(query.execution_options(yield_per=500)):
        try:
            exchange = record_of(folder, one).exchange
        except RecordError:  # `verify` says so
            continue
        if exchange is not None and _quotes(exchange, needles):
            yield one.record_id


def _quotes(exchange: Exchange, needles: set[str]) -> bool:
    content = exchange.body
    if exchange.head:
        try:
            head = parse_head(exchange.head)
            content = decode_content(head, payload(head, exchange.body), MAX_DOCUMENT)
        except MessageError:
            pass  # as it was served, then
    return any(
        needle in text
        for charset in _CHARSETS
        for text in [_plain(content.decode(charset, "ignore"))]
        for needle in needles
    )


def _plain(text: str) -> str:
    """The text without markup and white space, entities undone twice: feeds escape escaped HTML."""
    plain = _TAG.sub("", html.unescape(html.unescape(_TAG.sub(" ", text))))
    return "".join(unicodedata.normalize("NFC", plain).split())
