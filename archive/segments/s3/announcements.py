"""Announcements of open segments: empty objects by which a writer tells that others must wait.

An open segment lies in the spool of its writer, where no other machine can read it. Rows of the
index may refer to it already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM

if TYPE_CHECKING:
    from archive.segments.s3.bucket import Bucket

#: Their folder; no kept file has a name that begins so.
FOLDER = ".open/"
#: Seconds after which a segment counts as left open: a crawl takes hours.
LONGEST = 7 * 86400


@dataclass(frozen=True, slots=True)
class Announcement:
    """An open segment of a writer, and since when it is open, in seconds since 1970."""

    name: str
    writer: str
    since: float

    @property
    def is_live(self) -> bool:
        """Whether its writer may still be writing it."""
        return time() - self.since < LONGEST

    @property
    def sentence(self) -> str:
        """Why it cannot be read, without a full stop."""
        begun = datetime.fromtimestamp(self.since, UTC)
        return (
            f"it is in the spool of {self.writer}, which began it on {begun:%Y-%m-%d %H:%M} UTC and"
            f" has not uploaded it yet. Wait for its crawl, or run {PROGRAM} recover there"
        )


def announce(bucket: Bucket, writer: str, name: str) -> None:
    """Tell that the writer begins a segment.

    :raises OSError: that cannot be written.
    """
    bucket.put(_object(writer, name), b"")


def withdraw(bucket: Bucket, writer: str, name: str) -> None:
    """Tell that the segment is closed, or was given up.

    :raises OSError: that cannot be written.
    """
    bucket.delete(_object(writer, name))


def announced(bucket: Bucket) -> list[Announcement]:
    """Return all announcements.

    :raises OSError: they cannot be listed.
    """
    found = []
    for one in bucket.entries(FOLDER, within=True):
        writer, _, name = one.name.removeprefix(FOLDER).partition("/")
        found.append(Announcement(name, writer, one.changed))
    return found


def _object(writer: str, name: str) -> str:
    return f"{FOLDER}{writer}/{name}"
