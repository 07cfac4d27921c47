"""Content-encodings undone, with ISA-L and within bounds; what was served stays in the exchange."""

from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING, ClassVar

import brotli
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.responsetypes import responsetypes

from archive.warc.http_message import Head, MessageError, decode_content

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_log = logging.getLogger(__name__)

_GZIP = frozenset({"gzip", "x-gzip"})
_MAGIC = b"\x1f\x8b"
_KNOWN = _GZIP | {"deflate", "br"}
#: What stands for "no limit" with decoders that want a number.
_ENDLESS = 2**40
#: Bytes fed at once while looking for where damaged data stops to decode.
_PIECE = 1024
#: Members of one gzip stream that are read; bombs have been made of very many empty ones.
_MEMBERS = 1000


class TooLarge(IgnoreRequest):
    """The body decodes to more than DOWNLOAD_MAXSIZE. It has been archived as served."""

    reason: ClassVar[str] = "too_large"


class DecompressionMiddleware:
    """Asks for gzip and undoes it, in place of HttpCompressionMiddleware at a third of its cost.

    Only gzip is asked for, since whoever reads the archive later can undo that; deflate and br are
    undone where they come unasked. Codings nobody here can undo leave the response as it is. A body
    that is not coded at all in spite of its label is taken as it is; of one that is cut or damaged,
    what decodes, flagged ``dataloss``. ``request.meta["exchange"]`` is not touched. A response to a
    request whose meta says ``as_served`` stays as it is: whoever asked reads the exchange.

    Settings, Scrapy's: ``COMPRESSION_ENABLED``, ``DOWNLOAD_MAXSIZE`` and ``DOWNLOAD_WARNSIZE`` with
    their meta keys. Stats: ``httpcompression/response_bytes`` and
    ``httpcompression/response_count`` as Scrapy's, and ``httpcompression/<too_large, mislabelled,
    damaged, unknown>``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._stats = crawler.stats
        self._maxsize = crawler.settings.getint("DOWNLOAD_MAXSIZE")
        self._warnsize = crawler.settings.getint("DOWNLOAD_WARNSIZE")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to build it."""
        if not crawler.settings.getbool("COMPRESSION_ENABLED"):
            raise NotConfigured
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Ask for gzip."""
        request.headers.setdefault("Accept-Encoding", "gzip")

    def process_response(self, request: Request, response: Response) -> Response:
        """The response decoded.

        :raises TooLarge: it decodes to more than the limit.
        """
        fields = response.headers.getlist("Content-Encoding")
        if (
            not fields
            or request.meta.get("as_served")
            or request.method == "HEAD"
            or response.status in (204, 304)
        ):
            return response
        codings = _codings(fields)
        if not all(coding in _KNOWN for coding in codings):
            self._count("unknown")
            _log.warning(
                "%s: content-encoding %s is not one that can be undone",
                response,
                ", ".join(codings),
            )
            return response
        limit: int = request.meta.get("download_maxsize", self._maxsize) or _ENDLESS
        flags = response.flags
        body = served = response.body
        if body:
            whole, fault = _decoded(served, codings, limit)
            if whole is None:
                part = self._part(response, codings, limit)
                if part is not None:
                    flags = [*flags, "dataloss"]
                    self._count("damaged")
                    _log.warning("%s: %s; %d bytes of it decode", response, fault, len(part))
                whole = served if part is None else part
            body = whole
        self._warn_if_large(request, response, len(served), len(body))
        self._count("response_bytes", len(body))
        self._count("response_count")
        headers = response.headers.copy()
        del headers["Content-Encoding"]
        response_class = responsetypes.from_args(headers=headers, url=response.url, body=body)
        return response.replace(cls=response_class, headers=headers, body=body, flags=flags)

    def _part(self, response: Response, codings: list[str], limit: int) -> bytes | None:
        """What can be had of a body that does not decode; None where it is to be taken as it is."""
        try:
            part = salvage(response.body, codings, limit)
        except TooLarge:
            too_large = True
        else:
            too_large = False
        if too_large:
            # Raised anew: the frames that decoded hold all that came out, and would live as long as
            # the failure.
            self._count("too_large")
            why = f"{response}: {len(response.body)} bytes decode to more than {limit}"
            _log.warning("%s", why)
            raise TooLarge(why)
        if part is None:
            self._count("mislabelled")
            _log.info("%s: not %s, as its head says", response, ", ".join(codings))
        return part

    def _warn_if_large(
        self, request: Request, response: Response, served: int, decoded: int
    ) -> None:
        most: int = request.meta.get("download_warnsize", self._warnsize)
        if served < most <= decoded:
            _log.warning(
                "%s decodes to %d bytes, more than DOWNLOAD_WARNSIZE (%d)", response, decoded, most
            )

    def _count(self, name: str, by: int = 1) -> None:
        if self._stats is not None:
            self._stats.inc_value(f"httpcompression/{name}", by)


def _decoded(data: bytes, codings: list[str], limit: int) -> tuple[bytes | None, str]:
    """The whole body, or None and what is wrong with it."""
    head = Head("HTTP/1.1", 200, "", (("Content-Encoding", ", ".join(codings)),))
    try:
        return decode_content(head, data, limit), ""
    except MessageError as error:
        return None, str(error)


def salvage(data: bytes, codings: list[str], limit: int) -> bytes | None:
    """What decodes of ``data`` before its damage or early end; None if it is not coded so to begin with.

    ``codings`` are in the order they were applied, each one of gzip, x-gzip, deflate, br.

    :raises TooLarge: more than ``limit`` bytes come out.
    """
    for number, coding in enumerate(reversed(codings)):
        decoded = _begun(data, coding, limit)
        if decoded is None:
            return None if number == 0 else data
        data = decoded
    return data


def _codings(fields: list[bytes]) -> list[str]:
    """The codings in order of application; ``identity`` is none, and no name has more than ASCII."""
    names = (
        name.strip().lower() for field in fields for name in field.decode("latin-1").split(",")
    )
    return [name for name in names if name and name != "identity"]


def _begun(data: bytes, coding: str, limit: int) -> bytes | None:
    if coding in _GZIP:
        return _inflated(data, 31, limit) if data[:2] == _MAGIC else None
    if coding == "br":
        decoded = _unbrotlied(data, limit)
    else:
        zlib_wrapped = len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
        decoded = _inflated(data, 15 if zlib_wrapped else -15, limit)
    # Neither has a mark to know it by, and either may make a few bytes out of a page that is not
    # coded at all.
    return decoded if len(decoded) >= len(data) else None


def _inflated(data: bytes, wbits: int, limit: int) -> bytes:
    out = bytearray()
    view = memoryview(data)
    at = 0
    for _ in range(_MEMBERS):
        stream = zlib.decompressobj(wbits)
        while at < len(view) and not stream.eof:
            # Damage somewhere in a piece loses all of it, so that one is gone over again byte by
            # byte.
            before = stream.copy()
            piece = view[at : at + _PIECE]
            try:
                _feed(stream, piece, out, limit)
            except zlib.error:
                _feed_bytes(before, piece, out, limit)
                return bytes(out)
            at += len(piece)
        at -= len(stream.unused_data)
        if not stream.eof or wbits != 31 or bytes(view[at : at + 2]) != _MAGIC:
            break
    return bytes(out)


def _feed_bytes(stream: zlib._Decompress, piece: memoryview, out: bytearray, limit: int) -> None:
    for number in range(len(piece)):
        try:
            _feed(stream, piece[number : number + 1], out, limit)
        except zlib.error:
            return


def _feed(stream: zlib._Decompress, piece: memoryview, out: bytearray, limit: int) -> None:
    """Decode a piece onto ``out``; nothing of it is added when it is damaged.

    :raises TooLarge: ``out`` would have more than ``limit`` bytes.
    """
    # A kilobyte decodes to a megabyte at most, so one call's output needs no bound of its own.
    out += stream.decompress(piece)
    _check(out, limit)


def _unbrotlied(data: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    out = bytearray()
    view = memoryview(data)
    for at in range(0, len(data), _PIECE):
        try:
            out += stream.process(bytes(view[at : at + _PIECE]), output_buffer_limit=_PIECE * 64)
            _check(out, limit)
            while not stream.can_accept_more_data():
                out += stream.process(b"", output_buffer_limit=_PIECE * 64)
                _check(out, limit)
        except brotli.error:
            break
    return bytes(out)


def _check(out: bytearray, limit: int) -> None:
    if len(out) > limit:
        raise TooLarge(f"decodes to more than {limit} bytes")
