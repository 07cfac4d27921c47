"""What ARCHIVE_URL names: a folder, or the part of a bucket of S3."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.data_folder import default_spool
from archive.model.errors import SegmentError
from archive.model.shown_url import shown_url
from archive.segments.names import plain
from archive.segments.store import FolderStore

if TYPE_CHECKING:
    from archive.segments.s3.bucket import Bucket
    from archive.segments.s3.store import S3Store
    from archive.segments.store import Store

_S3 = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
#: No part of it is ``.`` or ``..``, which programs that copy a bucket would take for folders.
_PART = r"(?!\.{1,2}(?:/|$))[^/\x00-\x1f\x7f]+"
_PREFIX = re.compile(rf"{_PART}(/{_PART})*")
_ENDPOINT = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/@:?#\[\]]+)(:\d{1,5})?(/[^\s@?#]*)?")
#: What is no folder: the scheme of another address, or of ours written otherwise.
_SCHEME = re.compile(r"(?i)(?!file://)(s3:|[a-z][a-z0-9+.-]*://)")
#: Seconds of the units in which KEEP_LOCAL may be given.
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9})([smhd]?)")
#: Bytes of a part of an upload by default: 4 of them are in memory at most.
PART_BYTES = 2**23


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How a bucket is used: its server (``""``: Amazon's), the folder of spools, and more.

    ``keep_local`` is a duration such as ``12h``, for which closed segments stay in the spool.
    """

    endpoint: str = ""
    spools: str = ""
    keep_local: str = "0"
    part_bytes: int = PART_BYTES


def options_from_environment() -> StoreOptions:
    """Return the options that the environment variables name as the settings do."""
    return StoreOptions(
        endpoint=os.environ.get("S3_ENDPOINT", ""),
        spools=os.environ.get("SPOOL_FOLDER", ""),
        keep_local=os.environ.get("KEEP_LOCAL") or "0",
    )


def store_at(url: str, options: StoreOptions | None = None) -> Store:
    """Return the store that ARCHIVE_URL names; without options the environment has them.

    :raises SegmentError: it names none that this version can read.
    """
    if not url.startswith(_S3):
        return FolderStore(Path(archive_folder(url)))
    return _bucket_store(url, options or options_from_environment())


def is_folder_url(url: str) -> bool:
    """Return whether ARCHIVE_URL names a folder, valid or not."""
    return not url.startswith(_S3)


def archive_folder(url: str) -> str:
    """Return the folder that ARCHIVE_URL names.

    :raises SegmentError: it names no local folder.
    """
    if _SCHEME.match(url):
        raise SegmentError(
            f"ARCHIVE_URL {shown_url(url)!r}: name a local folder, or a bucket as s3://BUCKET/PREFIX."
        )
    if not url:
        raise SegmentError("ARCHIVE_URL is empty; name the folder the archive lies in.")
    return url.removeprefix("file://")


def seconds(duration: str) -> int:
    """Return the seconds of a duration: a number, with s, m, h or d.

    :raises ValueError: it is none.
    """
    found = _DURATION.fullmatch(duration.strip())
    if found is None:
        raise ValueError("give a number of seconds, or one with m, h or d, such as 12h")
    return int(found[1]) * _UNITS[found[2]]


def _bucket_store(url: str, options: StoreOptions) -> S3Store:
    # who has the archive in a folder does not pay for it
    from archive.segments.s3.bucket import Bucket
    from archive.segments.s3.store import S3Store

    name, _, prefix = url.removeprefix(_S3).partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(name) or (prefix and not _PREFIX.fullmatch(prefix)):
        raise SegmentError(f"ARCHIVE_URL {shown_url(url)!r}: write a bucket as s3://BUCKET/PREFIX.")
    if options.endpoint and not _ENDPOINT.fullmatch(options.endpoint):
        raise SegmentError(
            f"S3_ENDPOINT {shown_url(options.endpoint)!r}: write https://HOST, or http://HOST:PORT;"
            " credentials are named in the environment or a profile, never in an address."
        )
    try:
        keep = seconds(options.keep_local)
    except ValueError as error:
        raise SegmentError(f"KEEP_LOCAL {options.keep_local!r}: {error}.") from error
    bucket = Bucket(name, f"{prefix}/" if prefix else "", options.endpoint)
    spools = Path(options.spools) if options.spools else default_spool()
    return S3Store(
        bucket=bucket,
        spool=spools.absolute() / _spool_name(bucket),
        keep_local=float(keep),
        part_bytes=options.part_bytes,
    )


def _spool_name(bucket: Bucket) -> str:
    """Return the name of the archive's spool, which no other archive's has."""
    digest = hashlib.sha256(f"{bucket.endpoint} {bucket.name} {bucket.prefix}".encode())
    return f"{plain(f'{bucket.name}-{bucket.prefix}')}-{digest.hexdigest()[:8]}"
