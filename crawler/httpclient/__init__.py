"""The wire: our live download handler, which keeps every exchange byte for byte.

``DOWNLOAD_HANDLERS = {"http": "crawler.httpclient.WireDownloadHandler", "https":
"crawler.httpclient.WireDownloadHandler"}``.
"""

from __future__ import annotations

from crawler.httpclient.errors import (
    AddressRefused,
    CertificateError,
    HeadTooLargeError,
    RequestRefused,
    TunnelError,
)
from crawler.httpclient.handler import ExchangeSink, WireDownloadHandler

__all__ = [
    "AddressRefused",
    "CertificateError",
    "ExchangeSink",
    "HeadTooLargeError",
    "RequestRefused",
    "TunnelError",
    "WireDownloadHandler",
]
