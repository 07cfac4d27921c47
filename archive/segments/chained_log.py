"""An append-only, hash-chained log: one JSON object a line, each chained to the line before it.

The ``chain`` of a line is a hash over its other fields and the ``chain`` of the line before it, so
that a changed or deleted line is detected.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from archive.model.files import read_regular
from archive.segments.files import file_locks
from archive.segments.files.atomic_files import sync_folder
from archive.segments.files.file_locks import LockHeldError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUM = re.compile(r"[0-9a-f]{32}")
#: Bytes read from the end of a log to find its last line; more are read if it is longer.
_TAIL = 2**16


class LockedLog(Protocol):
    """A log that this process has locked against every other."""

    def append(self, fields: dict[str, Any]) -> int:
        """Append a line, which is kept for good on return; return the offset where it begins.

        :raises OSError: it cannot be written; the log is then as it was.
        """

    def cut(self, end: int) -> None:
        """Remove the last lines, from ``end`` on, before anything was done because of them.

        :raises OSError: they cannot be removed.
        """


class ChainedLog:
    """An open log that this process has locked: see `locked`."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    def append(self, fields: dict[str, Any]) -> int:
        """Append a line, which is on disk on return; return the offset where it begins.

        :raises OSError: it cannot be written; the log is then as it was.
        """
        end, before = self._last()
        # first of all: a reader that finds a line relies on the file's name being on disk
        if not end:
            sync_folder(self._path.parent)
        line = json.dumps(fields | {"chain": _chain(before, fields)}).encode() + b"\n"
        try:
            os.ftruncate(self._fd, end)  # a torn line that a killed process left
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(self._fd)
        except BaseException:
            self.cut(end)
            raise
        return end

    def cut(self, end: int) -> None:
        """Remove the last line, which begins at ``end``, before anything was done because of it."""
        os.ftruncate(self._fd, end)
        os.fsync(self._fd)

    def _last(self) -> tuple[int, str]:
        """Return where the last whole line ends, and its chain; ``""`` if it cannot be parsed."""
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
        chain = "" if fields is None else fields["chain"]
        return start + len(whole) + 1, chain


@contextmanager
def locked(path: Path) -> Iterator[ChainedLog | None]:
    """Lock the log, creating it if missing; yield None if another process has locked it.

    :raises OSError: it cannot be created or opened.
    """
    try:
        lock = file_locks.exclusive(path)
    except LockHeldError:
        yield None
        return
    with lock:
        yield ChainedLog(path, lock.fd)


def append(path: Path, fields: dict[str, Any]) -> None:
    """Append a line to the log at a path, creating it if missing; wait for other processes.

    :raises OSError: it cannot be written; the log is then as it was.
    """
    with file_locks.exclusive(path, wait=True) as lock:
        ChainedLog(path, lock.fd).append(fields)


def whole_lines(path: Path) -> bytes:
    """Return the log's finished lines, while no process writes; ``b""`` if there is no log.

    :raises OSError: it cannot be read.
    """
    try:
        lock = file_locks.shared(path, wait=True)
    except FileNotFoundError:
        return b""
    with lock:
        whole, newline, _ = read_regular(path).rpartition(b"\n")
    return whole + newline


def next_line(whole: bytes, fields: dict[str, Any]) -> bytes:
    """Return the line of these fields after the finished lines of a log."""
    before = _parse(whole.removesuffix(b"\n").rpartition(b"\n")[2])
    chain = "" if before is None else before["chain"]
    return json.dumps(fields | {"chain": _chain(chain, fields)}).encode() + b"\n"


def read_lines(data: bytes) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    """Parse a log; return its lines and the errors found, each with its offset.

    A torn last line is ignored: writing it was never finished.
    """
    lines: list[tuple[int, dict[str, Any]]] = []
    faults: list[tuple[int, str]] = []
    at, before, broken = 0, "", False
    for line in data.split(b"\n")[:-1]:
        fields = _parse(line)
        if fields is None:
            faults.append((at, "This is not a line of the log."))
            broken = True
        else:
            own = {name: value for name, value in fields.items() if name != "chain"}
            if not broken and fields["chain"] != _chain(before, own):
                faults.append((at, "This line or the one before it was changed or deleted."))
            lines.append((at, fields))
            before, broken = fields["chain"], False
        at += len(line) + 1
    return lines, faults


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return the fields of a line, or None if it is not, byte for byte, what `append` writes."""
    try:
        fields = json.loads(line)
        written = json.dumps(fields).encode() == line and _SUM.fullmatch(fields["chain"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return fields if written else None


def _chain(before: str, fields: dict[str, Any]) -> str:
    text = before + json.dumps(fields, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
