"""Errors as pages and as JSON: a sentence each, and no traceback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from archive.index.database import IndexUnusableError, QueryTooSlowError
from archive.index.search.query import QueryError
from crawler.cli.output.times import kst_iso, kst_second
from crawler.web.rendering import json_answer, page, words_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from archive.articles.blocklist import Removal

_log = logging.getLogger(__name__)


class RemovedError(Exception):
    """The article was removed; ``removal`` is the record of that."""

    def __init__(self, removal: Removal) -> None:
        super().__init__(removal)
        self.removal = removal


def not_found(what: str = "") -> HTTPException:
    """Return the error of what does not exist; ``what`` is a sentence about it."""
    return HTTPException(404, what or None)


def wants_json(request: Request) -> bool:
    """Whether the address is one of those that answer in JSON."""
    return request.url.path.endswith(".json")


def answer(
    request: Request,
    status: int,
    sentence: str,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """Return the answer to a request that failed, with a sentence."""
    if wants_json(request):
        return json_answer({"error": sentence, **more}, status, headers)
    return page(request, "error.html", {"status": status, "sentence": sentence}, status, headers)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette or a page refused."""
    assert isinstance(error, HTTPException)
    words = words_of(request)
    known = {404: "error.not_found", 405: "error.method"}
    sentence = error.detail
    if error.status_code in known and sentence in ("Not Found", "Method Not Allowed"):
        sentence = words(known[error.status_code])
    return answer(request, error.status_code, sentence, dict(error.headers or {}))


async def on_query_error(request: Request, error: Exception) -> Response:
    """Answer a query, or a part of an address, that means nothing."""
    return answer(request, 400, f"{error}.")


async def on_slow_query(request: Request, _: Exception) -> Response:
    """Answer a query that was cut off."""
    words = words_of(request)
    if request.url.path.startswith("/search"):
        return answer(request, 503, words("error.slow", seconds=2))
    return answer(request, 503, words("error.slow_page"), {"Retry-After": "10"})


async def on_removed(request: Request, error: Exception) -> Response:
    """Answer a request for an article that was removed."""
    assert isinstance(error, RemovedError)
    removal = error.removal
    words = words_of(request)
    sentence = words(
        "error.removed",
        article=f"{removal.outlet}/{removal.article_id}",
        at=kst_second(removal.at),
        reason=removal.reason,
    )
    record = {
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "at": kst_iso(removal.at),
        "reason": removal.reason,
    }
    return answer(request, 410, sentence, removal=record)


async def on_unusable_index(request: Request, error: Exception) -> Response:
    """Answer while the index cannot be read, as when a reindex puts a new one in its place."""
    _log.error("%s", error)
    return answer(request, 503, words_of(request)("error.index"), {"Retry-After": "10"})


async def on_bug(request: Request, _: Exception) -> Response:
    """Answer where something is wrong with the reading room; Starlette's caller logs what."""
    return answer(request, 500, words_of(request)("error.bug"))


HANDLERS = {
    HTTPException: on_http_error,
    QueryError: on_query_error,
    QueryTooSlowError: on_slow_query,
    RemovedError: on_removed,
    IndexUnusableError: on_unusable_index,
    Exception: on_bug,
}
