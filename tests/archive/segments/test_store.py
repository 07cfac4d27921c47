"""A folder as a store: what it lists, opens and reads, and how a segment closed meanwhile counts."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import pytest

from archive.model.errors import SegmentError
from archive.segments.store import FolderStore, store_at, store_of

if TYPE_CHECKING:
    from pathlib import Path

CLOSED, OPEN = "a.warc.gz", "b.warc.gz"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    (tmp_path / CLOSED).write_bytes(b"0123456789")
    (tmp_path / f"{OPEN}.open").write_bytes(b"abc")
    (tmp_path / "fixity.jsonl").write_bytes(b"{}\n")
    (tmp_path / ".c.warc.gz.part").write_bytes(b"")
    return FolderStore(tmp_path)


def test_segments_are_listed_by_their_final_names(store: FolderStore) -> None:
    assert store.names() == ([CLOSED], [OPEN])
    found = {one.name: one for one in store.segments()}
    assert {name: (one.size, one.is_open) for name, one in found.items()} == {
        CLOSED: (10, False),
        OPEN: (3, True),
    }
    assert found[CLOSED] == store.find(CLOSED)
    assert found[CLOSED].changed == (store.folder / CLOSED).stat().st_mtime


def test_ranges_end_where_the_segment_does(store: FolderStore) -> None:
    assert store.range(CLOSED, 2, 3) == b"234"
    assert store.range(CLOSED, 8, 5) == b"89"
    assert store.range(CLOSED, 20, 5) == b""
    assert store.range(OPEN, 1, 1) == b"b"


def test_an_open_segment_is_found_while_and_after_it_is_closed(store: FolderStore) -> None:
    with store.open(OPEN) as file:
        (store.folder / f"{OPEN}.open").rename(store.folder / OPEN)
        assert file.read() == b"abc"
    found = store.find(OPEN)
    assert found is not None
    assert not found.is_open
    assert store.range(OPEN, 0, 9) == b"abc"


@pytest.mark.parametrize("name", ["../a.warc.gz", "/a.warc.gz", "x/../a.warc.gz", "a\0b"])
def test_no_name_leads_out_of_the_folder(store: FolderStore, name: str) -> None:
    inner = FolderStore(store.folder / "x")
    inner.folder.mkdir()
    for one in (store, inner):
        assert one.find(name) is None
        with pytest.raises(FileNotFoundError):
            one.open(name)
        with pytest.raises(FileNotFoundError):
            one.range(name, 0, 1)


def test_what_is_not_there(store: FolderStore) -> None:
    nowhere = FolderStore(store.folder / "nowhere")
    assert store.exists()
    assert not nowhere.exists()
    assert nowhere.names() == ([], [])
    assert store.find("c.warc.gz") is None
    with pytest.raises(FileNotFoundError):
        nowhere.segments()
    with pytest.raises(FileNotFoundError) as caught:
        store.open("c.warc.gz")
    assert str(caught.value.filename) == store.place("c.warc.gz")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(CLOSED)])
def test_nothing_but_regular_files_is_read(store: FolderStore, make) -> None:
    make(store.folder / "d.warc.gz")
    for read in (store.segments, lambda: store.find("d.warc.gz"), lambda: store.open("d.warc.gz")):
        with pytest.raises(OSError, match=r"d\.warc\.gz"):
            read()


def test_a_store_can_be_sent_to_another_process(store: FolderStore) -> None:
    assert pickle.loads(pickle.dumps(store)) == store


def test_the_store_is_made_from_the_address_of_the_archive(store: FolderStore) -> None:
    assert store_at(str(store.folder)) == store
    assert store_at(f"file://{store.folder}") == store
    assert store_of(store) is store
    assert store_of(str(store.folder)) == store
    with pytest.raises(SegmentError, match="only a local folder"):
        store_at("s3://bucket/prefix")
