"""Content-encodings undone, with ISA-L and within bounds; what was served stays in the exchange."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.responsetypes import responsetypes

from archive.warc.content_coding import KNOWN, NotEncodedError, SizeError, decode, split_codings
from archive.warc.http_message import MessageError

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_log = logging.getLogger(__name__)

#: What stands for "no limit" with decoders that want a number.
_ENDLESS = 2**40


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
        codings = split_codings(field.decode("latin-1") for field in fields)
        if not all(coding in KNOWN for coding in codings):
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
            fault = ""
            try:
                body = decode(served, codings, limit)
            except MessageError as error:
                fault = str(error)
            part = self._part(response, codings, limit) if fault else None
            if part is not None:
                body, flags = part, [*flags, "dataloss"]
                self._count("damaged")
                _log.warning("%s: %s; %d bytes of it decode", response, fault, len(part))
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
            return decode(response.body, codings, limit, salvage=True)
        except NotEncodedError:
            self._count("mislabelled")
            _log.info("%s: not %s, as its head says", response, ", ".join(codings))
            return None
        except SizeError:
            self._count("too_large")
        # Raised outside the handler: the frames that decoded hold all that came out, and would live
        # as long as the failure.
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
