"""gzip members: whole and readable by every gzip, whatever the record holds, and no longer for being quick."""

from __future__ import annotations

import gzip
import random
import subprocess
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.warc.compression.gzip_member import member, pieces

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"WARC/1.1\r\nWARC-Type: response\r\n\r\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
#: Bytes that do not shrink.
DENSE = random.Random(1).randbytes(400_000)


BEGINNINGS = (b"", b"\x1f\x8b\x08", b"5a3\r\n\x1f\x8b\x08", b"\r\n\r\n\x1f\x8b\x08")


@given(st.binary(max_size=2000), st.sampled_from(BEGINNINGS), st.integers(0, 200))
def test_any_record_comes_back_in_parts_or_whole(body: bytes, begin: bytes, cut: int) -> None:
    for parts in ((begin + body,), (HEAD[:cut], HEAD[cut:] + begin, body, b"\r\n\r\n")):
        record = b"".join(parts)
        packed = b"".join(pieces(*parts))
        inflater = zlib.decompressobj(31)
        assert inflater.decompress(packed) == record
        assert inflater.eof
        assert not inflater.unused_data


@pytest.mark.parametrize(
    "length", [0, 1, 65_500, 65_531, 65_532, 65_533, 131_066, 131_067, 400_000]
)
@pytest.mark.parametrize("chunk", [b"", b"7fff\r\n"])
def test_stored_blocks_of_every_length(length: int, chunk: bytes, tmp_path: Path) -> None:
    record = HEAD + chunk + b"\x1f\x8b\x08" + DENSE[:length]
    path = tmp_path / "one.gz"
    path.write_bytes(member(record))
    assert gzip.decompress(path.read_bytes()) == record
    assert subprocess.run(["gzip", "-t", path], check=False).returncode == 0


def test_what_arrived_gzipped_is_found_as_it_is_in_the_member() -> None:
    body = gzip.compress(DENSE[:20_000], mtime=0)
    packed = member(HEAD + body + b"\r\n\r\n")
    assert body in packed
    assert len(packed) <= len(gzip.compress(HEAD + body, 9)) + 100


def test_what_did_not_is_deflated() -> None:
    assert len(member(HEAD + b"<p>plain</p>" * 1000)) < 1000
