"""What a search finds, to take along: as JSON lines, CSV or Parquet, and as a feed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anyio import create_task_group, move_on_after
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from archive.articles.selected_rows import ArticleSelection, rows_of
from archive.export.article_files import check_format, chunks_of
from archive.export.articles import ENDINGS, ExportError
from archive.export.atom import MEDIA_TYPE, Entry, atom_feed
from archive.index.search.query import QueryError
from crawler.web.errors import answer
from crawler.web.pages.outlet_names import title_of
from crawler.web.pages.search import Asked, asked_of, read_matches
from crawler.web.rendering import address, path_text, words_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import ClassVar

    from anyio import CancelScope
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from archive.articles.queries import StoredArticle
    from archive.articles.snippets import Snippet
    from archive.index.database import Index
    from archive.index.search.query import Query

_log = logging.getLogger(__name__)

MEDIA_TYPES = {
    ".jsonl": "application/jsonl",
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}
#: Articles of a feed, and the least bytes that are sent at once.
_ENTRIES, _PIECE = 50, 2**16


class StreamedExport(Response):
    """A file of articles, made while it is sent, in threads; none waits for a slow reader.

    Each keeps a moment of the index until its end, which a reindex has to wait for: so few are sent
    at once, and one is given up whose reader takes nothing for `PATIENCE` seconds.
    """

    PATIENCE: ClassVar[int] = 60
    MOST: ClassVar[int] = 3
    #: How many are being sent.
    under_way: ClassVar[int] = 0

    def __init__(self, index: Index, query: Query, ending: str) -> None:
        self._pieces = _pieces(index, query, ending)
        headers = {"Content-Disposition": f'attachment; filename="articles{ending}"'}
        super().__init__(None, 200, headers, MEDIA_TYPES[ending])
        # Nobody knows how long it will be.
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, as long as somebody takes it."""
        StreamedExport.under_way += 1
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(_cancel_at_disconnect, receive, tasks.cancel_scope)
                await self._send(scope["method"], send)
                tasks.cancel_scope.cancel()
        finally:
            StreamedExport.under_way -= 1
            self._pieces.close()

    async def _send(self, method: str, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if method != "HEAD":
            while piece := await run_in_threadpool(next, self._pieces, b""):
                with move_on_after(self.PATIENCE) as sending:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if sending.cancelled_caught:
                    _log.warning("a download was given up: its reader took nothing")
                    return
        await send({"type": "http.response.body", "body": b""})


async def _cancel_at_disconnect(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _pieces(index: Index, query: Query, ending: str) -> Generator[bytes]:
    """Yield the bytes of the file in pieces of `_PIECE` or more: each is sent by itself."""
    with index.reading() as connection:
        held = bytearray()
        for chunk in chunks_of(ending, rows_of(connection, ArticleSelection(query=query))):
            held += chunk
            if len(held) >= _PIECE:
                yield bytes(held)
                held.clear()
        if held:
            yield bytes(held)


def _asked(request: Request) -> Asked:
    """Return what is asked for.

    :raises QueryError: nothing is, or it means nothing.
    """
    asked = asked_of(request.query_params)
    if asked is None:
        raise QueryError("nothing to search for: give q=QUERY")
    return asked


async def _file(request: Request) -> Response:
    asked = _asked(request)
    ending = request.url.path.removeprefix("/search")
    try:
        check_format(ending)
    except ExportError as error:
        return answer(request, 501, str(error))
    if StreamedExport.under_way >= StreamedExport.MOST:
        sentence = words_of(request)("error.busy")
        return answer(request, 503, sentence, {"Retry-After": "60"})
    return StreamedExport(request.app.state.room.index, asked.query, ending)


async def _feed(request: Request) -> Response:
    asked = _asked(request)
    words = words_of(request)
    room = request.app.state.room
    limited = Asked(text=asked.text, query=asked.query, limit=_ENTRIES, before=None, by_rank=False)
    found = await room.read(lambda one: read_matches(one, limited, judged=False))
    base = str(request.base_url).rstrip("/")
    parameters = dict(request.query_params)
    feed = atom_feed(
        f"{words('site.name')}: {asked.text}",
        base + address("/search.atom", parameters),
        base + address("/search", parameters),
        words("site.name"),
        map(_entry, found.articles, found.snippets, [base] * len(found.articles)),
    )
    return Response(feed, media_type=MEDIA_TYPE)


def _entry(stored: StoredArticle, snippet: Snippet, base: str) -> Entry:
    article = stored.article
    own = f"{base}/articles/{path_text(article.outlet)}/{path_text(article.article_id)}"
    return Entry(
        id=own,
        title=article.headline,
        address=own,
        updated=stored.captured_at,
        published=article.published_at,
        summary=snippet.text,
        authors=(title_of(article.outlet), *(author.name for author in article.authors)),
        category=article.section,
    )


ROUTES = [
    Route("/search.atom", _feed),
    *(Route(f"/search{ending}", _file) for ending in ENDINGS),
]
