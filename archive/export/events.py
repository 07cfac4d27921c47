"""Events of an index as plain values, and as an Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archive.events.events import EventKind
from archive.export.atom import Entry, feed_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from archive.events.events import ArchiveEvent

#: Names of feeds and entries are made in this one; a UUID that was made once.
_NAMES = uuid.UUID("5b0b1b6e-7a53-4a57-9f4e-0c6f3a0f7a11")
_TITLES = {
    EventKind.NEW: "{headline}",
    EventKind.CHANGED: "[changed] {headline}",
    EventKind.MISSING: "[missing] {headline}",
    EventKind.DELETED: "[deleted] {headline}",
    EventKind.BACK: "[back] {headline}",
    EventKind.REMOVED: "[removed] {outlet} {article_id}",
}


def event_values(event: ArchiveEvent) -> dict[str, Any]:
    """Return an event as plain values, sorted by their names; what it has not is None."""
    return {
        "article_id": event.article_id,
        "at": event.at.isoformat(),
        "change": event.change,
        "cursor": str(event.cursor),
        "headline": event.headline or None,
        "kind": str(event.kind),
        "outlet": event.outlet,
        "revision": event.revision,
        "status": str(event.status) if event.status is not None else None,
        "url": event.url or None,
    }


def event_entry(event: ArchiveEvent) -> Entry:
    """Return an event as an entry of an Atom feed."""
    title = _TITLES[event.kind].format(
        headline=event.headline or event.article_id,
        outlet=event.outlet,
        article_id=event.article_id,
    )
    summary = f"{event.kind}: {event.outlet} {event.article_id}"
    if event.revision is not None:
        summary += f", revision {event.revision}"
    return Entry(
        id=_entry_name(event),
        title=title,
        address=event.url if _is_link(event.url) else "",
        updated=event.at,
        summary=f"{summary}, cursor {event.cursor}",
        category=str(event.kind),
    )


def atom_pieces(events: Iterable[ArchiveEvent], updated: datetime) -> Iterator[str]:
    """Yield an Atom feed of events piece by piece, for UTF-8."""
    entries = map(event_entry, events)
    yield from feed_pieces("Sacho", _name("events"), "Sacho", updated, entries)


def _entry_name(event: ArchiveEvent) -> str:
    """Return a name that the event has for every reader of this index, whatever the cursor."""
    of_revision = event.kind in (EventKind.NEW, EventKind.CHANGED)
    which = event.cursor.revision if of_revision else event.at.isoformat()
    return _name(f"{event.cursor.build} {event.outlet} {event.article_id} {event.kind} {which}")


def _is_link(url: str) -> bool:
    """Whether an address is one that a reader may follow: no script, no file."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and url.isprintable()


def _name(text: str) -> str:
    return uuid.uuid5(_NAMES, text).urn
