"""The reading room as an ASGI application: its addresses, and what stands before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from crawler.web import openapi
from crawler.web.errors import HANDLERS
from crawler.web.messages import LANGUAGES
from crawler.web.pages import (
    changes,
    downloads,
    outlet,
    outlets,
    runs,
    search,
    start,
)
from crawler.web.pages.articles import article, history
from crawler.web.rendering import LANGUAGE_COOKIE
from crawler.web.security import (
    Access,
    Guard,
    Pace,
    PacedSearch,
    RequestLog,
    SafeHeaders,
    headers_with,
)
from crawler.web.status import Status

if TYPE_CHECKING:
    from starlette.requests import Request

    from crawler.web.room import Room

#: Searches of one client a second, in the long run.
SEARCHES = 5.0


def reading_room(
    room: Room,
    access: Access | None = None,
    searches: float = SEARCHES,
    *,
    log_queries: bool = False,
) -> Starlette:
    """Return the application; ``searches`` is how many a client may ask for a second, 0: any."""
    middleware = [
        Middleware(RequestLog, with_queries=log_queries),
        Middleware(SafeHeaders, headers=headers_with(room.playback)),
        Middleware(Guard, access=access or Access()),
        Middleware(PacedSearch, pace=Pace(searches), paths=("/search",)),
    ]
    app = Starlette(routes=_routes(), middleware=middleware, exception_handlers=dict(HANDLERS))
    app.state.room = room
    app.state.status = Status(room)
    return app


def _routes() -> list[Route | Mount]:
    return [
        Route("/language", _choose_language),
        Mount("/static", StaticFiles(packages=[("crawler.web", "static")])),
        *start.ROUTES,
        *search.ROUTES,
        *downloads.ROUTES,
        *changes.ROUTES,
        # Before the articles, whose ids may have slashes.
        *history.ROUTES,
        *article.ROUTES,
        *outlets.ROUTES,
        *outlet.ROUTES,
        *runs.ROUTES,
        *openapi.ROUTES,
    ]


async def _choose_language(request: Request) -> Response:
    """Keep the language that a reader chose, and go back to the page that it was chosen at."""
    chosen = request.query_params.get("to", "")
    back = request.query_params.get("back", "/")
    # Only to an address of our own: no //host, and no /\host, which browsers read so.
    is_own = back.startswith("/") and back[1:2] not in ("/", "\\") and back.isprintable()
    response = RedirectResponse(back if is_own else "/", 303)
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, 400 * 86400, samesite="lax", httponly=True)
    return response
