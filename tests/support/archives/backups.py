"""Backups of small archives, and checks of what is restored from them."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from archive.backup import inventory
from archive.backup.create import back_up
from archive.backup.file_copy import FileDigest
from archive.backup.restore import restore
from archive.segments.files.measure import measure
from tests.support.archives.traces import articles, wrong
from tests.support.databases.postgres import ON_POSTGRES, copy_folder
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Calls at which what lies on a disk changes, or is made sure of.
_CHANGES = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir")
#: Tables of which a restored index must hold the same rows.
TABLES = ("captures", "articles", "revisions", "aliases", "frontier", "runs", "outcomes", "robots")


def made(folder: Path) -> Workspace:
    """Make an archive of three segments, and its index."""
    workspace = Workspace(folder)
    for what in ("etoday", "newspim"):
        assert workspace.call("replay", SEEDS / what).code == 0
    again = folder / "again"
    again.mkdir()
    for name in ("own-desktop-2021.html", "own-desktop-2021.json"):
        shutil.copy(SEEDS / "newspim" / name, again / name)
    page = again / "own-desktop-2021.html"
    page.write_bytes(page.read_bytes() + b"<!-- served again -->")
    assert workspace.call("replay", again).code == 0
    shutil.rmtree(again)
    assert len(list(workspace.archive.glob("*.warc.gz"))) == 3
    return workspace


def copy_of(workspace: Workspace, folder: Path) -> Workspace:
    """Return a copy of the archive and its index."""
    copy_folder(workspace.folder, folder)
    return Workspace(folder)


def same(workspace: Workspace, other: Workspace) -> bool:
    """Return whether the two hold the same rows and articles."""
    return articles(workspace) == articles(other) and all(
        _sorted(workspace.rows(table)) == _sorted(other.rows(table)) for table in TABLES
    )


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Not every table has numbers by which it is read in order.
    return sorted(rows, key=repr)


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below, with its inode: an unchanged one was not written again."""
    every = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.read_bytes())
        for path in every
    }


def damage(path: Path, at: int = -40) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def check_restored(backup: Path, folder: Path) -> Workspace:
    """Restore a backup into a new folder; check that it is whole and verify finds no error."""
    workspace = Workspace(folder)
    done = restore(backup, workspace.archive, workspace.index_url)
    assert done.faults == []
    assert done.index
    assert wrong(workspace) == []
    assert not [path.name for path in workspace.archive.glob(".*")]
    return workspace


def back_up_workspace(workspace: Workspace, backup: Path) -> None:
    """Back up in this process."""
    assert back_up(workspace.archive, workspace.index_url, backup).faults == []


def restore_workspace(backup: Path, workspace: Workspace) -> None:
    """Restore in this process."""
    assert restore(backup, workspace.archive, workspace.index_url).faults == []


def killed_at(number: int, work: Callable[..., None], *args: Any) -> bool:
    """Run the work in a process killed before its n-th change to a disk; return whether it was."""
    return _is_killed(signal.SIGKILL, _dying, number, work, args)


def killed_after(seconds: float, work: Callable[..., None], *args: Any) -> bool:
    """Run the work in a process killed after that time; return whether it was."""
    return _is_killed(signal.SIGALRM, _timed, seconds, work, args)


def kill_backups(workspace: Workspace, top: Path, step: int) -> int:
    """Kill backups before each ``step``-th change to a disk, and repeat them; return the kills.

    A first one, of which nothing is whole yet; and one on top of it, after an article was taken
    down.
    """
    later = copy_of(workspace, top / "later")
    assert later.call("remove", "newspim/20230915999901", "--reason", "test", "--yes").code == 0
    kills = 0
    for now, before in ((workspace, None), (later, workspace)):
        for number in range(0, 10_000, step):
            place = top / f"{now.folder.name}-{number}"
            place.mkdir()
            backup = place / "backup"
            if before is not None:
                back_up_workspace(before, backup)
            killed = killed_at(number, back_up_workspace, now, backup)
            known = inventory.read(backup) if backup.exists() else None
            if known is not None and known.at is not None:
                restored = check_restored(backup, place / "restored")
                assert same(restored, now) or (before is not None and same(restored, before)), (
                    number
                )
            else:
                assert before is None, "the backup before is gone"
            back_up_workspace(now, backup)
            assert same(check_restored(backup, place / "again"), now)
            assert len(list(backup.glob("state-*"))) == 1
            kept = {path.name for path in (backup / "segments").iterdir()}
            assert kept == {path.name for path in now.archive.glob("*.warc.gz")}, (
                "what was taken down is still there"
            )
            shutil.rmtree(place)
            if not killed:
                break
            kills += 1
    return kills


def kill_restores(workspace: Workspace, backup: Path, top: Path, step: int) -> int:
    """Kill restores before each ``step``-th change to a disk, and continue; return the kills."""
    kills = 0
    for number in range(0, 10_000, step):
        other = Workspace(top / f"restored-{number}")
        assert other.index_url  # a database that stands for it is made before the fork
        killed = killed_at(number, restore_workspace, backup, other)
        if killed and (other.archive / inventory.MARK).exists():
            result = other.call("backup", top / "elsewhere")
            assert (result.code, "has not finished: finish it first" in result.err) == (1, True)
        if not _has_rows(other) or (other.archive / inventory.MARK).exists():
            check_restored(backup, other.folder)
        assert same(other, workspace)
        assert wrong(other) == []
        shutil.rmtree(other.folder)
        if not killed:
            break
        kills += 1
    return kills


def _has_rows(workspace: Workspace) -> bool:
    """Return whether an index was restored."""
    return workspace.index.exists() or (ON_POSTGRES and bool(workspace.rows("captures")))


def _is_killed(how: int, target: Callable[..., None], *args: Any) -> bool:
    process = get_context("fork").Process(target=target, args=args)
    process.start()
    process.join(300)
    assert process.exitcode in (0, -how), process.exitcode
    return process.exitcode != 0


def _timed(seconds: float, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
    work(*args)


def _dying(number: int, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    left = [number]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*given, **more)

        return counted

    for name in _CHANGES:
        setattr(os, name, dying(getattr(os, name)))
    work(*args)


def resum(folder: Path, **changes: str) -> None:
    """Write the inventory of a backup anew for the files as they are, as somebody else may.

    ``changes`` are other names for the files, from the last part of their path.
    """
    known = inventory.read(folder)
    assert known is not None
    names = {place: place for place in known.files} | {
        place: name for place in known.files for part, name in changes.items() if part in place
    }
    files = {names[place]: FileDigest(*measure(folder / place)) for place in known.files}
    inventory.write(folder, replace(known, files=files))
