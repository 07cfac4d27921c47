"""Chains of several writers read as one log: their order, and what is found of a cut or missing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archive.segments import chained_log
from archive.segments import manifest as fixity
from archive.segments.chains import SEEN, ChainFault, chain_of, is_chain_of, join, lengths_seen
from archive.segments.store import FolderStore

if TYPE_CHECKING:
    from pathlib import Path

LOG = "log.jsonl"
A, B = chain_of(LOG, "a"), chain_of(LOG, "b")


def written(lines: list[tuple[str, dict[str, Any]]]) -> dict[str, bytes]:
    """Chains as writers make them, who see all that was written before."""
    chains: dict[str, bytes] = {}
    for name, fields in lines:
        own = chains.get(name, b"")
        others = {other: len(data) for other, data in chains.items() if other != name}
        seen = lengths_seen(own, others)
        chains[name] = own + chained_log.next_line(own, fields | ({SEEN: seen} if seen else {}))
    return chains


def order(chains: dict[str, bytes]) -> list[int]:
    return [line.fields["n"] for line in join(chains)[0]]


STORY = [
    (LOG, {"n": 1, "at": "10:00"}),
    (A, {"n": 2, "at": "10:01"}),
    (B, {"n": 3, "at": "09:00"}),  # by a slow clock
    (B, {"n": 4, "at": "09:01"}),
    (A, {"n": 5, "at": "10:02"}),
    (B, {"n": 6, "at": "09:02"}),
]


def test_what_was_seen_decides_the_order_and_not_the_clocks() -> None:
    chains = written(STORY)
    assert order(chains) == [1, 2, 3, 4, 5, 6]
    assert join(chains)[1] == []


def test_lines_that_did_not_see_each_other_are_ordered_by_their_times() -> None:
    chains = {
        A: chained_log.next_line(b"", {"n": 2, "at": "10:01"}),
        B: chained_log.next_line(b"", {"n": 1, "at": "10:00"}),
    }
    assert order(chains) == [1, 2]


def test_only_what_is_new_is_stated() -> None:
    chains = written(STORY)
    stated = [fields.get(SEEN) for _, fields in chained_log.read_lines(chains[B])[0]]
    assert stated[0] is not None
    assert set(stated[0]) == {LOG, A}
    assert stated[1] is None
    assert stated[2] is not None
    assert set(stated[2]) == {A}


@pytest.mark.parametrize("name", [LOG, A])
def test_a_missing_chain_is_found(name: str) -> None:
    chains = written(STORY)
    size = len(chains.pop(name))
    _, faults = join(chains)
    assert faults[0].file == name
    assert faults[0].offset == -1
    assert f"refers to {size} bytes of it" in faults[0].sentence


def test_a_cut_chain_is_found_and_one_that_is_not_seen_is_not() -> None:
    chains = written(STORY)
    first, newline, _ = chains[A].partition(b"\n")
    (fault,) = join(chains | {A: first + newline})[1]
    assert fault.file == A
    chains[B] = chains[B].removesuffix(chains[B].splitlines(keepends=True)[-1])
    assert join(chains)[1] == []  # as of a log's last line: nothing says that there was one


def test_a_changed_line_is_found_in_its_chain() -> None:
    chains = written(STORY)
    chains[B] = chains[B].replace(b'"n": 3', b'"n": 7')
    assert join(chains)[1] == [
        ChainFault(B, 0, "This line or the one before it was changed or deleted.")
    ]


def test_lines_that_wait_for_each_other_are_read_all_the_same() -> None:
    a = chained_log.next_line(b"", {"n": 1, "at": "1", SEEN: {B: 1}})
    b = chained_log.next_line(b"", {"n": 2, "at": "2", SEEN: {A: 1}})
    assert order({A: a, B: b}) == [1, 2]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [(LOG, True), (A, True), ("log+.jsonl", False), ("log2.jsonl", False), ("xlog.jsonl", False)],
)
def test_names_of_chains(name: str, is_one: bool) -> None:
    assert is_chain_of(LOG, name) is is_one


def test_a_folder_with_the_chains_of_writers_is_read_and_appended_to(tmp_path: Path) -> None:
    elsewhere = FolderStore(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    (elsewhere.folder / "a.warc.gz").write_bytes(b"a")
    fixity.record_segment(elsewhere, "a.warc.gz")
    chain = (elsewhere.folder / fixity.NAME).read_bytes()
    here = FolderStore(tmp_path / "here")
    here.folder.mkdir()
    (here.folder / chain_of(fixity.NAME, "host")).write_bytes(chain)
    (here.folder / "b.warc.gz").write_bytes(b"b")
    fixity.record_segment(here, "b.warc.gz")
    assert set(fixity.read(here).entries) == {"a.warc.gz", "b.warc.gz"}
    assert fixity.read(here).faults == ()
