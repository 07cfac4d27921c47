"""What the pages of playback need: the archive, the addresses of both origins, the templates."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import HTMLResponse

from crawler.cli.output.printable import printable
from crawler.cli.output.times import kst_second
from crawler.web.playback.address import list_path, path_of
from crawler.web.playback.headers import COMMON, own_policy
from crawler.web.rendering import templates_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response

    from archive.index.database import Index, Snapshot
    from archive.segments.store import StoreOrFolder

#: Seconds after which a query is cut off.
_LIMIT = 5.0


@dataclass(frozen=True, slots=True)
class PlaybackSite:
    """One archive on show.

    ``archive`` holds its segments. ``own_url`` and ``room_url`` are how a browser reaches playback
    and the reading room, each an origin without a slash at its end; the second is ``""`` if there
    is no reading room. ``player`` is the folder of ReplayWeb.page, None where it is not there.
    ``asks`` is whether readers are asked who they are.
    """

    index: Index
    archive: StoreOrFolder
    own_url: str
    room_url: str = ""
    player: Path | None = None
    asks: bool = False

    @contextmanager
    def reading(self, seconds: float = _LIMIT) -> Iterator[Snapshot]:
        """Yield the index as of one moment, for so many seconds.

        :raises QueryTooSlowError: a query took too long.
        :raises IndexUnusableError: the index cannot be read.
        """
        with self.index.reading(seconds) as connection:
            yield connection

    @property
    def framing(self) -> str:
        """Who may frame a page of ours, as a source of ``frame-ancestors``."""
        return self.room_url or "'none'"

    @property
    def capture_framing(self) -> str:
        """Who may frame captured bytes: what surrounds them here, and the reading room."""
        return f"'self' {self.room_url}".strip()

    def article_url(self, outlet: str, article_id: str) -> str:
        """Return the address of an article in the reading room; ``""`` without one."""
        if not self.room_url:
            return ""
        return f"{self.room_url}/articles/{quote(outlet, safe='')}/{quote(article_id, safe='')}"


def site_of(request: Request) -> PlaybackSite:
    """Return the site that a request is for."""
    site: PlaybackSite = request.app.state.playback
    return site


def rest_of_path(request: Request, prefix: str) -> str:
    """Return the path behind a prefix as it was sent, with the query, which is an address's own."""
    raw = request.scope["raw_path"].decode("utf-8", "replace").removeprefix(prefix)
    query = request.scope["query_string"].decode("utf-8", "replace")
    return f"{raw}?{query}" if query else raw


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a page of ours, in the language of the reader."""
    site, words = site_of(request), words_of(request)
    text = _templates().get_template(template).render(site=site, t=words, **values)
    fields = {
        **COMMON,
        "Content-Security-Policy": own_policy(site.framing),
        "Content-Language": words.language,
    }
    # An error of Memento varies with the time that was asked for, too.
    varies = ("Accept-Language, Cookie", (headers or {}).get("Vary", ""))
    fields |= {**(headers or {}), "Vary": ", ".join(filter(None, varies))}
    return HTMLResponse(text.encode("utf-8", "replace"), status, fields)


def sentence_page(
    request: Request,
    status: int,
    title: str,
    sentence: str,
    *,
    url: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a page that says why nothing is shown.

    ``title`` is the key of a word, ``url`` the live address, which is printed and no link.
    """
    values = {"title": words_of(request)(title), "sentence": sentence, "url": url}
    return page(request, "sentence.html", values, status, headers)


@cache
def _templates() -> Environment:
    environment = templates_of("crawler.web.playback")
    environment.filters.update(
        kst=kst_second, shown=printable, memento_path=path_of, list_path=list_path
    )
    return environment
