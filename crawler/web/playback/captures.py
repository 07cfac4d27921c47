"""``/web/…``: a capture with what surrounds it, or in one of its forms alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from archive.articles.mementos import article_of, mementos, neighbours, number_of_mementos
from archive.captures.address_forms import forms
from archive.warc.wacz.cdxj import timestamp
from crawler.web.playback import renditions
from crawler.web.playback.address import memento_path, parse_asked, parse_url, stamped_path
from crawler.web.playback.headers import COMMON, memento_headers, sandbox, timemap
from crawler.web.playback.lookup import EMBEDDED, find, nothing_at, refuse_removed
from crawler.web.playback.media import Kind, kind_of
from crawler.web.playback.payload import UnplayableError
from crawler.web.playback.player import is_player
from crawler.web.playback.renditions import Showing, status_of_page
from crawler.web.playback.rewriting.html import is_too_long
from crawler.web.playback.site import page, rest_of_path, sentence_page, site_of
from crawler.web.rendering import words_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from archive.articles.mementos import Memento
    from crawler.web.playback.payload import Payload

#: Captures of an address that are listed.
LISTED = 500
#: How each modifier shows a capture; without one it is surrounded.
_ALONE = {
    "mp_": renditions.alone,
    "if_": renditions.alone,
    "im_": renditions.embedded,
    "cs_": renditions.sheet,
    "id_": renditions.raw,
}


def show(request: Request) -> Response:
    """Answer a request for a capture, or for the list of those of an address (``/web/*/…``)."""
    site, rest = site_of(request), rest_of_path(request, "/web/")
    if rest.startswith("*/"):
        return _list(request, parse_url(rest[2:]))
    asked = parse_asked(rest)
    if asked is None:
        return _latest(request, parse_url(rest))
    with site.reading() as connection:
        memento = find(connection, asked)
        own = memento_path(memento.captured_at, memento.url, asked.modifier)
        again = parse_asked(own.removeprefix("/web/"))
        is_exact = (asked.stamp, asked.url) == (timestamp(memento.captured_at), memento.url)
        if not is_exact and asked.modifier not in EMBEDDED and _leads_to(again, memento):
            return Response(status_code=302, headers={**COMMON, "Location": own})
        accepted = request.headers.get("accept-encoding", "")
        showing = Showing(site, connection, memento, accepted)
        if asked.modifier:
            return _ALONE[asked.modifier](showing)
        return _surrounded(request, showing)


def _leads_to(again: object, memento: Memento) -> bool:
    """Return whether an address asked for again is the capture's own, and not one more form."""
    return getattr(again, "url", "") == memento.url


def _latest(request: Request, url: str) -> Response:
    """Lead to the newest capture of an address without a stamp."""
    if not url:
        sentence = words_of(request)("playback.no_address")
        return sentence_page(request, 404, "playback.refused", sentence)
    location = stamped_path("99991231235959", url)
    return Response(status_code=302, headers={**COMMON, "Location": location})


def _list(request: Request, url: str) -> Response:
    """Return the page that lists the captures of an address, the newest last."""
    site, written = site_of(request), forms(url)
    with site.reading() as connection:
        refuse_removed(connection, url, written)
        number = number_of_mementos(connection, written, dated=False)
        start = max(0, number - LISTED)
        found = mementos(connection, written, start, LISTED, dated=False)
        if not found:
            raise nothing_at(connection, url, written)
    values = {"url": url, "rows": found, "number": number, "timemap": timemap("", url)}
    return page(request, "list.html", values)


def _surrounded(request: Request, showing: Showing) -> Response:
    """Return the page of ours that shows a capture in a frame, below a banner."""
    site, connection, memento = showing.site, showing.connection, showing.memento
    payload, sentence, status = None, "", 502
    try:
        payload = showing.payload()
        sentence, status = _obstacle(request, payload), status_of_page(payload)
    except UnplayableError as error:
        sentence = str(error)
    target = _target(payload, memento)
    kind = kind_of(payload) if payload is not None else Kind.OTHER
    around = neighbours(connection, forms(memento.url), memento)
    values = {
        "memento": memento,
        "payload": payload,
        "sentence": sentence,
        "target": target,
        "is_framed": not sentence and not target and kind in (Kind.PAGE, Kind.TEXT),
        "is_picture": kind is Kind.PICTURE,
        "article": article_of(connection, memento),
        "before": around.before,
        "after": around.after,
        "has_player": is_player(site.player),
        "sandbox": sandbox(asks=site.asks),
    }
    headers = memento_headers(site.own_url, memento, memento.url, around)
    return page(request, "capture.html", values, status, headers)


def _obstacle(request: Request, payload: Payload) -> str:
    """Return why a capture is not shown in a frame, ``""`` if nothing is in the way."""
    if payload.target or kind_of(payload) is not Kind.PAGE:
        return ""
    if is_too_long(payload.text()):
        return words_of(request)("playback.too_long")
    return ""


def _target(payload: Payload | None, memento: Memento) -> str:
    """Return the path at which a redirect led on, ``""`` if the capture is none."""
    if payload is None or not payload.target:
        return ""
    return memento_path(memento.captured_at, payload.target)
