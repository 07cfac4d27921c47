"""Failures that Scrapy has no exception for, each with the ``reason`` it is counted under.

All other failures are those of ``scrapy.exceptions``, which Scrapy's RetryMiddleware knows.
"""

from __future__ import annotations

from typing import ClassVar

from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, IgnoreRequest


class AddressRefused(IgnoreRequest):
    """The address of the host is not a public one. Never retried."""

    reason: ClassVar[str] = "address_refused"


class RequestRefused(IgnoreRequest):
    """The scheme, host, method or a header of the request is not valid. Never retried."""

    reason: ClassVar[str] = "request_refused"


class CertificateError(DownloadCancelledError):
    """The server's certificate does not verify. Not retried: it would be the same again."""

    reason: ClassVar[str] = "certificate"


class HeadTooLargeError(DownloadCancelledError):
    """The response head has more bytes or lines than any outlet needs. Not retried."""

    reason: ClassVar[str] = "head_too_large"


class TunnelError(DownloadFailedError):
    """The proxy did not open a tunnel. Retried, as Scrapy's exception of this name is."""

    reason: ClassVar[str] = "tunnel"
