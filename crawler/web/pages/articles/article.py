"""One article: its fields, its pictures, where it was read from, and how to cite it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from archive.articles.blocklist import removal_of
from archive.articles.history import history
from archive.articles.queries import aliases_of, find_article
from archive.captures.deletions import DeletionJudge
from archive.captures.rows import captures_of, last_capture_until, pictures_captured
from archive.export.article_json import article_object
from archive.index.search.query import QueryError
from archive.model.times import within_calendar
from crawler.cli.output.times import kst_second, parse_moment
from crawler.model.outlet_facts import basis_of_layout, rated
from crawler.outlets import find_outlet
from crawler.web.errors import RemovedError, not_found, wants_json
from crawler.web.pages.articles.citation import bibtex, ris
from crawler.web.pages.outlet_names import title_of
from crawler.web.rendering import json_answer, page, path_text, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from starlette.requests import Request

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.captures.deletions import Absence
    from archive.captures.rows import StoredCapture
    from archive.index.database import Snapshot

#: An index gives times in UTC; an address names one as a web archive does, to the second.
_STAMP = "%Y%m%d%H%M%S"
#: The last revisions of which the robots.txt is looked up.
_ROBOTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is kept of an article.

    ``versions`` are its revisions, oldest first, ``captures`` those that showed it or showed it
    gone, oldest first, ``absences`` when it was gone, ``pictures`` when each picture was captured,
    by address.
    """

    versions: tuple[StoredArticle, ...]
    aliases: tuple[str, ...]
    captures: tuple[StoredCapture, ...]
    absences: tuple[Absence, ...]
    events: tuple[HistoryEvent, ...]
    pictures: Mapping[str, datetime]
    robots: Mapping[int, StoredCapture]


def read_dossier(connection: Snapshot, outlet: str, article_id: str) -> Dossier:
    """Return all that is kept of the article with that id or alias.

    :raises RemovedError: it was removed.
    :raises HTTPException: there is none: 404.
    """
    removal = removal_of(connection, outlet, article_id)
    versions = find_article(connection, outlet, article_id)
    if not versions:
        if removal is not None:
            raise RemovedError(removal)
        raise not_found()
    row_id = versions[-1].row_id
    judge = DeletionJudge(connection)
    shown, gone = captures_of(connection, row_id), judge.gone_captures(row_id)
    absences = tuple(judge.absences(shown, gone))
    pictures = {image.url for version in versions for image in version.article.images if image.url}
    return Dossier(
        versions=tuple(versions),
        aliases=tuple(aliases_of(connection, row_id)),
        captures=tuple(sorted((*shown, *gone), key=lambda one: (one.captured_at, one.id))),
        absences=absences,
        events=tuple(history(versions, absences)),
        pictures=pictures_captured(connection, pictures) if pictures else {},
        robots=dict(_robots(connection, versions, shown)),
    )


def _robots(
    connection: Snapshot, versions: Sequence[StoredArticle], shown: Sequence[StoredCapture]
) -> Iterator[tuple[int, StoredCapture]]:
    """Yield the robots.txt that held for the capture of each revision, if it is kept."""
    for version in versions[-_ROBOTS:]:
        capture = _read_from(version, shown)
        if capture is None or not capture.url.startswith(("http://", "https://")):
            continue
        origin = "/".join(capture.url.split("/")[:3])
        found = last_capture_until(connection, f"{origin}/robots.txt", capture.captured_at)
        if found is not None:
            yield version.revision_id, found


async def dossier_of(request: Request) -> Dossier:
    """Return what is kept of the article that a request's address names."""
    outlet, article_id = request.path_params["outlet"], request.path_params["article_id"]
    found: Dossier = await request.app.state.room.read(
        lambda connection: read_dossier(connection, outlet, article_id)
    )
    return found


def moment_asked(request: Request) -> datetime | None:
    """Return the time ``at`` which the address asks for the article; None if for the last.

    :raises QueryError: it is no time.
    """
    asked = request.query_params.get("at", "").strip()
    if not asked:
        return None
    try:
        return within_calendar(parse_moment(asked))
    except ValueError as error:
        raise QueryError(str(error)) from error


