"""The wire: our live download handler, which keeps every exchange byte for byte.

``DOWNLOAD_HANDLERS = {"http": "crawler.wire.WireDownloadHandler", "https": "crawler.wire.WireDownloadHandler"}``.
"""

from crawler.wire.errors import (
    AddressRefused,
    CertificateError,
    HeadTooLargeError,
    RequestRefused,
    TunnelError,
)
from crawler.wire.handler import ExchangeSink, WireDownloadHandler

__all__ = [
    "AddressRefused",
    "CertificateError",
    "ExchangeSink",
    "HeadTooLargeError",
    "RequestRefused",
    "TunnelError",
    "WireDownloadHandler",
]
