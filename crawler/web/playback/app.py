"""The application of playback, served on an origin of its own, apart from the reading room's."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from archive.export.articles import ExportError
from archive.index.database import IndexUnusableError, QueryTooSlowError
from crawler.cli.output.times import kst_second
from crawler.web.playback import captures, downloads, memento, player
from crawler.web.playback.headers import COMMON
from crawler.web.playback.lookup import NotArchivedError, RemovedError
from crawler.web.playback.payload import UnplayableError
from crawler.web.playback.site import sentence_page, site_of
from crawler.web.rendering import words_of
from crawler.web.security import Access, Guard, RequestLog, SafeHeaders

if TYPE_CHECKING:
    from starlette.requests import Request

    from crawler.web.playback.site import PlaybackSite

_log = logging.getLogger(__name__)


def playback_app(
    site: PlaybackSite, access: Access | None = None, *, log_queries: bool = False
) -> Starlette:
    """Return the application that shows the captures of an archive to who may read."""
    access = access or Access()
    site = replace(site, asks=bool(access.token or access.user_header))
    middleware = [
        Middleware(RequestLog, with_queries=log_queries),
        Middleware(SafeHeaders, headers=COMMON),
        Middleware(Guard, access=access),
    ]
    app = Starlette(
        middleware=middleware,
        routes=[
            Route("/", _to_the_room),
            Route("/web/{rest:path}", captures.show),
            Route("/timegate/{rest:path}", memento.time_gate),
            Route("/timemap/{form}/{rest:path}", memento.time_map),
            Route("/captures/{number:int}/record.warc.gz", downloads.record),
            Route("/captures/{number:int}/capture.wacz", downloads.package),
            Route("/player/{number:int}", player.open_in_player),
            Route("/player/{name:path}", player.player_file),
            Route("/static/playback.css", _style),
        ],
        exception_handlers={
            NotArchivedError: _not_archived,
            RemovedError: _removed,
            UnplayableError: _unplayable,
            ExportError: _unplayable,
            IndexUnusableError: _unusable,
            QueryTooSlowError: _unusable,
            HTTPException: _refused,
            Exception: _failed,
        },
    )
    app.state.playback = site
    return app


def _to_the_room(request: Request) -> Response:
    """Lead somebody who asks for no capture to the reading room, where they are found."""
    site = site_of(request)
    if not site.room_url:
        raise HTTPException(404)
    return RedirectResponse(f"{site.room_url}/", 302)


def _style(_: Request) -> Response:
    style = files("crawler.web.playback").joinpath("static/playback.css").read_bytes()
    return Response(style, 200, {**COMMON, "Content-Type": "text/css; charset=utf-8"})


def _not_archived(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotArchivedError), "of these alone"
    key = "playback.not_archived_sentence" if error.url else "playback.no_capture_sentence"
    sentence = words_of(request)(key)
    return sentence_page(request, 404, "playback.not_archived", sentence, url=error.url)


def _removed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RemovedError), "of these alone"
    removal = error.removal
    sentence = words_of(request)(
        "error.removed",
        article=f"{removal.outlet}/{removal.article_id}",
        at=kst_second(removal.at),
        reason=removal.reason,
    )
    return sentence_page(request, 410, "playback.removed", sentence, url=error.url)


def _unplayable(request: Request, error: Exception) -> Response:
    return sentence_page(request, 502, "playback.unplayable", str(error))


def _unusable(request: Request, error: Exception) -> Response:
    _log.error("%s", error)
    sentence, again = words_of(request)("error.index"), {"Retry-After": "10"}
    return sentence_page(request, 503, "playback.refused", sentence, headers=again)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "of these alone"
    known = {404: "error.not_found", 405: "error.method"}
    key = known.get(error.status_code)
    sentence = words_of(request)(key) if key else error.detail
    return sentence_page(
        request, error.status_code, "playback.refused", sentence, headers=error.headers
    )


def _failed(request: Request, _: Exception) -> Response:
    """Answer in place of a bug, whose traceback the server logs."""
    sentence = words_of(request)("error.bug")
    return sentence_page(request, 500, "playback.refused", sentence)
