"""Articles made by a test, entered into an index as a crawl enters what it read."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archive.articles.ingest import ArticleWriter
from archive.articles.ingest_model import CaptureEntry
from archive.captures.rows import location_columns
from archive.index.writers.parts import outlet_part
from archive.model.article import Article
from archive.model.exchange import Location
from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from archive.index.database import Index

SEEN = datetime(2024, 5, 7, 3, tzinfo=UTC)
_GONE = Verdict(Outcome.SKIPPED, Reason.HTTP_STATUS)


def article(number: int, **facts: Any) -> Article:
    """Article of the outlet Etoday, or what else the facts say."""
    outlet = facts.get("outlet", "etoday")
    own = {
        "outlet": outlet,
        "article_id": str(number),
        "url": f"https://{outlet}.example/{number}",
        "headline": f"제목 {number}",
        "body": (f"본문 {number}이다.",),
        "layout": "made",
    }
    return Article(**(own | facts))


def enter(index: Index, articles: Iterable[Article], at: datetime = SEEN) -> None:
    """Enter a capture of each article, in one transaction."""
    articles = list(articles)
    with index.writing(*(outlet_part(one.outlet) for one in articles)) as connection:
        write_entries(connection, articles, at)


def write_entries(connection: Connection, articles: Iterable[Article], at: datetime = SEEN) -> None:
    """Enter a capture of each article in a transaction."""
    entries = [CaptureEntry(_capture(one.outlet, one.url, at, 200), one, None) for one in articles]
    _write(connection, entries)


def enter_gone(index: Index, articles: Iterable[Article], at: datetime) -> None:
    """Enter a look at each article's address that found it gone, in one transaction."""
    articles = list(articles)
    entries = [
        CaptureEntry(_capture(one.outlet, one.url, at, 404), None, _GONE) for one in articles
    ]
    with index.writing(*(outlet_part(one.outlet) for one in articles)) as connection:
        _write(connection, entries)


def _write(connection: Connection, entries: list[CaptureEntry]) -> None:
    writer = ArticleWriter(connection)
    writer.load(entries)
    for entry in entries:
        writer.enter(entry)
    writer.write()


def _capture(outlet: str, url: str, at: datetime, status: int) -> dict[str, Any]:
    name = uuid.uuid4()
    location = Location("made.warc.gz", 0, 1, name.urn, f"sha256:{name.hex}")
    return {
        "outlet": outlet,
        "url": url,
        "record_type": "response",
        "status": status,
        "media_type": "text/html",
        "captured_at": at,
        "time_known": True,
        "charset_declared": "",
        "charset_used": "utf-8",
        "charset_damage": 0,
        "source": url,
    } | location_columns(location)
