"""Recovery of segments that a killed process left open: repair them, index them, close them.

A live writer holds a lock on its open segment; a segment whose lock is held is never touched.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError, describe_os_error
from archive.segments import lookup
from archive.segments import manifest as fixity
from archive.segments.files.atomic_files import sync_folder
from archive.segments.files.file_locks import take_over
from archive.segments.names import final_name
from archive.segments.store import FolderStore
from archive.segments.tail_repair import repair_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from archive.model.exchange import Location
    from archive.segments.store import Store
    from archive.warc.record_parser import Record


class RecoveredSegment:
    """A dead writer's open segment, locked by this process and repaired.

    ``name`` is its final name, by which rows of the index refer to it already. ``cut`` bytes of it
    were torn and are deleted; ``used`` is whether any document is left in it.
    """

    def __init__(self, path: Path, *, cut: int, used: bool) -> None:
        self.path, self.cut, self.used = path, cut, used
        self.name = final_name(path.name)

    def documents(self) -> Iterator[tuple[Record, Location]]:
        """Yield its documents and where they lie."""
        return lookup.documents(self.path)


@contextmanager
def recover_segment(
    path: Path, settled: Callable[[str], int] = lambda _: 0, store: Store | None = None
) -> Iterator[RecoveredSegment | None]:
    """Take over an open segment; yield None if its writer lives or another process was faster.

    Given a segment's name, ``settled`` returns the byte before which rows of the index refer to its
    records, which are not moved. The segment is repaired before the block, which has to index it.
    If the block raises nothing, ``store``, by default that of its folder, then keeps the segment
    under its final name; one that holds no document is deleted. After a kill in between, the next
    call begins again.

    :raises SegmentError: the file cannot be repaired.
    """
    fd = -1
    try:
        fd = take_over(path)
        if fd < 0:
            yield None
            return
        size = os.fstat(fd).st_size
        used = repair_tail(fd, path, settled(final_name(path.name)))
        yield RecoveredSegment(path, cut=size - os.fstat(fd).st_size, used=used)
        _close(store or FolderStore(path.parent), path, used=used)
    except OSError as error:
        raise SegmentError(describe_os_error(path, error)) from error
    finally:
        if fd >= 0:
            os.close(fd)


def _close(store: Store, path: Path, *, used: bool) -> None:
    if used:
        name = final_name(path.name)
        size, sha256 = store.close_segment(name)
        fixity.record_closed(store, name, size, sha256)
        return
    with suppress(FileNotFoundError):
        path.unlink()
    sync_folder(path.parent)
    store.withdraw_segment(final_name(path.name))
