"""Decode responses with ISA-L and within a limit; the archived exchange is not changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.responsetypes import responsetypes

from archive.http.content_coding import KNOWN, NotEncodedError, SizeError, decode, split_codings
from archive.http.message import MessageError

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_log = logging.getLogger(__name__)

#: "No limit" for decoders that need a number.
_NO_LIMIT = 2**40


class TooLarge(IgnoreRequest):
    """The body decodes to more than DOWNLOAD_MAXSIZE; it was archived as served."""

    reason: ClassVar[str] = "too_large"


class DecompressionMiddleware:
    """Requests gzip and decodes it, at a third of the cost of Scrapy's HttpCompressionMiddleware.

    Only gzip is requested, as every reader of the archive can decode it; deflate and br are decoded
    if they are served nevertheless. A response with another coding is returned unchanged. A body
    that is not encoded as its header says is returned as it is. Of a truncated or damaged body the
    part that decodes is returned, with the flag ``dataloss``. ``request.meta["exchange"]`` is not
    changed. ``decoded_maxsize`` in the request's meta is a limit of its own for what comes out. If
    it has ``as_served``, the response is returned unchanged: the callback decodes it.

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
        """Create the middleware, as Scrapy does."""
        if not crawler.settings.getbool("COMPRESSION_ENABLED"):
            raise NotConfigured
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Request gzip."""
        request.headers.setdefault("Accept-Encoding", "gzip")

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the decoded response.

        :raises TooLarge: it decodes to more than the limit.
        """
        fields = response.headers.getlist("Content-Encoding")
        if not fields or _is_unused(request, response):
            return response
        codings = split_codings(field.decode("latin-1") for field in fields)
        if not all(coding in KNOWN for coding in codings):
            self._count("unknown")
            _log.warning("%s: content-encoding %s is not supported", response, ", ".join(codings))
            return response
        limit = self._limit(request)
        body, flags = self._decoded(response, codings, limit)
        self._warn_if_large(request, response, len(response.body), len(body))
        self._count("response_bytes", len(body))
        self._count("response_count")
        headers = response.headers.copy()
        del headers["Content-Encoding"]
        response_class = responsetypes.from_args(headers=headers, url=response.url, body=body)
        return response.replace(
            cls=response_class, headers=headers, body=body, flags=[*response.flags, *flags]
        )

    def _limit(self, request: Request) -> int:
        own: int | None = request.meta.get("decoded_maxsize")
        size: int = request.meta.get("download_maxsize", self._maxsize)
        return own or size or _NO_LIMIT

    def _decoded(
        self, response: Response, codings: list[str], limit: int
    ) -> tuple[bytes, list[str]]:
        """Return the decoded body and the flags to add to the response.

        :raises TooLarge: it decodes to more than the limit.
        """
        if not response.body:
            return b"", []
        try:
            return decode(response.body, codings, limit), []
        except MessageError as error:
            problem = str(error)
        part = self._part(response, codings, limit)
        if part is None:
            return response.body, []
        self._count("damaged")
        _log.warning("%s: %s; %d bytes of it decode", response, problem, len(part))
        return part, ["dataloss"]

    def _part(self, response: Response, codings: list[str], limit: int) -> bytes | None:
        """Return the part of a damaged body that decodes, None if the body is not encoded."""
        try:
            return decode(response.body, codings, limit, salvage=True)
        except NotEncodedError:
            self._count("mislabelled")
            _log.info("%s: is not encoded as %s", response, ", ".join(codings))
            return None
        except SizeError:
            self._count("too_large")
        # Raised outside the handler: the traceback of SizeError would keep the decoded bytes in
        # memory as long as the failure lives.
        why = f"{response}: {len(response.body)} bytes decode to more than {limit}"
        _log.warning("%s", why)
        raise TooLarge(why)

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


def _is_unused(request: Request, response: Response) -> bool:
    """Return whether the response has no body, or the callback does not read it."""
    if request.meta.get("as_served"):
        return True
    return request.method == "HEAD" or response.status in (204, 304)
