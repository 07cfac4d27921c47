"""warcio as the witness of verify: it reads good files as we do, and each difference is a finding."""

from __future__ import annotations

import gzip
from functools import partial
from typing import TYPE_CHECKING

import pytest

from archive.model.files import open_regular
from archive.verify.warc_file.findings import Rule
from archive.verify.witness import compare_with_warcio
from tests.support.archives.foreign_archives import common_crawl, heritrix, packed
from tests.support.archives.warc_samples import record
from tests.support.faults.warc_mutations import (
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

    from archive.verify.warc_file.findings import Finding


def differences(path: Path, data: bytes) -> list[Finding]:
    path.write_bytes(data)
    found = list(compare_with_warcio(partial(open_regular, path), path.name))
    assert {one.rule for one in found} <= {Rule.WITNESS}
    return found


GOOD = {
    "ours": ours,
    "ours, plain": lambda: unpacked(ours()),
    "warcio 1.0": by_warcio,
    "warcio 1.1": lambda: by_warcio("1.1"),
    "warcio, plain": lambda: by_warcio(packed=False),
    "FastWARC": by_fastwarc,
    "FastWARC, plain": lambda: by_fastwarc(packed=False),
    "Heritrix": lambda: packed(*heritrix()),
    "Common Crawl": lambda: packed(*common_crawl()),
}


@pytest.mark.parametrize("name", GOOD)
def test_warcio_reads_a_good_file_as_we_do(tmp_path: Path, name: str) -> None:
    assert differences(tmp_path / "a.warc.gz", GOOD[name]()) == []


def test_a_file_in_one_member_is_a_difference(tmp_path: Path) -> None:
    (found,) = differences(tmp_path / "a.warc.gz", gzip.compress(by_warcio(packed=False)))
    assert "reads no further" in found.sentence


@pytest.mark.parametrize("number", range(7))
def test_what_only_we_read_is_a_difference(tmp_path: Path, number: int) -> None:
    parts = [joined([one]) for one in split(ours())]
    parts[number] = parts[number][:30] + b"\xff" * 9 + parts[number][39:]
    assert differences(tmp_path / "a.warc.gz", b"".join(parts))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (record(version="WARC/1.2"), "reads no further"),
        (record(WARC_Block_Digest="sha1:" + "A" * 32), ""),
        (record(WARC_Block_Digest="sha-256:" + "0" * 64), ""),
        (record(b"HTTP/1.1 200 OK\r\n\r\nbody"), ""),
    ],
)
def test_differences_are_named(tmp_path: Path, one: bytes, expected: str) -> None:
    found = differences(tmp_path / "a.warc.gz", packed(one))
    assert [expected in each.sentence for each in found] == [True] * bool(expected)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutated_file_never_stops_the_witness(tmp_path: Path, name: str) -> None:
    for good in (ours(), by_warcio()):
        try:
            data = MUTATIONS[name](split(good))
        except (NotApplicable, StopIteration, AssertionError):
            continue
        for finding in differences(tmp_path / "a.warc.gz", data):
            assert finding.sentence
