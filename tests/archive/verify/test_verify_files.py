"""The strict validator: every designed mutation of a good file is flagged, and no good file, whoever wrote it."""

from __future__ import annotations

import gzip
import random
import shutil
import struct
import subprocess
import threading
import time
import tracemalloc
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.verify.archive import Verification
from archive.verify.warc_file.findings import Finding, Rule, Severity
from archive.warc.compression.gzip_member import member
from tests.support.archives.foreign_archives import HTTP_1_1, date, packed, rec, sha1
from tests.support.archives.warc_samples import record
from tests.support.faults.warc_mutations import (
    HOUSE,
    MUTATIONS,
    NotApplicable,
    by_fastwarc,
    by_warcio,
    joined,
    ours,
    split,
    unpacked,
)

if TYPE_CHECKING:
    from pathlib import Path


def findings(path: Path, data: bytes | None = None) -> list[Finding]:
    """All that is found in a file; its bytes are written there first, if given."""
    if data is not None:
        path.write_bytes(data)
    with Verification() as verification:
        return list(verification.files([path]))


def errors(path: Path, data: bytes | None = None) -> list[Finding]:
    return [found for found in findings(path, data) if found.severity is Severity.ERROR]


def rules(found: list[Finding]) -> set[Rule]:
    return {one.rule for one in found}


@pytest.fixture(scope="module")
def good() -> list[bytes]:
    return split(ours())


@pytest.fixture(scope="module", params=["1.0", "1.1"])
def foreign(request: pytest.FixtureRequest) -> list[bytes]:
    return split(by_warcio(request.param))


def test_there_are_at_least_thirty_mutations_and_the_good_file_is_the_one_they_are_of(
    good: list[bytes],
) -> None:
    assert len(MUTATIONS) >= 30
    assert joined(good) == ours()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_flagged(tmp_path: Path, good: list[bytes], name: str) -> None:
    found = errors(tmp_path / "a.warc.gz", MUTATIONS[name](good))
    assert found
    assert all(one.file.endswith("a.warc.gz") and one.sentence.endswith(".") for one in found)


@pytest.mark.parametrize("name", [name for name in MUTATIONS if name not in HOUSE])
def test_a_mutation_of_anothers_file_is_flagged(
    tmp_path: Path, foreign: list[bytes], name: str
) -> None:
    try:
        data = MUTATIONS[name](foreign)
    except NotApplicable:
        return
    assert errors(tmp_path / "a.warc.gz", data)


@pytest.mark.parametrize("name", sorted(HOUSE))
def test_what_is_legal_elsewhere_is_a_note(tmp_path: Path, foreign: list[bytes], name: str) -> None:
    found = findings(tmp_path / "a.warc.gz", MUTATIONS[name](foreign))
    assert {one.severity for one in found} <= {Severity.NOTE}


