"""Events of an index as plain values, and as an Atom feed (RFC 4287)."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from archive.articles.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.articles.events import ArchiveEvent

#: Names of feeds and entries are made in this one; a UUID that was made once.
_NAMES = uuid.UUID("5b0b1b6e-7a53-4a57-9f4e-0c6f3a0f7a11")
#: All that XML 1.0 has no way to write, and what would change the direction of the text beside it.
_NOT_SHOWN = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u007f-\u0084\u0086-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef]"
)
_TITLES = {
    EventKind.NEW: "{headline}",
    EventKind.CHANGED: "[changed] {headline}",
    EventKind.MISSING: "[missing] {headline}",
    EventKind.DELETED: "[deleted] {headline}",
    EventKind.BACK: "[back] {headline}",
    EventKind.REMOVED: "[removed] {outlet} {article_id}",
}
_END = "</feed>\n"


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


def atom_pieces(
    events: Iterable[ArchiveEvent],
    software: str,
    address: str = "",
    at: datetime | None = None,
) -> Iterator[str]:
    """Yield an Atom feed of events piece by piece, in UTF-8 once encoded.

    ``address`` is where it is served, ``""`` if nowhere; ``at`` is the time of the feed, now by
    default.
    """
    updated = (at or datetime.now(UTC)).astimezone(UTC)
    yield "".join(
        (
            '<?xml version="1.0" encoding="utf-8"?>\n',
            '<feed xmlns="http://www.w3.org/2005/Atom">\n',
            f"<id>{_name(address or 'events')}</id>\n",
            "<title>Sacho</title>\n",
            f"<updated>{_time(updated)}</updated>\n",
            "<author><name>Sacho</name></author>\n",
            f"<generator>{_text(software)}</generator>\n",
            f'<link rel="self" href={quoteattr(_plain(address))}/>\n' if address else "",
        )
    )
    for event in events:
        yield _entry(event)
    yield _END


def _entry(event: ArchiveEvent) -> str:
    title = _TITLES[event.kind].format(
        headline=event.headline or event.article_id,
        outlet=event.outlet,
        article_id=event.article_id,
    )
    lines = [
        "<entry>",
        f"<id>{_entry_name(event)}</id>",
        f"<title>{_text(title)}</title>",
        f"<updated>{_time(event.at)}</updated>",
        f"<category term={quoteattr(str(event.kind))}/>",
        f"<category term={quoteattr(_plain(event.outlet))}/>",
    ]
    if _is_link(event.url):
        lines.append(f'<link rel="alternate" href={quoteattr(_plain(event.url))}/>')
    summary = f"{event.kind}: {event.outlet} {event.article_id}"
    if event.revision is not None:
        summary += f", revision {event.revision}"
    lines += [f"<summary>{_text(f'{summary}, cursor {event.cursor}')}</summary>", "</entry>", ""]
    return "\n".join(lines)


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


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    return _NOT_SHOWN.sub("\N{REPLACEMENT CHARACTER}", text)


def _text(text: str) -> str:
    return escape(_plain(text))
