"""A disk that forgets what was not synced: what lies on it after power was lost at any moment of a verb's work.

Made from strace's log of one run, with the bytes of every write. What POSIX promises is kept, and
nothing else: bytes of a file that a returned `fsync` or `fdatasync` covers, and names that an
`fsync` of their folder covers. Of what came later some may be there: names up to any moment, in
their order; bytes in any choice of 512-byte sectors, where a file may be longer than what of it was
written, with zeros between.

SQLite is trusted in what it syncs when; its files forget as any others do. Its shared memory is
gone, as it would be. Not simulated: a disk that says it has synced and has not, and sectors that
are torn within.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.faults.strace import calls, look_on

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from tests.support.faults.fault_trials import Tally, Trial, Work
    from tests.support.faults.strace import Call

SECTOR = 512


@dataclass(eq=False, slots=True)
class _File:
    """A file's bytes as programs see them, as they are on disk for sure, and the writes between."""

    seen: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    since: list[tuple[int, bytes]] = field(default_factory=list)
    cut: int | None = None  # the shortest it was made since

    def write(self, offset: int, data: bytes) -> None:
        _put(self.seen, offset, data)
        self.since.append((offset, data))

    def truncate(self, length: int) -> None:
        del self.seen[length:]
        self.seen.extend(bytes(length - len(self.seen)))
        self.since = [
            (offset, data[: length - offset]) for offset, data in self.since if offset < length
        ]
        self.cut = length if self.cut is None else min(self.cut, length)

    def sync(self) -> None:
        self.synced, self.since, self.cut = bytes(self.seen), [], None

    def after(self, pick: Random) -> bytes:
        """What may be left of it."""
        left = bytearray(self.synced)
        if self.cut is not None and pick.random() < 0.5:
            del left[self.cut :]
        how = pick.choice(("nothing", "prefix", "any", "all"))
        if how == "nothing":
            return bytes(left)
        writes = self.since
        if how == "prefix" and writes:
            writes = writes[: pick.randrange(len(writes)) + 1]
            offset, data = writes[-1]
            writes = [*writes[:-1], (offset, data[: pick.randrange(len(data) + 1)])]
        chance = pick.choice((0.2, 0.5, 0.8)) if how == "any" else 1.0
        there: dict[int, bool] = {}
        for offset, data in writes:
            start = 0
            while start < len(data):
                sector = (offset + start) // SECTOR
                end = min((sector + 1) * SECTOR - offset, len(data))
                if there.setdefault(sector, pick.random() < chance):
                    _put(left, offset + start, data[start:end])
                start = end
        return bytes(left)


def _put(into: bytearray, offset: int, data: bytes) -> None:
    into.extend(bytes(max(0, offset - len(into))))
    into[offset : offset + len(data)] = data


class Disk:
    """What lies in one folder, and what of it would outlive a loss of power."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder) + "/"
        self._names: dict[str, _File] = {}
        self._synced: dict[str, _File] = {}
        self._since: list[tuple[str, _File | None]] = []
        self._folders = {str(folder)}

    def happen(self, call: Call) -> bool:
        """Let a call happen; whether it was one that changes this disk."""
        paths = [text.decode() for text in call.strings if text.startswith(b"/")]
        path = paths[-1] if call.name == "openat" and paths else paths[0] if paths else ""
        if not (path + "/").startswith(self._folder) or path.endswith("-shm"):
            return False
        match call.name:
            case "openat" if "O_CREAT" in call.plain and path not in self._names:
                self._name(path, _File())
            case "mkdir":
                # taken for durable: the verbs sync its parent, and a test can't tell
                self._folders.add(path)
            case "write":
                file = self._names[path]
                file.write(len(file.seen), call.strings[1][: call.result])
            case "pwrite64":
                offset = int(call.plain.rpartition(",")[2])
                self._names[path].write(offset, call.strings[1][: call.result])
            case "ftruncate":
                self._names[path].truncate(int(call.plain.rpartition(",")[2]))
            case "fsync" | "fdatasync" if path in self._folders:
                self._sync_folder(path)
            case "fsync" | "fdatasync":
                self._names[path].sync()
            case "rename":
                self._name(paths[1], self._names[path])
                self._name(path, None)
            case "unlink":
                self._name(path, None)
            case _:
                return False
        return True

    def _name(self, path: str, file: _File | None) -> None:
        _set(self._names, path, file)
        self._since.append((path, file))

    def _sync_folder(self, path: str) -> None:
        later: list[tuple[str, _File | None]] = []
        for name, file in self._since:
            if name.rpartition("/")[0] == path:
                _set(self._synced, name, file)
            else:
                later.append((name, file))
        self._since = later

    def lose_power(self, folder: Path, pick: Random) -> None:
        """Write what may be left into a folder."""
        names = dict(self._synced)
        for path, file in self._since[: pick.randrange(len(self._since) + 1)]:
            _set(names, path, file)
        places: dict[_File, Path] = {}
        for path, file in names.items():
            place = folder / path.removeprefix(self._folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            if file in places:  # within a rename, it has both names
                place.hardlink_to(places[file])
            else:
                place.write_bytes(file.after(pick))
                places[file] = place


def _set(names: dict[str, _File], path: str, file: _File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


def lose_power_at(work: Work, tally: Tally, pick: Random, *, most: int = 0) -> int:
    """Lose power after each change that one run made, or after ``most`` of them at random; give how many it made."""
    trial = work.trial()
    assert work.run(trial, look_on(trial.log), telling=True) == 0, trial.last_words()
    log = list(calls(trial.log))
    disk, moments = Disk(trial.workspace.folder), []
    for number, call in enumerate(log):
        if disk.happen(call):
            moments.append(number)
    chosen = set(pick.sample(moments, min(most, len(moments))) if most else moments)
    disk, told = Disk(trial.workspace.folder), b""
    for number, call in enumerate(log):
        disk.happen(call)
        if call.name == "write" and call.path == str(trial.acks):
            told += call.strings[1]
        if number in chosen:
            _one(work, disk, told, tally, pick, f"power lost after call {number}", trial)
    shutil.rmtree(trial.top)
    return len(moments)


def _one(
    work: Work, disk: Disk, told: bytes, tally: Tally, pick: Random, what: str, whole: Trial
) -> None:
    trial = work.trial()
    trial.before = whole.before  # what it holds was asked for by the run that is cut short
    disk.lose_power(trial.workspace.folder, pick)
    trial.acks.write_bytes(told)
    tally.harmed += 1
    work.recover(trial, tally, what)
    shutil.rmtree(trial.top)