GOOD = {
    "ours": ours,
    "warcio 1.0": by_warcio,
    "warcio 1.1": lambda: by_warcio("1.1"),
    "warcio, plain": lambda: by_warcio("1.1", packed=False),
    "warcio, one member": lambda: gzip.compress(by_warcio(packed=False)),
    "FastWARC": by_fastwarc,
    "FastWARC, plain": lambda: by_fastwarc(packed=False),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_good(tmp_path: Path, name: str) -> None:
    data = GOOD[name]()
    assert errors(tmp_path / "a", data) == []


def test_our_own_file_has_not_even_a_note(tmp_path: Path) -> None:
    assert findings(tmp_path / "a", ours()) == []
    assert rules(errors(tmp_path / "a", unpacked(ours()))) == {Rule.MEMBER}  # ours are compressed


def test_a_member_that_was_packed_otherwise_is_good_and_one_with_another_bit_is_not(
    tmp_path: Path, good: list[bytes]
) -> None:
    header, *members = (member(one) for one in good)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflater.compress(good[0]) + deflater.flush()
    sums = struct.pack("<II", zlib.crc32(good[0]), len(good[0]))
    otherwise = header[:10] + data + sums
    assert gzip.decompress(otherwise) == good[0]
    assert otherwise != header
    assert errors(tmp_path / "otherwise", b"".join([otherwise, *members])) == []
    at, flipped = next(
        (at, other) for at, one in enumerate(members) if (other := _flipped_alike(one))
    )
    (found,) = errors(
        tmp_path / "a", b"".join([header, *members[:at], flipped, *members[at + 1 :]])
    )
    assert found.offset == len(header) + sum(map(len, members[:at]))
    assert "not those that were written" in found.sentence


def _flipped_alike(packed_record: bytes) -> bytes | None:
    """Return a member with one bit flipped that inflates alike, and is no fill of the last byte."""
    content = gzip.decompress(packed_record)
    for bit in range(80, 8 * (len(packed_record) - 9)):
        flipped = bytearray(packed_record)
        flipped[bit // 8] ^= 1 << bit % 8
        with suppress(OSError, EOFError, zlib.error):
            if gzip.decompress(bytes(flipped)) == content:
                return bytes(flipped)
    return None


@pytest.mark.parametrize(
    ("maker", "behind", "severity"),
    [
        ("warcio 1.1", bytes(5000), Severity.NOTE),
        ("warcio 1.1", bytes(3 * 2**20), Severity.NOTE),
        ("warcio 1.1", bytes(5000) + b"x", Severity.ERROR),
        ("warcio 1.1", gzip.compress(b"", mtime=0), Severity.ERROR),
        ("warcio 1.1", b"x" + bytes(5000), Severity.ERROR),
        ("ours", bytes(5000), Severity.ERROR),
    ],
)
def test_zero_bytes_behind_the_last_record_of_anothers_file_are_padding(
    tmp_path: Path, maker: str, behind: bytes, severity: Severity
) -> None:
    data = GOOD[maker]()
    before = len(findings(tmp_path / "a", data))
    found = findings(tmp_path / "a", data + behind)
    (last,) = found[before:]
    assert last.severity is severity
    assert last.offset >= len(data)


class _Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            self.send_error(404)
            return
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Content-Type", "text/html")
        if self.path == "/moved":
            self.send_header("Location", "/framed")
        if self.path == "/framed":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\n<p>hi\r\n0\r\n\r\n")
            return
        body = b"<a href=/moved>1</a><a href=/framed>2</a>" + self.path.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        """Say nothing."""


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
@pytest.mark.parametrize(
    "options", [[], ["--no-warc-compression"], ["--warc-max-size=1k", "--warc-cdx"]]
)
def test_what_wget_writes_is_good(tmp_path: Path, options: list[str]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        command = [
            "wget",
            "-q",
            "-r",
            f"--warc-file={tmp_path / 'w'}",
            *options,
            "-P",
            str(tmp_path / "pages"),
            address,
        ]
        subprocess.run(command, check=False, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    files = sorted(tmp_path.glob("w*.warc*"))
    assert files
    for path in files:
        assert errors(path) == [], path
    with Verification() as verification:
        assert [f for f in verification.files(files) if f.severity is Severity.ERROR] == []
        assert verification.tally.kinds["response"] >= 4


@pytest.mark.parametrize("packed", [True, False])
def test_every_cut_is_flagged_but_one_between_records(
    tmp_path: Path, good: list[bytes], *, packed: bool
) -> None:
    data = joined(good) if packed else by_warcio(packed=False)
    records = list(good) if packed else split(by_warcio())
    ends, at = set(), 0
    for one in records:
        at += len(joined([one]) if packed else one)
        ends.add(at)
    cuts = {*range(1, len(data), 23), *(end + by for end in ends for by in (-5, -1, 0, 1, 5))} - {0}
    missed = {cut for cut in cuts if cut < len(data) and not errors(tmp_path / "a", data[:cut])}
    assert missed <= ends


def test_random_flips_are_flagged(tmp_path: Path, good: list[bytes]) -> None:
    data, dice = joined(good), random.Random(7)
    for _ in range(200):
        flipped = bytearray(data)
        flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        assert errors(tmp_path / "a", bytes(flipped))


def test_several_damaged_places_are_reported_each_with_its_offset(
    tmp_path: Path, good: list[bytes]
) -> None:
    parts = [joined([one]) for one in good]
    for gone in (1, 3):
        parts[gone] = parts[gone][:30] + b"\xff" * 9 + parts[gone][39:]
    found = [one for one in errors(tmp_path / "a", b"".join(parts)) if one.rule is Rule.GZIP]
    assert [one.offset for one in found] == [len(b"".join(parts[:1])), len(b"".join(parts[:3]))]


def test_a_revisit_of_another_file_is_a_note_alone_and_resolves_with_it(
    tmp_path: Path, good: list[bytes]
) -> None:
    first, second = tmp_path / "1.warc.gz", tmp_path / "2.warc.gz"
    first.write_bytes(joined(good[:3]))
    second.write_bytes(
        joined([good[0].replace(b"000000000002", b"000000000099"), *good[4:6]]).replace(b"x", b"x")
    )
    alone = findings(second)
    assert Rule.REVISIT in {one.rule for one in alone if one.severity is Severity.NOTE}
    with Verification() as verification:
        together = list(verification.files([first, second]))
    assert Rule.REVISIT not in rules(together)


def test_a_bomb_costs_neither_memory_nor_hours(tmp_path: Path) -> None:
    bomb = gzip.compress(record(b"", Content_Length=str(2**40))[:-4] + b"\0" * 2**28, 9)
    began = time.process_time()
    tracemalloc.start()
    found = errors(tmp_path / "a", bomb * 9 + gzip.compress(record()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rules(found) == {Rule.BOMB, Rule.GIVEN_UP}
    assert peak < 2**24
    assert time.process_time() - began < 5


def test_a_large_block_costs_no_memory(tmp_path: Path) -> None:
    block = random.Random(1).randbytes(2**20) * 24
    data = record(block, WARC_Type="resource", Content_Type="image/png")
    tracemalloc.start()
    path = tmp_path / "a.warc"
    path.write_bytes(record() + data)
    del data, block
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert rules(errors(path)) == {Rule.DUPLICATE_ID}  # warc_samples gives all records one id
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < 2**23


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"<html>", b"\x1f\x8b\x08", b"WARC/1.1\r\n", b"\x1f\x8b\x08" * 999]
)
def test_what_is_not_a_warc_is_reported(tmp_path: Path, data: bytes) -> None:
    assert errors(tmp_path / "a", data)


def test_a_path_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    assert rules(errors(tmp_path / "nowhere")) == {Rule.UNREADABLE}
    assert rules(errors(tmp_path)) == {Rule.UNREADABLE}


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([b"", b"WARC/1.0\r\n", record()[:200], record()]),
)
def test_any_bytes_are_verified_or_reported(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "a"
    if start != record() or data:
        assert errors(path, start + data)
    findings(path, gzip.compress(start + data))


_LEGAL: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a field of another tool's twice": (
        "response",
        b"HTTP/1.1 200 OK\r\n\r\nx",
        {"WARC_Protocol": "h2\r\nWARC-Protocol: tls/1.3"},
    ),
    "a warcinfo in another file": (
        "response",
        b"HTTP/1.1 200 OK\r\n\r\nx",
        {"WARC_Warcinfo_ID": "<urn:uuid:gone>"},
    ),
    "a response in another file": (
        "request",
        b"GET / HTTP/1.1\r\n\r\n",
        {"WARC_Concurrent_To": "<urn:uuid:gone>"},
    ),
    "UTC as an offset": (
        "response",
        b"HTTP/1.1 200 OK\r\n\r\nx",
        {"WARC_Date": "2023-09-05T06:00:00.5-00:00"},
    ),
    "an algorithm of another tool's": (
        "response",
        b"HTTP/1.1 200 OK\r\n\r\nx",
        {"WARC_Payload_Digest": "whirlpool:" + "a" * 40},
    ),
    "HTTP/0.9": ("response", b"<html>x</html>", {}),
    "a type of another tool's": (
        "screenshot",
        b"x",
        {"Content_Type": "image/png"},
    ),
    "the first segment, cut in its head": (
        "response",
        b"HTTP/1.1 200 OK\r\nContent-",
        {"WARC_Segment_Number": "1"},
    ),
}


@pytest.mark.parametrize("name", sorted(_LEGAL))
def test_what_iso_28500_allows_for_is_a_note_at_most(tmp_path: Path, name: str) -> None:
    kind, block, more = _LEGAL[name]
    media_type = "application/http; msgtype=" + ("request" if kind == "request" else "response")
    fields = {
        "WARC_Date": "2023-09-05T06:00:00Z",
        "WARC_Target_URI": "https://www.etoday.co.kr/x",
        "Content_Type": media_type,
    }
    info = rec("1.1", "warcinfo", 1, b"software: other/1\r\n", WARC_Date=fields["WARC_Date"])
    data = packed(info, rec("1.1", kind, 2, block, **fields | more))
    assert errors(tmp_path / "a.warc.gz", data) == []


@pytest.mark.parametrize("kind", ["responze", "esponse", "rresponse", "repsonse", "requests", ""])
def test_a_type_that_was_damaged_is_an_error(tmp_path: Path, kind: str) -> None:
    made = rec(
        "1.1",
        kind,
        2,
        b"HTTP/1.1 200 OK\r\n\r\nx",
        WARC_Date="2023-09-05T06:00:00Z",
        WARC_Target_URI="https://www.etoday.co.kr/x",
    )
    assert errors(tmp_path / "a.warc.gz", packed(made))


@pytest.mark.parametrize("day", [1, 2])
def test_a_revisit_need_not_say_which_record_it_repeats(tmp_path: Path, day: int) -> None:
    """ISO 28500 section 6.7: WARC-Refers-To is optional."""
    fields = {"WARC_Target_URI": "https://www.etoday.co.kr/x", "WARC_Payload_Digest": sha1(b"x")}
    first = rec(
        "1.1",
        "response",
        1,
        b"HTTP/1.1 200 OK\r\n\r\nx",
        WARC_Date=date(1),
        Content_Type="application/http; msgtype=response",
        **fields,
    )
    again = rec("1.1", "revisit", 2, b"", WARC_Date=date(day), WARC_Profile=HTTP_1_1, **fields)
    assert errors(tmp_path / "a.warc.gz", packed(first, again)) == []


def test_a_revisit_that_does_not_say_that_its_body_is_left_out_is_a_note(
    tmp_path: Path, good: list[bytes]
) -> None:
    """Earlier versions wrote none of ours with it."""
    stated = b"WARC-Truncated: length\r\n"
    (at,) = [number for number, one in enumerate(good) if stated in one]
    assert findings(tmp_path / "a.warc.gz", joined(good)) == []
    former = [*good[:at], good[at].replace(stated, b""), *good[at + 1 :]]
    (found,) = findings(tmp_path / "a.warc.gz", joined(former))
    assert (found.rule, found.severity) == (Rule.MISSING, Severity.NOTE)
    assert "WARC-Truncated" in found.sentence


def test_a_revisit_that_says_so_and_has_no_head_is_an_error(
    tmp_path: Path, good: list[bytes]
) -> None:
    (at,) = [number for number, one in enumerate(good) if b"WARC-Truncated: length" in one]
    fields = good[at].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    named = dict(field.split(": ", 1) for field in fields if not field.startswith("Content-Length"))
    del named["WARC-Block-Digest"], named["WARC-Record-ID"]
    headless = rec(
        "1.1",
        named.pop("WARC-Type"),
        9,
        b"HTTP/1.1 200 OK",
        **{name.replace("-", "_"): value for name, value in named.items()},
    )
    assert Rule.HTTP in rules(errors(tmp_path / "a.warc.gz", joined([*good[:at], headless])))


@pytest.mark.parametrize(
    ("body", "is_damaged"),
    [
        (b"<html>without its framing</html>", False),
        (b"4\r\nabcd\r\n0\r\n\r\n", False),
        (b"10\r\nabc\r\n", True),
        (b"4\r\nabcd\r\n", True),
        (b"4\r\nabcd\r\nxyz\r\n", True),
    ],
)
def test_a_chunked_body_that_does_not_end_is_damage_in_anothers_file(
    tmp_path: Path, body: bytes, is_damaged: bool
) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    made = rec(
        "1.1",
        "response",
        1,
        head + body,
        WARC_Date=date(1),
        WARC_Target_URI="https://www.etoday.co.kr/x",
        Content_Type="application/http; msgtype=response",
    )
    assert bool(errors(tmp_path / "a.warc.gz", packed(made))) is is_damaged
