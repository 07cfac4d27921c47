"""A log that shows what was done to it: one JSON object a line, appended and synced, each chained to the one before.

A line's ``chain`` is a sum over its other fields and the chain before, so that a line changed or
taken out shows.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from archive.segments.file_locks import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_SUM = re.compile(r"[0-9a-f]{32}")
#: What is read of the end of a log in search of its last line, before more is.
_TAIL = 2**16


class ChainedLog:
    """The log at a path, in the hands of one process at a time: see `locked`."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    def append(self, fields: dict[str, Any]) -> int:
        """Add a line; it is on disk on return. Gives where it begins.

        :raises OSError: it cannot be written; the log is then as it was.
        """
        end, before = self._last()
        # before anything is written: whoever finds a line there relies on the file's name
        if not end:
            sync_folder(self._path.parent)
        line = json.dumps(fields | {"chain": _sum(before, fields)}).encode() + b"\n"
        try:
            os.ftruncate(self._fd, end)  # a kill tore the line behind it, which nobody counts on
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(self._fd)
        except BaseException:
            self.cut(end)
            raise
        return end

    def cut(self, end: int) -> None:
        """Take back the line that began there, the last one, on which nothing was done yet."""
        os.ftruncate(self._fd, end)
        os.fsync(self._fd)

    def _last(self) -> tuple[int, str]:
        """Where the last whole line ends, and its chain; ``""`` where there is none that can be read."""
        size, length = os.fstat(self._fd).st_size, _TAIL
        while True:
            start = max(size - length, 0)
            whole, newline, _ = os.pread(self._fd, size - start, start).rpartition(b"\n")
            _, earlier, line = whole.rpartition(b"\n")
            if earlier or not start:
                break
            length *= 4
        if not newline:
            return 0, ""
        fields = _parse(line)
        return start + len(whole) + 1, "" if fields is None else fields["chain"]


@contextmanager
def locked(path: Path) -> Iterator[ChainedLog | None]:
    """The log, made if it is missing, and nobody else's meanwhile; None where another process has it.

    :raises OSError: it cannot be made or opened.
    """
    with _opened(path) as log:
        try:
            fcntl.flock(log._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:
            pass  # where a file system has no locks, one writer at a time must do
        yield log


def append(path: Path, fields: dict[str, Any]) -> None:
    """Add a line to the log at a path, made if it is missing. Any number of processes may do so at once, in turn.

    :raises OSError: it cannot be written; the log is then as it was.
    """
    with _opened(path) as log:
        with suppress(OSError):  # as above
            fcntl.flock(log._fd, fcntl.LOCK_EX)
        log.append(fields)


def whole_lines(path: Path) -> bytes:
    """A log's bytes as far as they are for good: nobody is at work on a line of them. Empty where there is no log.

    :raises OSError: it cannot be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return b""
    with file:
        with suppress(OSError):  # as above
            fcntl.flock(file, fcntl.LOCK_SH)
        whole, newline, _ = file.read().rpartition(b"\n")
        return whole + newline


def read_lines(data: bytes) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    """The lines with their offsets, and what is wrong with them; a torn last one was never finished, and is none."""
    lines: list[tuple[int, dict[str, Any]]] = []
    faults: list[tuple[int, str]] = []
    at, before, broken = 0, "", False
    for line in data.split(b"\n")[:-1]:
        fields = _parse(line)
        if fields is None:
            faults.append((at, "This line is none of the log's."))
            broken = True
        else:
            own = {name: value for name, value in fields.items() if name != "chain"}
            if not broken and fields["chain"] != _sum(before, own):
                faults.append((at, "This line or the one before it was changed or taken out."))
            lines.append((at, fields))
            before, broken = fields["chain"], False
        at += len(line) + 1
    return lines, faults


@contextmanager
def _opened(path: Path) -> Iterator[ChainedLog]:
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, _FLAGS, 0o644)
    try:
        yield ChainedLog(path, fd)
    finally:
        os.close(fd)


def _parse(line: bytes) -> dict[str, Any] | None:
    """The fields of a line; None where it is not as a line is written, byte for byte."""
    try:
        fields = json.loads(line)
        written = json.dumps(fields).encode() == line and _SUM.fullmatch(fields["chain"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return fields if written else None


def _sum(before: str, fields: dict[str, Any]) -> str:
    return hashlib.sha256((before + json.dumps(fields, sort_keys=True)).encode()).hexdigest()[:32]
