"""The chained log: lines of any length, and lines that no writer could have written."""

from __future__ import annotations

import hashlib
import json
import os
import random
import stat
from typing import TYPE_CHECKING

import pytest

from archive.segments.chained_log import append, locked, read_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_follows_one_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for length in (2**16 - 80, 2**16, 10, 2**19, 10):
        append(path, {"text": "x" * length})
    lines, faults = read_lines(path.read_bytes())
    assert [len(fields["text"]) for _, fields in lines] == [2**16 - 80, 2**16, 10, 2**19, 10]
    assert faults == []


def test_a_torn_line_of_any_length_is_cut_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"{" * 100_000)
    append(path, {"a": 1})
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b"{" * 100_000)
    append(path, {"a": 2})
    assert path.read_bytes().startswith(whole)
    lines, faults = read_lines(path.read_bytes())
    assert [fields["a"] for _, fields in lines] == [1, 2]
    assert faults == []


def test_lines_whose_keys_were_sorted_are_read_as_any(tmp_path: Path) -> None:
    """The log of take-downs was once written like this."""
    before, data = "", b""
    for number in range(3):
        fields = {"kind": "begun", "at": number}
        before = hashlib.sha256((before + json.dumps(fields, sort_keys=True)).encode()).hexdigest()[
            :32
        ]
        data += json.dumps(fields | {"chain": before}, sort_keys=True).encode() + b"\n"
    (tmp_path / "log").write_bytes(data)
    append(tmp_path / "log", {"kind": "done", "at": 3})
    lines, faults = read_lines((tmp_path / "log").read_bytes())
    assert [fields["at"] for _, fields in lines] == [0, 1, 2, 3]
    assert faults == []


FOREIGN_LINES = [
    b"{}",
    b'{"chain": 1}',
    b'"chain"',
    b"[]",
    b'{"chain": "\\ud800"}',
    b"\xff",
    b"9" * 5000,
    b"[" * 100_000,
]


@pytest.mark.parametrize("line", FOREIGN_LINES, ids=range(len(FOREIGN_LINES)))
def test_a_line_that_no_writer_wrote_is_reported_and_the_rest_is_read(
    tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / "log"
    append(path, {"a": 1})
    with path.open("ab") as file:
        file.write(line + b"\n")
    append(path, {"a": 2})
    lines, faults = read_lines(path.read_bytes())
    assert [fields["a"] for _, fields in lines] == [1, 2]
    assert len(faults) == 1


def test_every_changed_byte_shows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for number in range(3):
        append(path, {"text": "왜", "number": number})
    data, dice = path.read_bytes(), random.Random(3)
    for at in dice.sample(range(len(data) - 1), 150):
        changed = bytearray(data)
        changed[at] ^= 1 << dice.randrange(7)
        assert read_lines(bytes(changed))[1], at


def test_a_process_waits_for_the_log_or_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with locked(path) as log:
        assert log is not None
        with locked(path) as other:
            assert other is None
        end = log.append({"a": 1})
        log.cut(end)
        assert path.read_bytes() == b""
    with locked(path) as log:
        assert log is not None


def test_the_first_line_is_not_written_before_its_file_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    write, fsync = os.write, os.fsync

    def written(fd: int, data: bytes) -> int:
        done.append("line")
        return write(fd, data)

    def synced(fd: int) -> None:
        done.append("synced" if stat.S_ISREG(os.fstat(fd).st_mode) else "named")
        fsync(fd)

    monkeypatch.setattr(os, "write", written)
    monkeypatch.setattr(os, "fsync", synced)
    append(tmp_path / "log", {"a": 1})
    append(tmp_path / "log", {"a": 2})
    assert done == ["named", "line", "synced", "line", "synced"]
