"""Why the wire refuses: the failures Scrapy has no exception for, each with the reason it is counted under.

All other failures are Scrapy's own (``scrapy.exceptions``), those its RetryMiddleware knows.
"""

from __future__ import annotations

from typing import ClassVar

from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, IgnoreRequest


class AddressRefused(IgnoreRequest):
    """The address that would be dialled is not a public one. Never retried."""

    reason: ClassVar[str] = "address_refused"


class RequestRefused(IgnoreRequest):
    """The request cannot be sent as it is: a scheme, host, header or method that is none. Never retried."""

    reason: ClassVar[str] = "request_refused"


class CertificateError(DownloadCancelledError):
    """The server's certificate does not verify. Not retried: the next handshake shows the same one."""

    reason: ClassVar[str] = "certificate"


class HeadTooLargeError(DownloadCancelledError):
    """The response head exceeds what any outlet needs, in bytes or in lines. Not retried."""

    reason: ClassVar[str] = "head_too_large"


class TunnelError(DownloadFailedError):
    """The proxy did not open the tunnel it was asked for. Retried, as Scrapy's exception of that name is."""

    reason: ClassVar[str] = "tunnel"
