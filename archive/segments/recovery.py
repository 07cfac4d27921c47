"""Segments that a killed process left open: their torn tail is cut, what they hold is told, and they are closed.

A live writer holds a lock on its open segment; one whose lock is held is never touched.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError, describe_os_error
from archive.model.exchange import Location
from archive.segments import manifest as fixity
from archive.segments.file_locks import give_name, sync_folder, take_over
from archive.segments.names import OPEN
from archive.segments.tail_repair import DOCUMENTS, LONGEST, repair_tail
from archive.warc.reader import iterate
from archive.warc.record_parser import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class RecoveredSegment:
    """A dead writer's open segment, in our hands and whole up to its end.

    ``cut`` bytes of it were torn, and are gone; ``used`` is whether any document is left in it.
    """

    def __init__(self, path: Path, *, cut: int, used: bool) -> None:
        self.path, self.cut, self.used = path, cut, used
        #: The name it gets when it is closed, which is what rows call it by already.
        self.name = path.name.removesuffix(OPEN)

    def documents(self) -> Iterator[tuple[Record, Location]]:
        """Its records that stand for an answer or a document, and where they lie."""
        for found in iterate(self.path, LONGEST):
            if isinstance(found, Record) and found.kind in DOCUMENTS and found.length:
                place = Location(
                    self.name, found.offset, found.length, found.record_id, found.payload_digest
                )
                yield found, place


def open_segments(folder: Path | str) -> list[Path]:
    """The open segments in the folder, live ones too, the oldest first; none where there is no folder."""
    return sorted(Path(folder).glob("*" + OPEN))


@contextmanager
def recover_segment(
    path: Path, settled: Callable[[str], int] = lambda _: 0
) -> Iterator[RecoveredSegment | None]:
    """Take over an open segment, or give None where its writer lives or another process was faster.

    ``settled`` tells, of a segment's name, the byte before which rows lead to its records: those
    stay where they are. Within, its torn tail is cut and holes in it are closed; behind, if nothing
    was raised, it has its final name, or is gone if it held no document. Killed in between, the
    next one begins again: so index what it holds within.

    :raises SegmentError: the file cannot be mended.
    """
    fd = -1
    try:
        fd = take_over(path)
        if fd < 0:
            yield None
            return
        size = os.fstat(fd).st_size
        used = repair_tail(fd, path, settled(path.name.removesuffix(OPEN)))
        yield RecoveredSegment(path, cut=size - os.fstat(fd).st_size, used=used)
        _close(path, used=used)
    except OSError as error:
        raise SegmentError(describe_os_error(path, error)) from error
    finally:
        if fd >= 0:
            os.close(fd)


def _close(path: Path, *, used: bool) -> None:
    if used:
        final = path.with_name(path.name.removesuffix(OPEN))
        give_name(path, final)
        fixity.record_segment(final)
        return
    with suppress(FileNotFoundError):
        path.unlink()
    sync_folder(path.parent)
