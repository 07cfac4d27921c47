"""ReplayWeb.page, which opens a capture with all its scripts: its files, and the page it is on.

It is AGPL and no part of Sacho; `python3 run.py player` puts its npm package into a folder.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from archive.articles.mementos import article_of
from archive.warc.wacz.cdxj import timestamp
from crawler.web.playback.headers import COMMON
from crawler.web.playback.lookup import find_numbered
from crawler.web.playback.site import page, sentence_page, site_of
from crawler.web.rendering import words_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

#: The files of the package that are served; its service worker's scope is ``/player/replay/``.
_FILES = {"ui.js": "ui.js", "replay/ui.js": "ui.js", "replay/sw.js": "sw.js"}
#: Scripts run, of this origin only, and nothing is asked of another one. What the player shows has
#: the policy that it sets itself, within this page's ``frame-src``.
_POLICY = (
    "sandbox allow-scripts allow-same-origin; default-src 'none'; "
    "script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self' data: blob:; frame-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors {ancestors}"
)


def is_player(folder: Path | None) -> bool:
    """Return whether the folder holds the files of the npm package that are needed."""
    return folder is not None and all((folder / name).is_file() for name in _FILES.values())


def open_in_player(request: Request) -> Response:
    """Return the page on which ReplayWeb.page opens a capture."""
    site = site_of(request)
    if not is_player(site.player):
        return _no_player(request)
    with site.reading() as connection:
        memento = find_numbered(connection, request.path_params["number"])
        article = article_of(connection, memento)
    values = {
        "memento": memento,
        "article": article,
        "stamp": timestamp(memento.captured_at),
    }
    policy = _POLICY.format(ancestors=site.framing)
    return page(request, "player.html", values, headers={"Content-Security-Policy": policy})


def player_file(request: Request) -> Response:
    """Return a file of the package, or the script that starts it."""
    site, name = site_of(request), request.path_params["name"]
    policy = {"Content-Security-Policy": _POLICY.format(ancestors="'self'")}
    if name == "start.js":
        script = files("crawler.web.playback").joinpath("static/start.js").read_bytes()
        fields = {**COMMON, **policy, "Content-Type": "text/javascript"}
        return Response(script, 200, fields)
    if name not in _FILES or not is_player(site.player):
        return _no_player(request)
    assert site.player is not None, "is_player() has found it"
    return FileResponse(
        site.player / _FILES[name], headers={**COMMON, **policy}, media_type="text/javascript"
    )


def _no_player(request: Request) -> Response:
    sentence = words_of(request)("playback.no_player")
    return sentence_page(request, 404, "playback.refused", sentence)
