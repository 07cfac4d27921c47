"""Segments: what is written can be read by everyone, survives a kill, and a fault is said and costs nothing synced."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from isal import isal_zlib

from archive import segments, warc
from archive.exchange import digest
from archive.faults import SegmentError
from archive.http import parse_head, payload
from archive.reader import Damage, RecordError, iterate, read_at
from archive.warc import RevisitOf, WarcError
from tests.warc_samples import (
    HEAD,
    MOMENT,
    REQUEST,
    by_fastwarc,
    by_warcio,
    check,
    exchange,
    gzip_is_whole,
    ids,
    resource,
    the_segment,
    writer,
)

if TYPE_CHECKING:
    from archive.exchange import Exchange

CHUNKED = exchange(
    head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body=b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
)
KINDS = {
    "page": exchange(),
    "without request": exchange(request=b""),
    "not found": exchange(head=b"HTTP/1.1 404 Not Found\r\nX: 1\r\nX: 2\r\n\r\n", body=b""),
    "gzip": exchange(head=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", body=isal_zlib.compress(b"a", 1, 31)),
    "cut": exchange(truncated="length"),
    "binary": exchange(body=bytes(range(256)) * 999),
    "saved": resource(),
    "empty": resource(b""),
}


def test_a_segment_is_these_records(tmp_path: Path) -> None:
    with writer(tmp_path, software={"software": "Sacho/0"}, job="daily") as out:
        location = out.write(exchange())
    path = the_segment(tmp_path)
    assert path.name == "sacho-20230901030405-00000-test+5909b008.warc.gz" == location.file
    info, page = "urn:uuid:00000000-0000-4000-8000-000000000002", "urn:uuid:00000000-0000-4000-8000-000000000001"
    facts = {
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "hostname": "test",
        "software": "Sacho/0",
        "isPartOf": "daily",
    }
    records = (
        warc.warcinfo(info, MOMENT, facts, path.name),
        warc.response(exchange(), page, info, digest(exchange().body)),
        warc.request(exchange(), "urn:uuid:00000000-0000-4000-8000-000000000003", info, page),
    )
    data = path.read_bytes()
    assert data == b"".join(map(segments.member, records))
    assert isal_zlib.decompress(data[location.offset :][: location.length], 31) == records[1]
    assert data[4:8] == b"\0\0\0\0"


@pytest.mark.parametrize("sample", KINDS.values(), ids=KINDS)
def test_every_reader_gets_the_same_bytes(tmp_path: Path, sample: Exchange) -> None:
    with writer(tmp_path) as out:
        location = out.write(sample)
    path = the_segment(tmp_path)
    kind = "response" if sample.head else "resource"
    body = next(payload for type_, _, payload, _ in by_warcio(path) if type_ == kind)
    assert body == sample.body
    fields, block = next((fields, block) for type_, fields, block in by_fastwarc(path) if type_ == kind)
    assert block == sample.head + sample.body
    assert fields["WARC-Payload-Digest"] == location.payload_digest == digest(body)
    found = read_at(tmp_path, location)
    assert found.exchange is not None
    assert (found.exchange.head, found.exchange.body) == (sample.head, sample.body)
    assert found.exchange.truncated == sample.truncated
    assert found in list(iterate(path))


def test_the_checkers_pass_it(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        for sample in KINDS.values():
            location = out.write(sample)
        handle = out.describe("from a folder of saved pages")
        out.write(resource(), warcinfo_id=handle)
        page = exchange()
        out.write_revisit(page, RevisitOf(page.url, MOMENT, digest(page.body), location.record_id))
    path = the_segment(tmp_path)
    result = check(path)
    assert result.returncode == 0, result.stdout
    assert "fail" not in result.stdout
    assert gzip_is_whole(path)


def test_warcio_check_takes_chunks_for_payload(tmp_path: Path) -> None:
    """Pins the one disagreement: ISO 28500's payload has no chunks, warcio's check digests them."""
    with writer(tmp_path) as out:
        location = out.write(CHUNKED)
    assert location.payload_digest == digest(payload(parse_head(CHUNKED.head), CHUNKED.body)) == digest(b"abc")
    assert [line.strip()[:21] for line in check(the_segment(tmp_path)).stdout.splitlines() if "fail" in line] == [
        "payload digest failed"
    ]


def test_a_revisit_leads_to_its_original(tmp_path: Path) -> None:
    again = exchange(captured_at=MOMENT + timedelta(days=1))
    with writer(tmp_path) as out:
        first = out.write(exchange())
        out.sync()
        second = out.write_revisit(again, RevisitOf(again.url, MOMENT, first.payload_digest, first.record_id))
    found = read_at(tmp_path, second)
    assert found.kind == "revisit"
    assert found.exchange is None
    assert found.block == HEAD
    assert found.fields["warc-refers-to"] == f"<{first.record_id}>"
    assert by_warcio(the_segment(tmp_path))[-1][2] == REQUEST.partition(b"\r\n\r\n")[2]


def test_rolled_over_between_exchanges_with_descriptions_repeated(tmp_path: Path) -> None:
    with writer(tmp_path, max_bytes=1) as out:
        handle = out.describe("import of 2019")
        places = [out.write(exchange(), warcinfo_id=handle) for _ in range(3)]
    files = sorted(tmp_path.iterdir())
    assert [path.name[21:26] for path in files] == ["00001", "00002", "00003"]  # 00000 held descriptions only
    assert len({place.file for place in places}) == 3
    for place in places:
        records = by_fastwarc(tmp_path / place.file)
        local = next(f["WARC-Record-ID"] for t, f, block in records if t == "warcinfo" and b"import of 2019" in block)
        kinds = [(kind, fields["WARC-Warcinfo-ID"]) for kind, fields, _ in records if kind != "warcinfo"]
        assert kinds == [("response", local), ("request", local)]
    every = [fields["WARC-Record-ID"] for path in files for _, fields, _ in by_fastwarc(path)]
    assert len(every) == len(set(every))


def test_an_unused_writer_leaves_no_file(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.sync()
    with writer(tmp_path) as out, pytest.raises(WarcError):
        out.write(exchange(url="nowhere"))
    with writer(tmp_path) as out, pytest.raises(WarcError, match="description"):
        out.write(exchange(), warcinfo_id="urn:uuid:never")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_record_leaves_the_writer_as_it_was(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.write(exchange())
        with pytest.raises(WarcError):
            out.write(exchange(url="nowhere"))
        with pytest.raises(WarcError):
            out.write_revisit(exchange(), RevisitOf("https://a", MOMENT, "sha256:0"))
        out.write(resource())
    assert [kind for kind, _, _ in by_fastwarc(the_segment(tmp_path))] == [
        "warcinfo",
        "response",
        "request",
        "resource",
    ]


def test_closed_is_closed(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.close()
    out.close()
    with pytest.raises(SegmentError, match="closed"):
        out.write(exchange())


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
        "import os, pathlib, sys; from tests.warc_samples import *\n"
        "out = writer(pathlib.Path(sys.argv[1])); print(out.write(exchange()).file); out.sync(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=False)
    assert killed.returncode == -9
    path = the_segment(tmp_path)
    assert path.suffix == ".open"
    assert [getattr(found, "kind", found) for found in iterate(path)] == ["warcinfo", "response", "request"]


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
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
        "import pathlib, resource as limits, sys; from tests.warc_samples import *; from archive.faults import SegmentError\n"
        "out = writer(pathlib.Path(sys.argv[1])); out.write(exchange()); out.sync(); out.write(exchange())\n"
        "limits.setrlimit(limits.RLIMIT_FSIZE, (4000, 4000))\n"
        "for call in (lambda: out.write(exchange(body=__import__('os').urandom(9000))), out.sync, out.close):\n"
        "    try: call()\n"
        "    except SegmentError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert len(set(ran.stdout.splitlines())) == 1
    assert len(ran.stdout.splitlines()) == 3
    assert "Raise the limit" in ran.stdout
    assert ".warc.gz.open" in ran.stdout
    path = the_segment(tmp_path)
    assert [kind for kind, _, _ in by_fastwarc(path)] == ["warcinfo", "response", "request"]
    assert gzip_is_whole(path.rename(tmp_path / "cut.gz"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_fsync_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    calls = []

    def fsync(_: int) -> None:
        calls.append(1)
        raise OSError(code, os.strerror(code))

    out = writer(tmp_path)
    location = out.write(exchange())
    out.sync()
    out.write(resource())
    monkeypatch.setattr(os, "fsync", fsync)
    for call in (out.sync, out.sync, lambda: out.write(resource()), lambda: out.describe("x"), out.close):
        with pytest.raises(SegmentError, match="Cannot use"):
            call()
    assert calls == [1]
    assert [kind for kind, _, _ in by_fastwarc(the_segment(tmp_path))] == ["warcinfo", "response", "request"]
    assert read_at(tmp_path, location).exchange is not None


def test_a_first_write_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SegmentError, match="disk is full. Free some space"), writer(tmp_path) as out:
        out.write(exchange())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_in_the_middle_of_a_write_breaks_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def interrupted(fd: int, data: bytes) -> int:
        real(fd, data[:10])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writer(tmp_path) as out:
        out.write(exchange())
        out.sync()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", interrupted)
            out.write(exchange())
    assert not [found for found in iterate(the_segment(tmp_path)) if isinstance(found, Damage)]


def test_a_name_already_taken_is_not_overwritten(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.write(exchange())
    taken = the_segment(tmp_path).read_bytes()
    with pytest.raises(SegmentError, match="there already"), writer(tmp_path) as out:
        out.write(resource())
    assert (tmp_path / the_name(tmp_path)).read_bytes() == taken


def the_name(folder: Path) -> str:
    return next(path.name for path in folder.iterdir() if path.suffix == ".gz")


def test_a_wrong_location_is_refused(tmp_path: Path) -> None:
    with writer(tmp_path, new_id=ids()) as out:
        one, two = out.write(exchange()), out.write(resource())
    path = the_segment(tmp_path)

    for wrong, said in (
        (replace(one, record_id="urn:x:1"), "another record"),
        (replace(one, payload_digest="sha256:0"), "has payload"),
        (replace(one, length=one.length - 1), "not the one gzip member"),
        (replace(one, length=one.length + 1), "not the one gzip member"),
        (replace(one, offset=one.offset + 1), "does not inflate"),
        (replace(two, length=two.length + 1), "the file ends after"),
        (replace(one, offset=-1), "cannot be read"),
        (replace(one, file="none.warc.gz"), "not there"),
        (replace(one, file="../" + one.file), "not a file of the archive"),
        (replace(one, file=""), "not a file|cannot be read"),
    ):
        with pytest.raises(RecordError, match=said):
            read_at(tmp_path, wrong)
    data = bytearray(path.read_bytes())
    data[one.offset + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(RecordError):
        read_at(tmp_path, one)
