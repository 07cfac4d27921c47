"""The TLS context that the settings ask for."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_VERSIONS = {
    "TLSv1.0": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def tls_context(settings: BaseSettings) -> ssl.SSLContext:
    """Return the context of a crawl's connections; ``SSL_CERT_FILE`` applies.

    Certificates are verified unless ``DOWNLOAD_VERIFY_CERTIFICATES`` was set to False; Scrapy's
    default, which is False as well, does not count. Further settings:
    ``DOWNLOAD_TLS_MIN_VERSION``, ``DOWNLOAD_TLS_MAX_VERSION``, ``DOWNLOADER_CLIENT_TLS_CIPHERS``
    where set.

    :raises ValueError: a setting names a TLS version or cipher that does not exist.
    """
    context = ssl.create_default_context()
    if _is_set(settings, "DOWNLOAD_VERIFY_CERTIFICATES") and not settings.getbool(
        "DOWNLOAD_VERIFY_CERTIFICATES"
    ):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if (lowest := settings.get("DOWNLOAD_TLS_MIN_VERSION")) is not None:
        context.minimum_version = _version("DOWNLOAD_TLS_MIN_VERSION", lowest)
    if (highest := settings.get("DOWNLOAD_TLS_MAX_VERSION")) is not None:
        context.maximum_version = _version("DOWNLOAD_TLS_MAX_VERSION", highest)
    ciphers = settings.get("DOWNLOADER_CLIENT_TLS_CIPHERS")
    if ciphers and _is_set(settings, "DOWNLOADER_CLIENT_TLS_CIPHERS"):
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError as error:
            raise ValueError(
                f"DOWNLOADER_CLIENT_TLS_CIPHERS is {ciphers!r}, which names no known cipher"
            ) from error
    return context


def _is_set(settings: BaseSettings, name: str) -> bool:
    return (settings.getpriority(name) or 0) > 0


def _version(setting: str, value: str) -> ssl.TLSVersion:
    if value not in _VERSIONS:
        raise ValueError(f"{setting} is {value!r}, not one of {', '.join(_VERSIONS)}")
    return _VERSIONS[value]
