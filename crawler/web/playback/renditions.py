"""The forms of a capture alone: the page for its frame, a picture, a style sheet, the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from starlette.responses import Response

from archive.articles.mementos import neighbours, served_addresses
from archive.captures.address_forms import forms
from archive.warc.wacz.cdxj import timestamp
from crawler.web.playback.address import memento_path
from crawler.web.playback.headers import COMMON, capture_policy, memento_headers
from crawler.web.playback.lookup import NotArchivedError
from crawler.web.playback.media import Kind, embedded_type, is_font, is_shown_alone, kind_of
from crawler.web.playback.payload import UnplayableError, read_payload
from crawler.web.playback.rewriting.css import LONGEST_SHEET, rewrite_css
from crawler.web.playback.rewriting.html import TooLongError, rewrite_html
from crawler.web.playback.rewriting.links import Links, archived_among

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archive.articles.mementos import Memento
    from archive.index.database import Snapshot
    from crawler.web.playback.payload import Payload
    from crawler.web.playback.site import PlaybackSite

#: Pages that are rewritten at once: a tree may take 100 MB.
_REWRITING = BoundedSemaphore(2)
#: The statuses that are sent on; servers have answered with others, which HTTP does not know.
_STATUSES = range(200, 600)
_NO_CONTENT = frozenset({204, 205, 304})
_HTML, _PLAIN, _CSS = (f"text/{kind}; charset=utf-8" for kind in ("html", "plain", "css"))
#: What a page that is sandboxed, and so of no origin, may load.
_EMBEDDABLE = {"Cross-Origin-Resource-Policy": "cross-origin"}


@dataclass(frozen=True, slots=True)
class Showing:
    """A capture to show; ``accepted`` are the content codings that the browser takes."""

    site: PlaybackSite
    connection: Snapshot
    memento: Memento
    accepted: str = ""

    def payload(self) -> Payload:
        """Return its payload.

        :raises UnplayableError: it is missing or damaged.
        """
        return read_payload(self.connection, self.site.archive, self.memento)

    def headers(self) -> dict[str, str]:
        """Return the fields of a memento, without its neighbours in time."""
        return memento_headers(self.site.own_url, self.memento, self.memento.url)

    def rewritten(self, payload: Payload, text: str, rewrite: Callable[[str, Links], str]) -> str:
        """Return a text with the addresses of playback: read for its addresses, then written."""
        base, stamp = payload.holder.url, timestamp(self.memento.captured_at)
        with _REWRITING:
            first = Links(base, stamp)
            rewrite(text, first)
            known = archived_among(
                first.wanted, lambda urls: served_addresses(self.connection, urls)
            )
            return rewrite(text, Links(base, stamp, known))


def alone(showing: Showing) -> Response:
    """Return the page, text or picture itself, for the frame."""
    payload = showing.payload()
    headers = showing.headers()
    if payload.target:
        own = memento_path(showing.memento.captured_at, showing.memento.url)
        return Response(status_code=302, headers={**COMMON, "Location": own})
    kind = kind_of(payload)
    if kind is Kind.PAGE:
        try:
            html = showing.rewritten(payload, payload.text(), rewrite_html)
        except (TooLongError, MemoryError) as error:
            raise UnplayableError("The page is too long to be shown here.") from error
        return _captured(
            showing.site, html.encode("utf-8", "replace"), _HTML, headers, status_of_page(payload)
        )
    if kind is Kind.TEXT:
        text = _utf8(payload.text())
        return _captured(showing.site, text, _PLAIN, headers, status_of_page(payload))
    return embedded(showing)


def sheet(showing: Showing) -> Response:
    """Return a style sheet."""
    payload = showing.payload()
    if kind_of(payload) in (Kind.PAGE, Kind.PICTURE):
        raise NotArchivedError(showing.memento.url)
    css = payload.text()
    if len(css) > LONGEST_SHEET:
        raise UnplayableError("The style sheet is too long to be shown here.")
    css = showing.rewritten(payload, css, rewrite_css)
    headers = showing.headers() | _EMBEDDABLE
    return _captured(
        showing.site, css.encode("utf-8", "replace"), "text/css; charset=utf-8", headers
    )


def embedded(showing: Showing) -> Response:
    """Return a picture or font; anything else is a download of an unknown type."""
    payload = showing.payload()
    data = payload.decoded()
    media_type = embedded_type(data, payload.media_type)
    headers = showing.headers() | _EMBEDDABLE
    if is_font(media_type):
        headers["Access-Control-Allow-Origin"] = "*"  # the page has an origin of its own
    if not is_shown_alone(media_type):
        headers["Content-Disposition"] = "attachment"
    return _captured(showing.site, data, media_type, headers)


def raw(showing: Showing) -> Response:
    """Return the payload as it was served, as a download; content codings only if accepted."""
    payload, memento = showing.payload(), showing.memento
    around = neighbours(showing.connection, forms(memento.url), memento)
    headers = memento_headers(showing.site.own_url, memento, memento.url, around)
    headers |= {"Content-Disposition": "attachment", "Vary": "accept-encoding"}
    data = payload.coded
    wanted = {one.partition(";")[0].strip().lower() for one in showing.accepted.split(",")}
    codings = payload.codings
    if codings and wanted.issuperset(codings):
        headers["Content-Encoding"] = ", ".join(codings)
    elif codings:
        data = payload.decoded()
    if payload.target:
        headers["Location"] = memento_path(memento.captured_at, payload.target, "id_")
    status = payload.status if payload.status in _STATUSES else 200
    media_type = _header_value(payload.content_type) or "application/octet-stream"
    return _captured(showing.site, data, media_type, headers, status)


def status_of_page(payload: Payload) -> int:
    """Return the status under which a capture is shown: its own if that is an error's."""
    return payload.status if 400 <= payload.status in _STATUSES else 200


def _captured(
    site: PlaybackSite,
    data: bytes,
    media_type: str,
    headers: Mapping[str, str],
    status: int = 200,
) -> Response:
    """Return captured bytes, under the policy by which nothing in them runs."""
    policy = {"Content-Security-Policy": capture_policy(site.capture_framing, asks=site.asks)}
    fields = {**COMMON, **policy, "Content-Type": media_type, **headers}
    return Response(b"" if status in _NO_CONTENT else data, status, fields)


def _header_value(text: str) -> str:
    """Return a value of a captured head as it can be sent again; ``""`` if it cannot."""
    return text if text.isascii() and text.isprintable() else ""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
