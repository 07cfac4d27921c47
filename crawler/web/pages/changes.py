"""What became known of articles since a cursor, for programs that keep a copy, and as a feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from archive.events.event_cursor import (
    StaleCursorError,
    cursor_now,
    parse_event_cursor,
    recent_cursor,
)
from archive.events.events import events_after
from archive.export.atom import MEDIA_TYPE, atom_feed
from archive.export.events import event_entry, event_values
from crawler.web.errors import answer
from crawler.web.pages.search import limit_of
from crawler.web.rendering import json_answer, words_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from archive.events.event_cursor import EventCursor
    from archive.events.events import ArchiveEvent
    from archive.index.database import Snapshot

#: Events of an answer, the most that may be asked for, and entries of the feed.
_PAGE, _MOST, _ENTRIES = 100, 1000, 100
#: In place of a cursor: the one behind all events.
_NOW = "now"


async def _json(request: Request) -> Response:
    given = request.query_params.get("since", "").strip()
    most = limit_of(request.query_params.get("limit", ""), _PAGE, _MOST)
    cursor = parse_event_cursor(given) if given not in ("", _NOW) else None

    def read(connection: Snapshot) -> dict[str, Any]:
        if given == _NOW:
            return {"events": [], "next": str(cursor_now(connection)), "is_end": True}
        found, following = events_after(connection, cursor, most)
        return {
            "events": [event_values(event) for event in found],
            "next": str(following),
            "is_end": len(found) < most,
        }

    try:
        return json_answer(await request.app.state.room.read(read, settled=True))
    except StaleCursorError:
        now: EventCursor = await request.app.state.room.read(cursor_now, settled=True)
        sentence = words_of(request)("changes.stale")
        return answer(request, 410, sentence, now=str(now))


async def _feed(request: Request) -> Response:
    """Return the last events as a feed, the newest first."""

    def read(connection: Snapshot) -> list[ArchiveEvent]:
        begin = recent_cursor(connection, _ENTRIES)
        return events_after(connection, begin, 3 * _ENTRIES)[0]

    found = await request.app.state.room.read(read, settled=True)
    newest = sorted(found, key=lambda event: event.at, reverse=True)[:_ENTRIES]
    words = words_of(request)
    base = str(request.base_url).rstrip("/")
    feed = atom_feed(
        f"{words('site.name')}: {words('changes.title')}",
        f"{base}/changes.atom",
        f"{base}/",
        words("site.name"),
        map(event_entry, newest),
    )
    return Response(feed, media_type=MEDIA_TYPE)


ROUTES = [Route("/changes.json", _json), Route("/changes.atom", _feed)]