def chosen_version(request: Request, versions: Sequence[StoredArticle]) -> StoredArticle:
    """Return the revision that was current ``at`` the time in the address; the last without one.

    :raises QueryError: it is no time.
    :raises HTTPException: the article was not captured until then: 404.
    """
    at = moment_asked(request)
    if at is None:
        return versions[-1]
    for version in reversed(versions):
        if version.captured_at <= at:
            return version
    first = kst_second(versions[0].captured_at)
    raise not_found(words_of(request)("article.not_yet", at=kst_second(at), first=first))


async def _html(request: Request) -> Response:
    dossier = await dossier_of(request)
    stored = chosen_version(request, dossier.versions)
    room = request.app.state.room
    capture = _read_from(stored, dossier.captures)
    values = {
        "dossier": dossier,
        "stored": stored,
        "article": stored.article,
        "outlet_title": title_of(stored.article.outlet),
        "capture": capture,
        "playback": playback_address(room.playback, capture) if capture is not None else "",
        "playback_of": partial(playback_address, room.playback),
        "pictures": _pictures(room.playback, stored, dossier.pictures),
        "robots": dossier.robots.get(stored.revision_id),
        "ratings": layout_ratings(stored),
        "stable": stable_address(request, stored),
    }
    return page(request, "article.html", values)


def layout_ratings(stored: StoredArticle) -> dict[str, str]:
    """Return how sure the facts are that each layout of a revision rests on, by its name."""
    known = find_outlet(stored.article.outlet)
    layouts = {layout.name: layout for layout in known.layouts} if known is not None else {}
    return {
        name: f"{basis_of_layout(layouts[name])}; {rated(layouts[name])}"
        for name in stored.layouts
        if name in layouts
    }


def _read_from(stored: StoredArticle, captures: Sequence[StoredCapture]) -> StoredCapture | None:
    """Return the capture that a revision was read from."""
    own = stored.location.record_id
    return next((one for one in captures if one.location.record_id == own), None)


def playback_address(origin: str, capture: StoredCapture, modifier: str = "") -> str:
    """Return the address that shows a capture as it was served, ``""`` without playback."""
    if not origin or not capture.url.startswith(("http://", "https://")):
        return ""
    return f"{origin}/web/{stamp(capture.captured_at)}{modifier}/{capture.url}"


def stamp(moment: datetime) -> str:
    """Return a UTC time in 14 digits."""
    return moment.astimezone(UTC).strftime(_STAMP)


def _pictures(
    origin: str, stored: StoredArticle, captured: Mapping[str, datetime]
) -> list[dict[str, Any]]:
    """Return the pictures of an article, each with its address in the archive or ``""``."""
    found = []
    for image in stored.article.images:
        at = captured.get(image.url)
        own = f"{origin}/web/{stamp(at)}im_/{image.url}" if at is not None and origin else ""
        found.append({"image": image, "address": own})
    return found


def stable_address(request: Request, stored: StoredArticle) -> str:
    """Return the address to cite: that of the article as it was at this revision's capture."""
    article = stored.article
    path = f"{request.base_url}articles/{path_text(article.outlet)}/{path_text(article.article_id)}"
    return f"{path}?at={stored.captured_at:%Y-%m-%dT%H:%M:%S}"


async def _json(request: Request) -> Response:
    dossier = await dossier_of(request)
    stored = chosen_version(request, dossier.versions)
    levelled = ((capture, "") for capture in dossier.captures)
    return json_answer(
        article_object(stored, dossier.versions, dossier.aliases, dossier.events, levelled)
    )


async def _bibtex(request: Request) -> Response:
    return await _cited(request, bibtex, "bib", "application/x-bibtex")


async def _ris(request: Request) -> Response:
    return await _cited(request, ris, "ris", "application/x-research-info-systems")


async def _cited(
    request: Request,
    write: Callable[[StoredArticle, str, str], str],
    ending: str,
    media_type: str,
) -> Response:
    dossier = await dossier_of(request)
    stored = chosen_version(request, dossier.versions)
    text = write(stored, title_of(stored.article.outlet), stable_address(request, stored))
    # An id may be of any characters, a header of few.
    name = f"article-{stored.row_id}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8", "replace"), 200, headers, media_type)


async def _article(request: Request) -> Response:
    return await (_json(request) if wants_json(request) else _html(request))


ROUTES = [
    Route("/articles/{outlet}/{article_id:path}.bib", _bibtex),
    Route("/articles/{outlet}/{article_id:path}.ris", _ris),
    Route("/articles/{outlet}/{article_id:path}.json", _article),
    Route("/articles/{outlet}/{article_id:path}", _article),
]
