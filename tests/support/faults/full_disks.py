"""Verbs on a disk that is full, or that fails: they say so, end with 1, and are done once it is well again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.faults.strace import fail_at, failed_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.support.faults.fault_trials import Tally, Trial, Work

#: What is let fail, and how; a write of a segment is `write`, one of the index `pwrite64`.
FAILURES = (
    ("write", "ENOSPC"),
    ("write", "EIO"),
    ("fsync", "EIO"),
    ("fsync", "ENOSPC"),
    ("fdatasync", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("pwrite64", "EIO"),
    ("pread64", "EIO"),
    ("rename", "EIO"),
    ("rename", "ENOSPC"),
    ("link", "EIO"),
    ("ftruncate", "EIO"),
    ("unlink", "EIO"),
    ("mkdir", "ENOSPC"),
)
#: Which of the two lies on the small disk.
SMALL = ("both", "archive", "index")


@cache
def why_not() -> str:
    """Why no small disk can be had; empty where it can."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with _disk(Path(folder), 64):
                return ""
        except (subprocess.CalledProcessError, FileNotFoundError):
            return "no file system may be mounted here"


def fail_at_each(
    work: Work,
    name: str,
    error: str,
    tally: Tally,
    *,
    step: int = 1,
    numbers: Iterable[int] | None = None,
) -> None:
    """Let the first call of a name fail, the ``step``-th after that and so on, until a run meets none; a run each."""
    for number in numbers or range(1, 10_000, step):
        trial = work.trial()
        what = f"{name} {number} {error}"
        code = work.run(trial, fail_at(name, number, error, trial.log), telling=True)
        path = failed_path(trial.log)
        if not path:
            shutil.rmtree(trial.top)
            if numbers is None:
                return
            continue
        if path.startswith(str(trial.workspace.folder)):
            _hold(trial, code, tally, f"{what} at {path.removeprefix(str(trial.top))}")
            work.recover(trial, tally, what)
        shutil.rmtree(trial.top)


def fill_each(work: Work, small: str, sizes: Iterable[int], tally: Tally) -> None:
    """Run on disks with room for so many KiB each, until one is large enough; then give it room, and run again.

    What the verb is given lies on the disk already, and is not counted.
    """
    for size in sizes:
        with ExitStack() as stack:
            trial = work.trial()
            stack.callback(shutil.rmtree, trial.top)
            place = trial.workspace.folder
            if small == "archive":
                place = trial.workspace.archive
                place.mkdir(exist_ok=True)
            elif small == "index":
                trial.workspace.archive.mkdir(exist_ok=True)
                shutil.move(trial.workspace.archive, trial.top / "roomy")
                trial.workspace.archive.symlink_to(trial.top / "roomy")
            mounted = stack.enter_context(_moved_to_disk(place, size))
            code = work.run(trial, telling=True)
            _hold(trial, code, tally, f"{size} KiB for {small}")
            _resize(mounted, 2**16)
            work.recover(trial, tally, f"{size} KiB for {small}")
            if code == 0:
                return


def _hold(trial: Trial, code: int, tally: Tally, what: str) -> None:
    """A verb whose disk failed ends with 1 and a sentence, or has done without what failed."""
    words = trial.last_words()
    if code == 0:
        tally.unharmed += 1
        return
    tally.harmed += 1
    if code != 1 or "Traceback" in words or "scrapy " not in words:
        tally.complaints.append(f"{what}: {code}: {words[-3000:]}")


@contextmanager
def _moved_to_disk(place: Path, size: int) -> Iterator[Path]:
    """A small disk at the place, with all that lay there and so many KiB more."""
    with tempfile.TemporaryDirectory() as aside:
        shutil.copytree(place, aside, symlinks=True, dirs_exist_ok=True)
        used = sum(-(-path.lstat().st_size // 4096) * 4 for path in Path(aside).rglob("*"))
        with _disk(place, size + used) as mounted:
            shutil.copytree(aside, place, symlinks=True, dirs_exist_ok=True)
            yield mounted


@contextmanager
def _disk(place: Path, size: int) -> Iterator[Path]:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(place)],
        check=True,
        capture_output=True,
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _resize(place: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}k", str(place)], check=True)
