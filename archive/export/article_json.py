"""JSON objects of articles: a list of them, and one with its revisions, history and captures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archive.export.articles import to_values
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.articles.snippets import Snippet
    from archive.captures.rows import StoredCapture


def articles_object(
    found: Iterable[StoredArticle],
    number: int,
    left_out: int = 0,
    *,
    number_is_exact: bool = True,
    next_cursor: str | None = None,
    snippets: Iterable[Snippet] = (),
) -> dict[str, Any]:
    """Return articles as a JSON object.

    ``number`` is how many there are, shown or not, ``left_out`` how many generic ones besides.
    """
    return {
        "number": number,
        "number_is_exact": number_is_exact,
        "left_out": left_out,
        "next": next_cursor,
        "snippets": [{"text": one.text, "marks": list(map(list, one.marks))} for one in snippets],
        # The last one: a long list is printed one by one.
        "articles": [to_values(stored) for stored in found],
    }


def article_object(
    stored: StoredArticle,
    versions: Iterable[StoredArticle],
    aliases: Sequence[str],
    events: Iterable[HistoryEvent],
    captures: Iterable[tuple[StoredCapture, str]],
) -> dict[str, Any]:
    """Return one article as a JSON object; each capture is given with its level of difference."""
    return {
        "article": to_values(stored),
        "aliases": list(aliases),
        "revisions": [to_values(version) for version in versions],
        "history": [event_object(event) for event in events],
        "captures": [capture_object(capture, level) for capture, level in captures],
    }


def event_object(event: HistoryEvent) -> dict[str, Any]:
    """Return an event of an article's history as a JSON object."""
    return {
        "at": event.at.astimezone(KST).isoformat(),
        "classes": list(event.classes),
        "revision": event.revision,
        "change": event.change,
        "capture": event.capture.location.record_id if event.capture is not None else None,
    }


def capture_object(capture: StoredCapture, level: str = "") -> dict[str, Any]:
    """Return a capture as a JSON object; ``level`` is in what it differs from the one before."""
    return {
        "url": capture.url,
        "captured_at": capture.captured_at.astimezone(KST).isoformat(),
        "time_known": capture.time_known,
        "record_type": capture.record_type,
        "http_status": capture.status,
        "revision": capture.revision,
        "differs_in": level or None,
        "reason": capture.reason or None,
        "in_outage": capture.in_outage,
        "warc": asdict(capture.location),
    }
