"""Damage in a WARC is told, with its place and reason, and costs only what it hit: cuts, flips, lies, bombs."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from archive.model.outcome import Reason
from archive.warc.reader import Damage, Record, iterate
from tests.support.archives.warc_samples import (
    HEAD,
    KINDS,
    exchange,
    kinds,
    plain,
    read,
    record,
    resource,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_cut_at_any_byte_gives_the_records_before_it_and_damage(
    tmp_path: Path, good: bytes, *, packed: bool
) -> None:
    whole = [item for item in read(tmp_path / "a", good) if isinstance(item, Record)]
    data = good
    if not packed:
        data = plain(good)
        whole = [item for item in read(tmp_path / "a", data) if isinstance(item, Record)]
    ends = [item.offset + item.length for item in whole]
    for cut in range(len(data)):
        items = read(tmp_path / "a", data[:cut])
        found = [item for item in items if isinstance(item, Record)]
        complete = sum(end <= cut for end in ends)
        assert found[:complete] == whole[:complete], cut
        # At most the record whose block is whole and only its end mark or checksum cut; never more.
        assert len(found) - complete in (0, 1), cut
        if cut in ends:
            assert len(items) == complete, cut  # a shorter file, nothing tells
        else:
            assert isinstance(items[-1], Damage), cut
            assert items[-1].reason in (Reason.TRUNCATED, Reason.NOT_A_WARC)
            assert len(items) == len(found) + 1


@pytest.mark.parametrize("cut", [900, 1200, 1300])
def test_a_cut_one_member_file_gives_the_records_before(
    tmp_path: Path, good: bytes, cut: int
) -> None:
    data = gzip.compress(plain(good), 0)
    items = read(tmp_path / "a", data[:cut])
    ends = [
        item.offset + item.length
        for item in read(tmp_path / "a", plain(good))
        if isinstance(item, Record)
    ]
    # stored blocks: 10 bytes of gzip head, 5 of the block's
    kept = sum(end + 15 <= cut for end in ends)
    assert kinds(items) == [*KINDS[:kept], "TRUNCATED"]


def test_fastwarc_does_not_report_it(tmp_path: Path, good: bytes) -> None:
    """Why the members are walked here: it gives half a record for whole."""
    path = tmp_path / "a"
    read(path, good[:-30])
    with path.open("rb") as file:
        assert len(list(ArchiveIterator(file))) == len(KINDS)
    assert kinds(iterate(path))[-1] == "TRUNCATED"


@pytest.mark.parametrize("packed", ["members", "plain", "one member"])
def test_random_flips_never_crash_and_never_pass(tmp_path: Path, good: bytes, packed: str) -> None:
    data = {"members": good, "plain": plain(good), "one member": gzip.compress(plain(good))}[packed]
    bodies = {exchange().body, resource().body, b"<p>" * 50}
    dice = random.Random(5)
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(dice.choice((1, 1, 5))):
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
        items = read(tmp_path / "a", bytes(flipped))
        assert {
            item.exchange.body for item in items if isinstance(item, Record) and item.exchange
        } <= bodies
        if packed == "members":
            assert sum(isinstance(item, Record) for item in items) >= 1


@pytest.mark.parametrize("gone", range(6))
def test_a_damaged_member_costs_only_itself(tmp_path: Path, good: bytes, gone: int) -> None:
    whole = [item for item in read(tmp_path / "a", good) if isinstance(item, Record)]
    for damage in (b"\0" * 20, b"\xff" * 20, b""):
        at = whole[gone].offset + 15
        items = read(tmp_path / "a", good[:at] + damage + good[at + 20 :])
        assert [item for item in items if isinstance(item, Record)] == [
            (item if n < gone or damage else moved(item, -20))
            for n, item in enumerate(whole)
            if n != gone
        ]
        assert [item.offset for item in items if isinstance(item, Damage)] == [whole[gone].offset]


def moved(item: Record, by: int) -> Record:
    return item._replace(offset=item.offset + by)


def packed_each(*records: bytes) -> bytes:
    return b"".join(map(gzip.compress, records))


def joined(*records: bytes) -> bytes:
    return b"".join(records)


BAD = {
    "no such type": (record(WARC_Type="respomse"), "BAD_RECORD"),
    "no address": (record(drop="WARC-Target-URI"), "BAD_RECORD"),
    "no URI": (record(WARC_Target_URI="nowhere"), "BAD_RECORD"),
    "no date": (record(drop="WARC-Date"), "BAD_RECORD"),
    "no such date": (record(WARC_Date="2019-02-30T00:00:00Z"), "BAD_RECORD"),
    "no length": (record(drop="Content-Length"), "BAD_RECORD"),
    "strange length": (record(Content_Length="-1"), "BAD_RECORD"),
    "short length": (record(Content_Length="90"), "BAD_RECORD"),
    "no HTTP head": (record(b"HTTP/1.1 200 OK"), "BAD_RECORD"),
    "too large": (record(HEAD + b"x" * 9000), "TOO_LARGE"),
    "block digest": (record(WARC_Block_Digest="sha1:" + "A" * 32), "BAD_DIGEST"),
    "payload digest": (record(WARC_Payload_Digest="sha256:00"), "BAD_DIGEST"),
    "revisit without address": (record(WARC_Type="revisit", drop="WARC-Target-URI"), "BAD_RECORD"),
    "long head": (record(X="x" * 2**19), "BAD_RECORD"),
}


@pytest.mark.parametrize("pack", [packed_each, joined])
@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_bad_record_is_reported_and_the_next_one_read(
    tmp_path: Path, pack: Callable[..., bytes], bad: bytes, reason: str
) -> None:
    items = read(tmp_path / "a", pack(record(), bad, record()), 4000)
    assert kinds(items) == ["response", reason, "response"]
    assert isinstance(items[1], Damage)
    assert items[1].offset == len(pack(record()))
    assert items[1].sentence.endswith(".")


@pytest.mark.parametrize("pack", [packed_each, joined])
@pytest.mark.parametrize("length", ["3000", "9000", "99999999999"])
def test_a_length_beyond_the_record_does_not_cost_the_next_in_members(
    tmp_path: Path, pack: Callable[..., bytes], length: str
) -> None:
    items = read(
        tmp_path / "a", pack(record(), record(Content_Length=length), record(), record()), 4000
    )
    assert kinds(items)[0] == "response"
    assert kinds(items)[1] in ("BAD_RECORD", "TOO_LARGE", "TRUNCATED")
    assert kinds(items)[2:] == ["response"] * 2


def test_a_bomb_costs_neither_memory_nor_hours(tmp_path: Path) -> None:
    bomb = gzip.compress(record(b"", Content_Length=str(2**40))[:-4] + b"\0" * 2**28, 9)
    path = tmp_path / "a"
    path.write_bytes(bomb + gzip.compress(record()))
    began = time.process_time()
    tracemalloc.start()
    items = list(iterate(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kinds(items)[-1] == "response"
    assert len(items) == 2
    assert peak < 2**24
    assert time.process_time() - began < 5


def test_a_thousand_damaged_places_are_enough(tmp_path: Path) -> None:
    data = (record(drop="Content-Length") + b"\n") * 1500
    items = read(tmp_path / "a", data)
    assert len(items) == 1001
    assert "not read" in getattr(items[-1], "sentence", "")


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.binary(max_size=400),
    start=st.sampled_from([b"", b"WARC/1.0\r\n", record()[:200], gzip.compress(record())]),
)
def test_any_bytes_are_read_or_reported(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "a"
    assert read(path, start + data)
    assert read(path, isal_zlib.compress(start + data, 1, 31))
