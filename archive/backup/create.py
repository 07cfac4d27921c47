"""Creation of a backup: the archive as of one moment, copied while others may write.

Closed segments are listed first, then the index is copied, then the segments. Closed segments were
indexed before they were closed, so that no record in them lacks its row. All records that rows
refer to were on disk before the rows were, and the segments that were open are copied after the
index, as long as they are by then. Records in them that have no row yet are indexed when the backup
is restored, as after a crash.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.backup.destination import BackupFolder, open_destination
from archive.backup.file_copy import FileDigest, UnreadableError, copy_to_part, source_of
from archive.backup.index_snapshot import copy_index, segment_ends, size_of_index
from archive.backup.inventory import INDEX, SEGMENTS, Inventory
from archive.backup.parts import Plan, damaged_copies, write_plan
from archive.index.database import IndexUnusableError, index_exists, shown_index
from archive.model.errors import BackupError
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.files import disk
from archive.segments.manifest import EntryKind
from archive.segments.names import is_plain, open_name
from archive.segments.store import store_of
from archive.takedown import log as takedown_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archive.segments.manifest import Manifest, ManifestEntry
    from archive.segments.store import Store, StoreOrFolder

    #: Others that copy what the plan in a folder of that name says: begun as the context is
    #: entered, which yields what waits for their end.
    Others = Callable[[str], AbstractContextManager[Callable[[], None]]]


@dataclass(slots=True)
class BackupResult:
    """What a backup did.

    ``new``, ``unchanged``, ``open`` and ``deleted`` are numbers of segments in the backup,
    ``copied`` the bytes copied, ``size`` those of all its files; ``index`` is whether it holds an
    index. ``recopied`` are segments whose copies were damaged, ``faults`` sentences about what was
    damaged or missing, ``pending`` articles whose take-down is not finished.
    """

    at: datetime
    new: int = 0
    unchanged: int = 0
    open: int = 0
    deleted: int = 0
    copied: int = 0
    size: int = 0
    index: bool = False
    recopied: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)


def back_up(
    archive: StoreOrFolder,
    index_url: str,
    folder: Path,
    *,
    check: bool = False,
    begin: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
    others: Others | None = None,
) -> BackupResult:
    """Update the backup in ``folder`` to what the archive and its index are now.

    With ``check`` every segment in the backup is read, and copied again if it is damaged. ``begin``
    is called with the number of bytes to copy, ``advance`` with the bytes of each step. ``others``
    let other processes copy closed segments by `copy_part`. After an interrupt or a kill the files
    in the inventory are as they were, and the next call continues.

    :raises BackupError: there is nothing to back up, or the folder is not writable or holds
        something else.
    :raises IndexUnusableError: the index cannot be copied.
    """
    store = store_of(archive)
    with open_destination(store, index_url, folder) as before:
        while True:
            destination = BackupFolder(folder, before, check=check)
            result = _Attempt(store, index_url, destination, begin, advance, others).run()
            if result is not None:
                return result


class _Attempt:
    """One attempt to copy everything as of one moment; a take-down during it makes it fail."""

    def __init__(
        self,
        store: Store,
        index_url: str,
        destination: BackupFolder,
        begin: Callable[[int], None],
        advance: Callable[[int], None],
        others: Others | None,
    ) -> None:
        self._store = store
        self._others = others
        self._planned: dict[str, FileDigest] = {}
        self._lacking: set[str] = set()
        self._index_url, self._index_size = index_url, 0
        self._destination = destination
        self._begin, self._advance = begin, advance
        self._files: dict[str, FileDigest] = {}
        self._faults: dict[str, str] = {}
        self._result = BackupResult(datetime.now(UTC))

    def run(self) -> BackupResult | None:
        """Create the backup; return None if the copies are not of one moment."""
        chains, log = self._store.whole_logs(fixity.NAME), self._log()
        manifest = fixity.parse(chains)
        self._destination.check_continues(chains)
        closed, opened = self._list_segments(manifest)
        if self._others is not None:
            self._plan(closed, manifest)
        self._check_space(closed, opened, manifest)
        state = self._destination.new_state()
        try:
            with self._begun_parts(state) as wait:
                self._copy_moment(closed, opened, chains, log)
                wait()
            self._take_back(state)
            for name in sorted(closed):
                self._copy_closed(name, manifest.entries.get(name))
            if self._has_takedown_since(log, manifest):
                self._destination.drop(state)
                return None
            after = Inventory(self._result.at, state.name, self._files, self._faults)
            self._destination.commit(after)
        except BaseException:
            with suppress(OSError):
                self._destination.drop(state)
            raise
        return self._finish()

    def _copy_moment(
        self,
        closed: set[str],
        opened: set[str],
        chains: dict[str, bytes],
        log: dict[str, bytes],
    ) -> None:
        """Copy what belongs to this moment: the index, the logs, the segments that are open."""
        self._result.at = datetime.now(UTC)
        ends = self._copy_index()
        self._check_index(ends, closed)
        for name, data in ((chains or {fixity.NAME: b""}) | log).items():
            self._keep_bytes(name, data)
        for name in sorted({*opened, *ends} - closed):
            self._copy_open(name, ends.get(name, 0), indexed=name in ends)

    def _plan(self, closed: set[str], manifest: Manifest) -> None:
        """Plan what others copy: closed segments of which the manifest says what they must be."""
        check = self._destination.check
        known = {name: manifest.entries[name] for name in closed & manifest.entries.keys()}
        self._destination.leave_to_others(known.keys())
        for name, entry in known.items():
            is_lacking = self._destination.find_copy(name, entry) is None
            if is_lacking:
                self._lacking.add(name)
            if is_lacking or check:
                self._planned[name] = FileDigest(entry.size, entry.sha256)

    @contextmanager
    def _begun_parts(self, state: Path) -> Iterator[Callable[[], None]]:
        """Let others begin what is planned; yield what waits for them."""
        if self._others is None or not self._planned:
            yield _do_nothing
            return
        write_plan(state, Plan(self._planned, check=self._destination.check))
        with self._others(state.name) as wait:
            yield wait

    def _take_back(self, state: Path) -> None:
        """Let others do nothing any more; what they have not copied is copied here."""
        if not self._planned:
            return
        damaged = damaged_copies(state) & self._planned.keys()
        self._destination.end_parts(state)
        self._destination.take_back(damaged)
        self._lacking |= damaged

    def _list_segments(self, manifest: Manifest) -> tuple[set[str], set[str]]:
        """Return the names of closed segments, including missing ones, and of open segments.

        A segment that a take-down has replaced, and was killed before deleting, is not part of the
        archive any more.
        """
        present, opened = self._store.names()
        closed = ({*present} | manifest.entries.keys()) - _removed(manifest)
        return closed, {*opened} - closed

    def _check_space(self, closed: set[str], opened: set[str], manifest: Manifest) -> None:
        """Report the number of bytes to copy, and check that there is room for them."""
        to_copy = [
            name
            for name in closed
            if not self._destination.find_copy(name, manifest.entries.get(name))
        ]
        self._index_size = size_of_index(self._index_url)
        needed = sum(self._size_of(name) for name in (*to_copy, *opened)) + self._index_size
        shortage = disk.shortage(self._destination.folder, needed)
        if shortage:
            raise BackupError(f"{shortage} Make room, or name another folder; nothing was changed.")
        self._begin(needed)

    def _copy_index(self) -> dict[str, int]:
        """Copy the index, if there is one; return by segment where the last indexed record ends."""
        shown = shown_index(self._index_url)
        if not index_exists(self._index_url):
            if self._destination.before.of_state(INDEX) is not None:
                raise BackupError(
                    f"There is no index at {shown}, and the backup in"
                    f" {self._destination.folder} holds one, which is kept: name the index in"
                    f" INDEX_URL, or rebuild it with {PROGRAM} reindex."
                )
            return {}
        copy = self._destination.state / INDEX
        digest = copy_index(self._index_url, copy)
        self._files[self._destination.place(copy)] = digest
        self._result.index = True
        self._result.copied += digest.size
        self._advance(self._index_size)
        return self._plain_ends(segment_ends(copy))

    def _plain_ends(self, ends: dict[str, int]) -> dict[str, int]:
        """Return the ends of what can be segments; another name in the index is a fault."""
        for name in [name for name in ends if not is_plain(name)]:
            del ends[name]
            self._faults[name] = f"The index names {name[:200]!r} as a segment, which is none."
        return ends

    def _check_index(self, ends: dict[str, int], closed: set[str]) -> None:
        """Check that the index is not a new one begun after a loss: it would replace the good copy.

        An unfinished take-down may leave an index without rows.
        """
        before = self._destination.before
        if not closed - ends.keys() or before.of_state(INDEX) is None:
            return
        if takedown_log.read(self._store).pending:
            return
        copy = self._destination.folder / before.state / INDEX
        try:
            known = segment_ends(copy).keys() & closed
        except IndexUnusableError:
            return  # nothing is lost with it
        if known and not known & ends.keys():
            raise BackupError(
                f"No row of {shown_index(self._index_url)} refers to the segments in the backup,"
                f" while those of the index in {copy.parent} do, which is kept. If the index was"
                f" lost and begun again, {PROGRAM} reindex rebuilds it; or put that copy in its"
                " place, or name another index in INDEX_URL. Nothing was changed."
            )

    def _keep_bytes(self, name: str, data: bytes) -> None:
        path = self._destination.state / name
        self._files[self._destination.place(path)] = self._destination.write(path, data)

    def _copy_open(self, name: str, end: int, *, indexed: bool) -> None:
        """Copy a segment that was open when the index was copied, and may be closed by now.

        The restore cuts a torn end. Rows refer to records before byte ``end``.
        """
        if self._is_there(name):
            try:
                self._copy_as_open(name, end)
            except UnreadableError as error:
                self._faults[name] = str(error)
        elif indexed:
            self._faults[name] = (
                f"{self._store.place(name)} is missing, and rows of the index refer to it."
            )

    def _copy_as_open(self, name: str, end: int) -> None:
        source = source_of(self._store, name)
        with copy_to_part(source, self._destination.state, self._advance) as (part, digest):
            if digest.size < end:
                self._faults[name] = (
                    f"{source.place} ends at byte {digest.size}, and rows of the index refer to"
                    f" bytes up to {end}."
                )
            self._keep(part, self._destination.state / open_name(name), digest)
        self._result.open += 1

    def _copy_closed(self, name: str, entry: ManifestEntry | None) -> None:
        """Make sure that the backup holds a closed segment as the manifest describes it."""
        known = self._destination.find_copy(name, entry)
        if known is not None and name in self._lacking:
            self._keep_copy_of_others(name, known)
            return
        if known is not None:
            self._keep_copy(name, known)
            return
        source = source_of(self._store, name)
        folder = self._destination.folder / SEGMENTS
        try:
            with copy_to_part(source, folder, self._advance) as (part, digest):
                if entry is None or digest == FileDigest(entry.size, entry.sha256):
                    self._keep(part, folder / name, digest)
                    self._count_copied(name)
                else:
                    self._keep(part, self._destination.state / name, digest)
                    self._faults[name] = (
                        f"{source.place} is damaged: its sha256 is not that of {entry.at:%Y-%m-%d}."
                        f" It is copied as it is; {PROGRAM} verify lists the records concerned."
                    )
        except UnreadableError as error:
            self._faults[name] = str(error)
            place = f"{SEGMENTS}/{name}"
            if place in self._destination.before.files:  # a damaged copy is better than none
                self._files[place] = self._destination.before.files[place]

    def _keep_copy_of_others(self, name: str, digest: FileDigest) -> None:
        self._files[f"{SEGMENTS}/{name}"] = digest
        self._result.copied += digest.size
        self._advance(digest.size)
        self._count_copied(name)

    def _keep_copy(self, name: str, known: FileDigest) -> None:
        """Keep a good copy, and compare its size with the archive's file, which is not read."""
        self._result.unchanged += 1
        self._files[f"{SEGMENTS}/{name}"] = known
        if self._size_of(name) == known.size:
            return
        state = "has another size than" if self._is_there(name) else "is missing. Its copy is"
        folder = self._destination.folder / SEGMENTS
        self._faults[name] = (
            f"{self._store.place(name)} {state} in {folder}, from where it can be restored."
        )

    def _count_copied(self, name: str) -> None:
        if name in self._destination.damaged:
            self._result.recopied.append(name)
        else:
            self._result.new += 1

    def _keep(self, part: Path, path: Path, digest: FileDigest) -> None:
        part.replace(path)
        self._files[self._destination.place(path)] = digest
        self._result.copied += digest.size

    def _has_takedown_since(self, log: dict[str, bytes], before: Manifest) -> bool:
        """Return whether an article was removed since: the copies could hold it, or not match."""
        now = fixity.parse(self._store.whole_logs(fixity.NAME))
        return _removed(now) != _removed(before) or self._log() != log

    def _log(self) -> dict[str, bytes]:
        return self._store.read_logs(takedown_log.NAME)

    def _size_of(self, name: str) -> int:
        """Return a segment's size, or 0 if there is none that can be read."""
        try:
            found = self._store.find(name)
        except OSError:  # copying it says why
            return 0
        return 0 if found is None else found.size

    def _is_there(self, name: str) -> bool:
        try:
            return self._store.find(name) is not None
        except OSError:  # something else has its name
            return True

    def _finish(self) -> BackupResult:
        result = self._result
        result.deleted = self._destination.tidy()
        result.size = sum(digest.size for digest in self._files.values())
        result.faults = [sentence for _, sentence in sorted(self._faults.items())]
        result.pending = [str(one) for one in takedown_log.read(self._store).pending]
        return result


def _do_nothing() -> None:
    """Wait for nobody."""


def _removed(manifest: Manifest) -> set[str]:
    return {name for name, entry in manifest.entries.items() if entry.kind is EntryKind.REMOVED}
