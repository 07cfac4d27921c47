"""How segments are named."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError

if TYPE_CHECKING:
    from datetime import datetime


def segment_name(prefix: str, moment: datetime, serial: int, host: str, info: str) -> str:
    """A segment's final name; ``moment`` is UTC, ``info`` its warcinfo's id, from which the token follows."""
    token = hashlib.sha256(info.encode()).hexdigest()[:8]
    return f"{prefix}-{moment:%Y%m%d%H%M%S}-{serial:05d}-{host}+{token}.warc.gz"


def plain(name: str) -> str:
    """The name in letters that file systems and URLs leave alone."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "x"


def new_id() -> str:
    """An id for a record, as a bare URI."""
    return uuid.uuid4().urn


def archive_folder(url: str) -> str:
    """The folder that ARCHIVE_URL names.

    :raises SegmentError: it names no local folder.
    """
    if "://" in url and not url.startswith("file://"):
        raise SegmentError(f"ARCHIVE_URL {url!r}: only a local folder is supported.")
    if not url:
        raise SegmentError("ARCHIVE_URL is empty; name the folder the archive lies in.")
    return url.removeprefix("file://")


#: What a segment's name carries while it is being written.
OPEN = ".open"
