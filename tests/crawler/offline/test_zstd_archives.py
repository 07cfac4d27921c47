"""Replay of .warc.zst: a frame a record, with and without a dictionary, whole and damaged."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from bench import pages
from tests.support.processes.cli import Workspace

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 6


def _members() -> list[bytes]:
    """Return the records of some pages, as warcio writes them."""
    out = io.BytesIO()
    pages.write(out, COUNT)
    data = out.getvalue()
    found: list[bytes] = []
    while data:
        inflater = zlib.decompressobj(31)
        found.append(inflater.decompress(data))
        data = inflater.unused_data
    return found


def _skippable(data: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A5D, len(data)) + data


RECORDS = _members()
DICTIONARY = zstd.train_dict([*RECORDS, *(record[:2000] for record in RECORDS)] * 4, 20_000)
PLAIN = b"".join(map(zstd.compress, RECORDS))
WITH_DICTIONARY = b"".join(zstd.compress(each, zstd_dict=DICTIONARY) for each in RECORDS)
FILES = {
    "a frame a record": PLAIN,
    "one frame": zstd.compress(b"".join(RECORDS)),
    "with a dictionary": _skippable(DICTIONARY.dict_content) + WITH_DICTIONARY,
    "with a compressed dictionary": _skippable(zstd.compress(DICTIONARY.dict_content))
    + WITH_DICTIONARY,
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_all_pages_are_stored(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "PAGES.WARC.ZST"
    path.write_bytes(data)
    workspace = Workspace(tmp_path)
    result = workspace.call("replay", path)
    assert (result.code, result.err) == (0, ""), result.out
    assert len(workspace.export()) == COUNT
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize(
    ("data", "stored", "words"),
    [
        (PLAIN[:-10], COUNT - 1, "ends within a record"),
        (PLAIN[:-10] + b"\xff" * 10, COUNT - 1, "bad_record"),
        (PLAIN + b"no frame", COUNT, "damaged"),
        (_skippable(b"no dictionary") + PLAIN, 0, "dictionary"),
        (struct.pack("<II", 0x184D2A5D, 2**30), 0, "dictionary is longer"),
        (struct.pack("<II", 0x184D2A5D, 20), 0, "ends within its dictionary"),
        (zstd.compress(bytes(2**26)), 0, "100 times its size"),
        (b"not zstd at all", 0, "damaged"),
    ],
)
def test_what_precedes_the_damage_is_stored_and_the_damage_is_named(
    tmp_path: Path, data: bytes, stored: int, words: str
) -> None:
    path = tmp_path / "pages.warc.zst"
    path.write_bytes(data)
    workspace = Workspace(tmp_path)
    result = workspace.call("replay", path)
    assert result.code == 1
    assert words in " ".join(result.err.split()), result.err
    assert "Traceback" not in result.out + result.err
    assert len(workspace.export()) == stored


def test_an_open_segment_is_named_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "pages.warc.gz.open").write_bytes(b"\x1f\x8b")
    result = Workspace(tmp_path).call("replay", folder)
    assert result.code == 1
    assert "recover" in result.err
