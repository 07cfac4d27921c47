"""The HTTP client: a download handler that archives every exchange byte for byte.

``DOWNLOAD_HANDLERS = {"http": "crawler.httpclient.ArchivingDownloadHandler", "https":
"crawler.httpclient.ArchivingDownloadHandler"}``.
"""

from __future__ import annotations

from crawler.httpclient.errors import (
    AddressRefused,
    CertificateError,
    HeadTooLargeError,
    RequestRefused,
    TunnelError,
)
from crawler.httpclient.handler import ArchivingDownloadHandler, ExchangeSink

__all__ = [
    "AddressRefused",
    "ArchivingDownloadHandler",
    "CertificateError",
    "ExchangeSink",
    "HeadTooLargeError",
    "RequestRefused",
    "TunnelError",
]
