"""A log that shows what was done to it: one JSON object a line, appended and synced, each chained to the one before."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archive.locks import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class ChainedLog:
    """The log at a path, in the hands of one process at a time: see `held`."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    def append(self, fields: dict[str, Any]) -> int:
        """Add a line; it is on disk on return. Gives where it begins.

        :raises OSError: it cannot be written; the log is then as it was.
        """
        data = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        whole, newline, _ = data.rpartition(b"\n")
        end = len(whole) + len(newline)
        lines, _ = read_lines(data[:end])
        before = lines[-1][1]["chain"] if lines else ""
        line = json.dumps(fields | {"chain": _sum(before, fields)}, sort_keys=True).encode() + b"\n"
        try:
            os.ftruncate(self._fd, end)  # a kill tore the line behind it, which nobody counts on
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(self._fd)
        except BaseException:
            self.cut(end)
            raise
        sync_folder(self._path.parent)
        return end

    def cut(self, end: int) -> None:
        """Take back the line that began there, the last one, on which nothing was done yet."""
        os.ftruncate(self._fd, end)
        os.fsync(self._fd)


@contextmanager
def held(path: Path) -> Iterator[ChainedLog | None]:
    """The log, made if it is missing, and nobody else's meanwhile; None where another process has it.

    :raises OSError: it cannot be made or opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, _FLAGS, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:
            pass  # where a file system has no locks, one writer at a time must do
        yield ChainedLog(path, fd)
    finally:
        os.close(fd)


def read_lines(data: bytes) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    """The lines with their offsets, and what is wrong with them; a torn last one was never finished, and is none."""
    lines: list[tuple[int, dict[str, Any]]] = []
    faults: list[tuple[int, str]] = []
    at, before, broken = 0, "", False
    for line in data.split(b"\n")[:-1]:
        try:
            fields = json.loads(line)
            said = str(fields["chain"])
        except (ValueError, KeyError, TypeError):
            faults.append((at, "This line is none of the log's."))
            broken = True
        else:
            own = {name: value for name, value in fields.items() if name != "chain"}
            if not broken and said != _sum(before, own):
                faults.append((at, "This line or the one before it was changed or taken out."))
            lines.append((at, fields))
            before, broken = said, False
        at += len(line) + 1
    return lines, faults


def _sum(before: str, fields: dict[str, Any]) -> str:
    return hashlib.sha256((before + json.dumps(fields, sort_keys=True)).encode()).hexdigest()[:32]
