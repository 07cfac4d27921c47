"""The store of the archive that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.segments.archive_url import StoreOptions, store_at

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from archive.segments.store import Store


def archive_store(settings: BaseSettings) -> Store:
    """Return the store at ARCHIVE_URL.

    Reads S3_ENDPOINT, SPOOL_FOLDER, KEEP_LOCAL and S3_PART_BYTES as well.

    :raises SegmentError: it names none.
    """
    options = StoreOptions(
        endpoint=str(settings.get("S3_ENDPOINT") or ""),
        spools=str(settings.get("SPOOL_FOLDER") or ""),
        keep_local=str(settings.get("KEEP_LOCAL") or "0"),
        part_bytes=settings.getint("S3_PART_BYTES"),
    )
    return store_at(str(settings.get("ARCHIVE_URL") or ""), options)
