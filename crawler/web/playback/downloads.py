"""Downloads of what is kept: the record of one capture, and a WACZ of its article."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from archive.export.article_package import write_article_package
from archive.segments.lookup import RecordError, parse_record, read_bytes, request_after
from archive.warc.wacz.cdxj import timestamp
from crawler import VERSION
from crawler.web.playback.headers import COMMON
from crawler.web.playback.lookup import find_numbered
from crawler.web.playback.payload import UnplayableError
from crawler.web.playback.site import site_of

if TYPE_CHECKING:
    from typing import IO

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from archive.articles.mementos import Memento

_GZIP, _WACZ = "application/gzip", "application/wacz"
_PIECE = 2**18
#: Seconds after which the selection of an article's captures is cut off.
_LIMIT = 60.0


def record(request: Request) -> Response:
    """Return the record of a capture, checked, and the request that it answers, byte for byte."""
    site = site_of(request)
    with site.reading() as connection:
        memento = find_numbered(connection, request.path_params["number"])
    place = memento.location
    try:
        data = read_bytes(site.archive, place)
        parse_record(data, place)
        following = request_after(site.archive, place)
    except RecordError as error:
        raise UnplayableError(f"The record of this capture cannot be read. {error}") from error
    if following is not None and place.record_id in following[0].fields["warc-concurrent-to"]:
        data += following[1]
    return Response(data, 200, _fields(memento, _GZIP, "warc.gz"))


def package(request: Request) -> Response:
    """Return a WACZ of the captures of the article that a capture shows, or of it alone."""
    site = site_of(request)
    file = tempfile.TemporaryFile(prefix="sacho-")  # noqa: SIM115  (closed when it was sent)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="sacho-") as scratch,
            site.reading(_LIMIT) as connection,
        ):
            memento = find_numbered(connection, request.path_params["number"])
            software = f"Sacho/{VERSION}"
            write_article_package(file, connection, site.archive, memento, software, Path(scratch))
    except BaseException:
        file.close()
        raise
    # No part of it can be asked for: to send it costs less than to make it again for each part.
    fields = _fields(memento, _WACZ, "wacz") | {"Content-Length": str(file.tell())}
    file.seek(0)
    return _SentFile(file, fields)


class _SentFile(StreamingResponse):
    """A temporary file, sent and then gone, also if the browser went away meanwhile."""

    def __init__(self, file: IO[bytes], fields: dict[str, str]) -> None:
        self._file = file
        super().__init__(iter(partial(file.read, _PIECE), b""), 200, fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _fields(memento: Memento, media_type: str, ending: str) -> dict[str, str]:
    name = f"sacho-{memento.id}-{timestamp(memento.captured_at)}.{ending}"
    return {
        **COMMON,
        "Content-Type": media_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
