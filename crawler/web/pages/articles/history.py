"""The history of an article: its revisions and captures, and what differs between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.routing import Route

from archive.export.article_json import capture_object, event_object
from archive.index.search.query import QueryError
from archive.model.article import KST
from crawler.web.errors import not_found, wants_json
from crawler.web.pages.articles.article import (
    chosen_version,
    dossier_of,
    moment_asked,
    playback_address,
)
from crawler.web.pages.articles.difference import compared, difference_object, shown
from crawler.web.pages.articles.timeline import absences_until, headline_versions, timeline
from crawler.web.pages.outlet_names import title_of
from crawler.web.rendering import address, json_answer, page, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.captures.deletions import Absence
    from archive.captures.rows import StoredCapture
    from crawler.web.pages.articles.difference import Difference
    from crawler.web.pages.articles.timeline import HeadlineVersion

#: Captures of a page, and how many headlines, steps and looks are listed.
_PAGE, _LISTED = 50, 50
_VIEWS = ("side", "inline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The history of an article up to a time; all lists are oldest first."""

    stored: StoredArticle
    versions: tuple[StoredArticle, ...]
    captures: tuple[StoredCapture, ...]
    absences: tuple[Absence, ...]
    events: tuple[HistoryEvent, ...]


async def _past(request: Request) -> Past:
    """Return the history that a request asks for, up to the time ``at`` if it names one."""
    dossier = await dossier_of(request)
    stored, at = chosen_version(request, dossier.versions), moment_asked(request)
    if at is None:
        return Past(
            stored=stored,
            versions=dossier.versions,
            captures=dossier.captures,
            absences=dossier.absences,
            events=dossier.events,
        )
    return Past(
        stored=stored,
        versions=tuple(one for one in dossier.versions if one.captured_at <= at),
        captures=tuple(one for one in dossier.captures if one.captured_at <= at),
        absences=tuple(absences_until(dossier.absences, at)),
        events=tuple(one for one in dossier.events if one.at <= at),
    )


async def _difference(request: Request, versions: Sequence[StoredArticle]) -> Difference | None:
    """Return the difference that a request asks for, of the last two revisions by default.

    :raises QueryError: there is no such revision.
    """
    numbers = {version.revision: version for version in versions}
    new = _asked(request, "to", numbers) or versions[-1]
    earlier = [version for version in versions if version.revision < new.revision]
    old = _asked(request, "from", numbers) or (earlier[-1] if earlier else None)
    if old is None:
        return None
    return await to_thread.run_sync(compared, old, new)


def _asked(
    request: Request, name: str, numbers: Mapping[int, StoredArticle]
) -> StoredArticle | None:
    text = request.query_params.get(name, "").strip()
    if not text:
        return None
    number = int(text[:9]) if text.isascii() and text.isdigit() else 0
    if number not in numbers:
        raise QueryError(f"{name} is the number of a revision, from 1 to {len(numbers)}")
    return numbers[number]


async def _answer(request: Request) -> Response:
    past = await _past(request)
    difference = await _difference(request, past.versions)
    if wants_json(request):
        return json_answer(_object(past, difference))
    return _html(request, past, difference)


def _html(request: Request, past: Past, difference: Difference | None) -> Response:
    words = words_of(request)
    view = request.query_params.get("view", "") or _VIEWS[0]
    if view not in _VIEWS:
        raise QueryError(f"view is {' or '.join(_VIEWS)}")
    entries = timeline(past.captures, past.versions, past.events)
    pages = max(1, -(-len(entries) // _PAGE))
    number = _page_asked(request, pages)
    headlines = headline_versions(past.versions)
    fields, left_out = shown(difference.lines, words) if difference is not None else ([], 0)
    article = past.stored.article
    steps = list(pairwise(past.versions))
    values = {
        "past": past,
        "article": article,
        "outlet_title": title_of(article.outlet),
        "headlines": headlines[-_LISTED:],
        "changes": len(headlines) - 1,
        "earlier_headlines": max(0, len(headlines) - _LISTED),
        "difference": difference,
        "fields": fields,
        "left_out": left_out,
        "view": view,
        "views": _VIEWS,
        "steps": steps[-_LISTED:],
        "entries": entries[(number - 1) * _PAGE : number * _PAGE],
        "first": (number - 1) * _PAGE + 1,
        "looks": _LISTED,
        "pages": pages,
        "number": number,
        "playback": lambda capture: playback_address(request.app.state.room.playback, capture),
        "link": lambda **more: _link(request, more),
        "at": request.query_params.get("at", ""),
    }
    return page(request, "history.html", values)


def _page_asked(request: Request, pages: int) -> int:
    """Return the number of the page of captures that is asked for.

    :raises QueryError: it is no number.
    :raises HTTPException: there is no such page: 404.
    """
    text = request.query_params.get("page", "").strip() or "1"
    if not text.isascii() or not text.isdigit():
        raise QueryError("page is a number from 1 on")
    number = int(text[:9])
    if not 1 <= number <= pages:
        raise not_found()
    return number


def _link(request: Request, more: Mapping[str, object]) -> str:
    """Return the address of this page with other parameters."""
    given = {
        name: request.query_params.get(name, "") for name in ("at", "from", "to", "view", "page")
    }
    # "from" is a word of Python's.
    own = {name.rstrip("_"): f"{value}" for name, value in more.items()}
    return address("", given | own) or "?"


def _object(past: Past, difference: Difference | None) -> dict[str, Any]:
    article = past.stored.article
    return {
        "outlet": article.outlet,
        "article_id": article.article_id,
        "headlines": list(map(_headline_object, headline_versions(past.versions))),
        "history": list(map(event_object, past.events)),
        "absences": list(map(_absence_object, past.absences)),
        "captures": list(map(capture_object, past.captures)),
        "difference": difference_object(difference) if difference is not None else None,
    }


def _headline_object(version: HeadlineVersion) -> dict[str, Any]:
    stored = version.stored
    return {
        "headline": version.headline,
        "revision": stored.revision,
        "captured_at": stored.captured_at.isoformat(),
    }


def _absence_object(absence: Absence) -> dict[str, Any]:
    return {
        "first_seen_gone_at": _time(absence.first),
        "confirmed_at": _time(absence.confirmed_by),
        "ended_at": _time(absence.ended_by),
        "looks": [look.location.record_id for look in absence.looks],
    }


def _time(capture: StoredCapture | None) -> str | None:
    return capture.captured_at.astimezone(KST).isoformat() if capture is not None else None


ROUTES = [
    Route("/articles/{outlet}/{article_id:path}/history", _answer),
    Route("/articles/{outlet}/{article_id:path}/history.json", _answer),
]
