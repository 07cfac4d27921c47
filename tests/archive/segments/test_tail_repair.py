"""Repair of an open segment after a loss of power kept any sectors after the last sync."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from archive.segments.tail_repair import repair_tail
from archive.verify.archive import Verification
from archive.verify.warc_file.findings import Severity
from archive.warc.reader import Record
from tests.support.archives.warc_samples import exchange, read, the_segment, writer
from tests.support.faults.lost_power import SECTOR

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seed", range(4))
def test_what_any_lost_sectors_leave_is_repaired_and_no_whole_record_is_lost(
    tmp_path: Path, seed: int
) -> None:
    pick = Random(seed)
    with writer(tmp_path) as out:
        for number in range(12):
            body = pick.randbytes(pick.randrange(20, 2500))
            out.write(exchange(url=f"https://www.etoday.co.kr/news/view/{number}", body=body))
    good, path = the_segment(tmp_path).read_bytes(), tmp_path / "open"
    records = [item for item in read(path, good) if isinstance(item, Record)]
    for _ in range(30):
        synced = pick.choice(
            [item.offset + item.length for item in records if item.kind == "request"]
        )
        left = _after(good, synced, pick)
        path.write_bytes(left)
        fd = os.open(path, os.O_RDWR | os.O_APPEND)
        repair_tail(fd, path, synced)
        os.close(fd)
        mended = path.read_bytes()
        assert mended.startswith(good[:synced])
        with Verification() as verification:
            assert not [
                found for found in verification.files([path]) if found.severity is Severity.ERROR
            ]
        there = {item.record_id for item in records if _piece(left, item) == _piece(good, item)}
        kept = {item.record_id for item in read(path, mended) if isinstance(item, Record)}
        lost = [item for item in records if item.record_id in there - kept]
        assert all(item.fields["warc-concurrent-to"].strip("<>") not in there for item in lost), (
            "a request of none"
        )


def _after(good: bytes, synced: int, pick: Random) -> bytes:
    """Return the bytes up to the last sync and any sectors after it, with zeros for the others."""
    left = bytearray(good[:synced])
    end = pick.randrange(synced, len(good) + 1)
    chance = pick.choice((0.2, 0.5, 0.8, 0.95))
    at = synced
    while at < end:
        upto = min((at // SECTOR + 1) * SECTOR, end)
        if pick.random() < chance:
            left.extend(bytes(at - len(left)))
            left[at:upto] = good[at:upto]
        at = upto
    return bytes(left)


def _piece(data: bytes, item: Record) -> bytes:
    return data[item.offset : item.offset + item.length]
