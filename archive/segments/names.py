"""Names of segments and their ids.

A segment is called ``NAME.warc.gz.open`` while it is written and ``NAME.warc.gz`` once it is
closed; the index always knows it by its final name.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_PLAIN = re.compile(r"[^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*")
#: How the final name of a segment ends.
ENDING = ".warc.gz"
#: What its name carries besides while it is being written.
OPEN = ".open"


def segment_name(prefix: str, moment: datetime, serial: int, host: str, info: str) -> str:
    """Return a segment's final name.

    ``moment`` is UTC; ``info`` is the id of its warcinfo record, from which the token follows.
    """
    token = hashlib.sha256(info.encode()).hexdigest()[:8]
    return f"{prefix}-{moment:%Y%m%d%H%M%S}-{serial:05d}-{host}+{token}{ENDING}"


def final_name(name: str) -> str:
    """Return the name that a segment has, or will have, when it is closed."""
    return name.removesuffix(OPEN)


def open_name(name: str) -> str:
    """Return the name of a segment, given its final one, while it is being written."""
    return name + OPEN


def is_open(name: str) -> bool:
    """Return whether the name is that of a segment being written, or left open by a crash."""
    return name.endswith(ENDING + OPEN)


def is_closed(name: str) -> bool:
    """Return whether the name is that of a closed segment."""
    return name.endswith(ENDING)


def is_segment(name: str) -> bool:
    """Return whether the name is that of a segment, closed or open."""
    return is_closed(final_name(name))


def is_plain(name: str) -> bool:
    """Return whether the name is of a file in the folder itself: no path, and nothing hidden."""
    return bool(_PLAIN.fullmatch(name))


def closed_segments(folder: Path | str) -> list[Path]:
    """Return the closed segments of the folder by name; none if there is no folder.

    :raises OSError: the folder cannot be read.
    """
    return sorted(Path(folder).glob("*" + ENDING))


def open_segments(folder: Path | str) -> list[Path]:
    """Return the open segments of the folder, live ones too, by name; none if there is no folder.

    :raises OSError: the folder cannot be read.
    """
    return sorted(Path(folder).glob("*" + ENDING + OPEN))


def plain(name: str) -> str:
    """Return the name in letters that file systems and URLs leave alone."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "x"


def new_id() -> str:
    """Return a new record id, as a bare URI."""
    return uuid.uuid4().urn
