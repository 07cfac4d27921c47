"""The fixity manifest: one entry a closed segment, written by many processes, changes detected."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.errors import SegmentError
from archive.segments import manifest as fixity
from archive.segments.manifest import NAME, EntryKind, ManifestEntry
from tests.support.archives.warc_samples import exchange, the_segment, writer

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2026, 11, 22, tzinfo=UTC)


def entry(file: str = "a.warc.gz", **parts: object) -> ManifestEntry:
    return replace(
        ManifestEntry(EntryKind.CLOSED, file, 3, hashlib.sha256(b"abc").hexdigest(), MOMENT),
        **parts,
    )  # type: ignore[arg-type]


def test_a_closed_segment_is_entered(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.write(exchange())
        assert fixity.read(tmp_path).entries == {}
    path = the_segment(tmp_path)
    (found,) = fixity.read(tmp_path).entries.values()
    data = path.read_bytes()
    assert (found.kind, found.file) == (EntryKind.CLOSED, path.name)
    assert (found.size, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_unused_writer_enters_nothing(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.sync()
    assert not (tmp_path / NAME).exists()


def test_the_last_entry_counts_and_a_second_one_needs_a_reason(tmp_path: Path) -> None:
    fixity.append(tmp_path, entry())
    fixity.append(
        tmp_path,
        entry(kind=EntryKind.REPLACED, size=2, sha256="0" * 64, reason="take-down of one article"),
    )
    manifest = fixity.read(tmp_path)
    assert manifest.faults == ()
    assert manifest.entries["a.warc.gz"].reason == "take-down of one article"
    fixity.append(tmp_path, entry())
    assert len(fixity.read(tmp_path).faults) == 1


def test_every_changed_byte_and_every_line_taken_out_shows(tmp_path: Path) -> None:
    for number in range(4):
        fixity.append(tmp_path, entry(f"{number}.warc.gz"))
    path = tmp_path / NAME
    data, whole, dice = path.read_bytes(), fixity.read(tmp_path), random.Random(3)
    for at in dice.sample(range(len(data)), 200):
        changed = bytearray(data)
        changed[at] ^= 1 << dice.randrange(7)
        path.write_bytes(changed)
        manifest = fixity.read(tmp_path)
        assert manifest.faults or manifest.entries != whole.entries, at
    lines = data.splitlines(keepends=True)
    for gone in range(3):
        path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        assert len(fixity.read(tmp_path).faults) == 1


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b"null", b"\xff", b'{"kind": "closed"}', b"1" * 5000]
)
def test_a_line_that_is_no_entry_is_reported_and_the_others_are_read(
    tmp_path: Path, line: bytes
) -> None:
    fixity.append(tmp_path, entry())
    with (tmp_path / NAME).open("ab") as file:
        file.write(line + b"\n")
    fixity.append(tmp_path, entry("b.warc.gz"))
    manifest = fixity.read(tmp_path)
    assert {*manifest.entries} == {"a.warc.gz", "b.warc.gz"}
    assert len(manifest.faults) == 1


def test_a_torn_line_is_none_and_the_next_writer_cuts_it(tmp_path: Path) -> None:
    fixity.append(tmp_path, entry())
    whole = (tmp_path / NAME).read_bytes()
    fixity.append(tmp_path, entry("b.warc.gz"))
    data = (tmp_path / NAME).read_bytes()
    for cut in range(len(whole), len(data)):
        (tmp_path / NAME).write_bytes(data[:cut])
        assert {*fixity.read(tmp_path).entries} == {"a.warc.gz"}
        fixity.append(tmp_path, entry("b.warc.gz"))
        assert (tmp_path / NAME).read_bytes() == data


def _enter_many(folder: Path, name: str) -> None:
    for number in range(25):
        fixity.append(folder, entry(f"{name}-{number}.warc.gz"))


def test_many_processes_enter_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_enter_many, args=(tmp_path, name)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    manifest = fixity.read(tmp_path)
    assert manifest.faults == ()
    assert len(manifest.entries) == 100


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO])
def test_a_disk_without_room_leaves_the_manifest_as_it_was_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    with writer(tmp_path) as out:
        out.write(exchange())
    before = (tmp_path / NAME).read_bytes()
    real = os.write

    def full(fd: int, data: bytes) -> int:
        if b'"sha256"' in bytes(data[:200]):
            real(fd, data[:40])
            raise OSError(fault, "no")
        return real(fd, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SegmentError), writer(tmp_path, prefix="other") as out:
        out.write(exchange())
    assert (tmp_path / NAME).read_bytes() == before
    assert len(list(tmp_path.glob("other*.warc.gz"))) == 1  # whole and closed; verify will enter it


def test_a_line_is_one_json_object(tmp_path: Path) -> None:
    fixity.append(tmp_path, entry(reason="왜\n\u2028"))
    (line,) = (tmp_path / NAME).read_bytes().splitlines()
    assert json.loads(line)["reason"] == "왜\n\u2028"
    assert fixity.read(tmp_path).faults == ()
