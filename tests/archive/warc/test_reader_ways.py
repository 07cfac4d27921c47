"""A member that is one sound record is read by a shorter way; whatever the file holds, both ways tell the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from archive.warc.reader import Damage, Record
from archive.warc.record_iterator import RecordIterator
from tests.support.archives.foreign_archives import common_crawl, packed
from tests.support.archives.warc_samples import HEAD, a_segment, read, record
from tests.support.faults import warc_mutations
from tests.support.faults.hostile_archives import CASES
from tests.support.faults.warc_mutations import MUTATIONS, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES: dict[str, Callable[[], bytes]] = {
    "ours": warc_mutations.ours,
    "warcio": warc_mutations.by_warcio,
    "warcio 1.1": lambda: warc_mutations.by_warcio("1.1"),
    "fastwarc": warc_mutations.by_fastwarc,
    "common crawl": lambda: packed(*common_crawl()),
}


def both(path: Path, data: bytes, limit: int = 2**20) -> list[Record | Damage]:
    """What the file gives, the same by either way."""
    items = read(path, data, limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordIterator, "_whole_member", lambda *_: None)
        assert read(path, data, limit) == items
    return items


@pytest.mark.parametrize("name", FILES)
def test_sound_files_are_read_by_the_shorter_way(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = FILES[name]()
    items = both(tmp_path / "a", data)
    assert items
    assert {type(item) for item in items} == {Record}
    monkeypatch.setattr(
        RecordIterator, "_skip_blanks", lambda _: pytest.fail("the longer way was taken")
    )
    assert read(tmp_path / "a", data) == items


@pytest.mark.parametrize("name", FILES)
def test_mutations_give_the_same_by_either_way(tmp_path: Path, name: str) -> None:
    records = warc_mutations.split(FILES[name]())
    tried = 0
    for mutate in MUTATIONS.values():
        try:
            data = mutate(records)
        except (NotApplicable, StopIteration, AssertionError):
            continue
        both(tmp_path / "a", data)
        tried += 1
    assert tried > 10


def test_flips_and_cuts_give_the_same_by_either_way(tmp_path: Path) -> None:
    good, dice = a_segment(), random.Random(11)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(dice.choice((1, 1, 4))):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        both(
            tmp_path / "a",
            bytes(data[: dice.choice((len(data), dice.randrange(len(data))))]),
            dice.choice((150, 2**20)),
        )


def test_changed_heads_give_the_same_by_either_way(tmp_path: Path) -> None:
    """Flips before packing, where no checksum tells of them."""
    dice = random.Random(12)
    alphabet = b"\r\n\t :\0\xff0aW"
    for _ in range(400):
        changed = bytearray(record(HEAD + b"body", WARC_Block_Digest="sha1:" + "A" * 32))
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(changed) if dice.random() < 0.3 else 300)
            changed[at : at + dice.randrange(2)] = bytes(
                dice.choices(alphabet, k=dice.randrange(3))
            )
        both(tmp_path / "a", warc_mutations.joined([record(), bytes(changed), record()]))


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.endswith("warc.gz") and name != "bomb.warc.gz"]
)
def test_hostile_files_give_the_same_by_either_way(tmp_path: Path, name: str) -> None:
    both(tmp_path / "a", CASES[name][0](), 20 * 2**20)
