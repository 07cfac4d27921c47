"""Kills, full disks, failing syncs and wrong folders: reported, and nothing synced is lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archive.model.errors import SegmentError
from archive.segments.lookup import read_at
from archive.warc.reader import Damage, iterate
from tests.support.archives.warc_samples import (
    by_fastwarc,
    exchange,
    gzip_is_whole,
    resource,
    the_segment,
    writer,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_an_open_segment_can_be_read_and_a_crash_leaves_it_open(tmp_path: Path) -> None:
    out = writer(tmp_path / "new" / "folder")
    location = out.write(exchange())
    out.sync()
    path = the_segment(tmp_path / "new" / "folder")
    assert path.name == location.file + ".open"
    assert read_at(path.parent, location).record_id == location.record_id
    out.close()
    assert read_at(path.parent, location).record_id == location.record_id


def test_a_killed_process_leaves_what_it_synced(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys; from tests.support.archives.warc_samples import *\n"
        "out = writer(pathlib.Path(sys.argv[1])); out.write(exchange()); out.sync()\n"
        "os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=False
    )
    assert killed.returncode == -9
    path = the_segment(tmp_path)
    assert path.suffix == ".open"
    assert [getattr(found, "kind", found) for found in iterate(path)] == [
        "warcinfo",
        "response",
        "request",
    ]


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for folder in (file, file / "below"):
        out = writer(folder)
        with pytest.raises(SegmentError, match=r"file.*its folder is a file\. Name a folder"):
            out.write(exchange())
        with pytest.raises(SegmentError, match="its folder is a file"):
            out.sync()
    assert file.read_bytes() == b""


def test_a_full_disk_takes_back_only_what_was_not_synced(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for the disk: the write comes back short, then fails."""
    program = (
        "import pathlib, resource as limits, sys; from tests.support.archives.warc_samples import *\n"
        "from archive.model.errors import SegmentError\n"
        "out = writer(pathlib.Path(sys.argv[1])); out.write(exchange()); out.sync()\n"
        "out.write(exchange())\n"
        "limits.setrlimit(limits.RLIMIT_FSIZE, (4000, 4000))\n"
        "page = exchange(body=__import__('os').urandom(9000))\n"
        "for call in (lambda: out.write(page), out.sync, out.close):\n"
        "    try: call()\n"
        "    except SegmentError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert len(set(ran.stdout.splitlines())) == 1
    assert len(ran.stdout.splitlines()) == 3
    assert "Raise the limit" in ran.stdout
    assert ".warc.gz.open" in ran.stdout
    path = the_segment(tmp_path)
    assert [kind for kind, _, _ in by_fastwarc(path)] == ["warcinfo", "response", "request"]
    assert gzip_is_whole(path.rename(tmp_path / "cut.gz"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_fsync_is_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    calls = []

    def fsync(_: int) -> None:
        calls.append(1)
        raise OSError(code, os.strerror(code))

    out = writer(tmp_path)
    location = out.write(exchange())
    out.sync()
    out.write(resource())
    monkeypatch.setattr(os, "fsync", fsync)
    for call in (
        out.sync,
        out.sync,
        lambda: out.write(resource()),
        lambda: out.describe("x"),
        out.close,
    ):
        with pytest.raises(SegmentError, match="Cannot use"):
            call()
    assert calls == [1]
    assert [kind for kind, _, _ in by_fastwarc(the_segment(tmp_path))] == [
        "warcinfo",
        "response",
        "request",
    ]
    assert read_at(tmp_path, location).exchange is not None


def test_a_first_write_that_fails_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    with (
        pytest.raises(SegmentError, match=r"disk is full\. Free some space"),
        writer(tmp_path) as out,
    ):
        out.write(exchange())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_in_the_middle_of_a_write_breaks_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def interrupted(fd: int, data: bytes) -> int:
        real(fd, data[:10])
        raise KeyboardInterrupt

    out = writer(tmp_path)
    out.write(exchange())
    out.sync()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt), out:
            out.write(exchange())
    with pytest.raises(SegmentError, match="interrupted"):
        out.write(exchange())
    assert not [found for found in iterate(the_segment(tmp_path)) if isinstance(found, Damage)]


def test_a_name_already_taken_is_not_overwritten(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.write(exchange())
    taken = the_segment(tmp_path).read_bytes()
    with pytest.raises(SegmentError, match="exists already"), writer(tmp_path) as out:
        out.write(resource())
    assert (tmp_path / the_name(tmp_path)).read_bytes() == taken


def the_name(folder: Path) -> str:
    return next(path.name for path in folder.iterdir() if path.suffix == ".gz")
