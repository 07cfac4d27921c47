"""A log in a bucket: each writer replaces an object of its own, which is a chain of lines.

All processes that share a spool are one writer, and append one after the other. A process that was
killed has replaced the object, or has not; there are no torn lines.

For each line the object is read and written whole. So a writer that has filled one begins another,
whose first line states how long the one before is: `fixity+WRITER.jsonl`, `fixity+WRITER.2.jsonl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.model.errors import StoreError, StoreMissingError
from archive.segments.chained_log import next_line
from archive.segments.chains import SEEN, chain_of, is_chain_of, lengths_seen
from archive.segments.s3.bucket import NEW
from archive.segments.s3.client import ConditionError

if TYPE_CHECKING:
    from archive.segments.s3.bucket import Bucket

#: Bytes of a chain from which on its writer begins another.
LONGEST = 2**20
#: How often a line is written anew because the object is not as it was read.
_ATTEMPTS = 5


class WriterLog:
    """The chain of one writer of a log; the caller has locked it against the writer's others."""

    def __init__(self, bucket: Bucket, log: str, writer: str) -> None:
        self._bucket, self._log, self._writer = bucket, log, writer
        self._number = self._current()
        self._name = _numbered(log, writer, self._number)

    def append(self, fields: dict[str, Any]) -> int:
        """Append a line, which is kept for good on return; return the offset where it begins.

        It states how long the chains of the other writers are, as far as that is new.

        :raises OSError: it cannot be written.
        """
        line = b""
        for _ in range(_ATTEMPTS):
            own, condition = self._read()
            if line and own.endswith(line):
                return len(own) - len(line)  # it was written, and the answer was lost
            seen = lengths_seen(own, self._others())
            line = next_line(own, fields | ({SEEN: seen} if seen else {}))
            try:
                self._bucket.put(self._name, own + line, condition)
            except ConditionError:
                continue
            return len(own)
        raise StoreError.at(self._bucket.place(self._name), "another process replaces it as well")

    def cut(self, end: int) -> None:
        """Remove the last lines, from ``end`` on, before anything was done because of them.

        :raises OSError: they cannot be removed.
        """
        own, condition = self._read()
        self._bucket.put(self._name, own[:end], condition)

    def _read(self) -> tuple[bytes, dict[str, str]]:
        """Return the chain, and the condition that it is still so when it is replaced."""
        try:
            own, tag = self._bucket.read(self._name)
        except StoreMissingError:
            return b"", NEW
        return own, {"IfMatch": tag}

    def _current(self) -> int:
        """Return the number of the chain that the next line is for."""
        sizes = {
            number: size
            for (writer, number), size in self._sizes(chain_of(self._log, self._writer)).items()
            if writer == self._writer
        }
        last = max(sizes, default=1)
        return last + 1 if sizes.get(last, 0) >= LONGEST else last

    def _others(self) -> dict[str, int]:
        """Return the sizes of what a line may state: of each writer its last chain.

        What is before that one has been stated by its first line.
        """
        last: dict[str, tuple[int, int]] = {}
        for (writer, number), size in self._sizes(self._log).items():
            is_before = writer != self._writer or number < self._number
            if is_before and (number, size) > last.get(writer, (0, 0)):
                last[writer] = (number, size)
        return {
            _numbered(self._log, writer, number): size for writer, (number, size) in last.items()
        }

    def _sizes(self, start: str) -> dict[tuple[str, int], int]:
        """Return the sizes of the chains whose names begin so, by writer and number."""
        return {
            _writer_of(self._log, one.name): one.size
            for one in self._bucket.entries(start.removesuffix(".jsonl"))
            if is_chain_of(self._log, one.name)
        }


def _numbered(log: str, writer: str, number: int) -> str:
    """Return the name of a chain of a writer, who numbers them from 1."""
    if not writer:
        return log
    return chain_of(log, writer if number == 1 else f"{writer}.{number}")


def _writer_of(log: str, name: str) -> tuple[str, int]:
    """Return the writer of a chain, ``""`` for the log's own, and its number."""
    writer = name.removesuffix(".jsonl").removeprefix(log.removesuffix(".jsonl")).lstrip("+")
    start, _, number = writer.rpartition(".")
    is_numbered = bool(start) and number.isascii() and number.isdigit()
    return (start, int(number)) if is_numbered else (writer, 1)


def read_chains(bucket: Bucket, log: str) -> dict[str, bytes]:
    """Return the chains of a log by the names of their objects.

    :raises OSError: one cannot be read.
    """
    names = [
        one.name for one in bucket.entries(log.partition(".")[0]) if is_chain_of(log, one.name)
    ]
    return {name: bucket.read(name)[0] for name in names}
