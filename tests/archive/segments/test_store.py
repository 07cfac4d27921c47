"""A folder as a store: what it lists, opens and reads, and how a segment closed meanwhile counts."""

from __future__ import annotations

import os
import pickle
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from archive.model.errors import SegmentError
from archive.segments.archive_url import store_at
from archive.segments.chained_log import read_lines
from archive.segments.files import file_locks
from archive.segments.store import FolderStore, store_of

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
    with pytest.raises(SegmentError, match="name a local folder, or a bucket"):
        store_at("http://bucket/prefix")


def test_a_segment_appears_when_all_of_it_is_written(store: FolderStore) -> None:
    (store.folder / CLOSED).chmod(0o600)
    with store.adding("new.warc.gz", like=CLOSED) as part:
        part.write_bytes(b"new")
        assert store.names() == ([CLOSED], [OPEN])
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert store.range("new.warc.gz", 0, 9) == b"new"
    assert stat.S_IMODE((store.folder / "new.warc.gz").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError), store.adding("new.warc.gz", like=CLOSED) as part:
        part.write_bytes(b"other")
    assert store.range("new.warc.gz", 0, 9) == b"new"


def test_nothing_appears_of_what_was_not_written_to_its_end(store: FolderStore) -> None:
    before = sorted(store.folder.iterdir())
    with suppress(KeyboardInterrupt), store.adding("new.warc.gz", like=CLOSED) as part:
        part.write_bytes(b"ne")
        raise KeyboardInterrupt
    assert sorted(store.folder.iterdir()) == before


def test_what_is_added_is_on_disk_before_it_has_its_name(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(fd: int) -> None:
        path = Path(f"/proc/self/fd/{fd}").readlink()
        synced.append(f"{path.name}, named: {(store.folder / 'new.warc.gz').exists()}")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", note)
    with store.adding("new.warc.gz", like=CLOSED) as part:
        part.write_bytes(b"new")
    assert synced == [
        ".new.warc.gz.part, named: False",
        f"{store.folder.name}, named: True",
    ]
    synced.clear()
    store.delete("new.warc.gz")
    assert synced == [f"{store.folder.name}, named: False"]


def test_only_closed_segments_are_deleted(store: FolderStore) -> None:
    store.delete(CLOSED)
    assert store.find(CLOSED) is None
    for name in (CLOSED, OPEN):
        with pytest.raises(FileNotFoundError):
            store.delete(name)
    assert store.find(OPEN) is not None


def test_a_log_is_a_chain_of_lines(store: FolderStore) -> None:
    assert store.read_logs("a.jsonl") == store.whole_logs("a.jsonl") == {}
    store.append("a.jsonl", {"n": 1})
    with store.locked("a.jsonl") as log:
        assert log is not None
        log.append({"n": 2})
        with store.locked("a.jsonl") as second:
            assert second is None
    with (store.folder / "a.jsonl").open("ab") as file:
        file.write(b'{"n": 3')
    whole = store.whole_logs("a.jsonl")["a.jsonl"]
    assert store.read_logs("a.jsonl") == {"a.jsonl": whole + b'{"n": 3'}
    lines, faults = read_lines(whole)
    assert [fields["n"] for _, fields in lines] == [1, 2]
    assert faults == []


def test_a_writer_that_lives_holds_its_segment(store: FolderStore) -> None:
    assert not store.is_held(OPEN)
    with file_locks.exclusive(store.folder / f"{OPEN}.open"):
        assert store.is_held(OPEN)
    with pytest.raises(FileNotFoundError):
        store.is_held(CLOSED)


def test_room_is_that_of_the_folder_and_of_its_file_system(store: FolderStore) -> None:
    assert store.used() == 16
    assert FolderStore(store.folder / "nowhere").used() == 0
    assert store.room_for(1) == ""
    assert "are needed" in store.room_for(2**62)
    (store.folder / "link").symlink_to(store.folder)
    assert FolderStore(store.folder / "link").identity() == store.identity()


def test_an_open_segment_is_kept_under_its_final_name(store: FolderStore) -> None:
    (store.folder / f"{CLOSED}.open").write_bytes(b"another")
    with pytest.raises(FileExistsError):
        store.close_segment(CLOSED)
    assert store.range(CLOSED, 0, 99) == b"0123456789"
    store.close_segment(OPEN)
    assert store.names() == ([CLOSED, OPEN], [CLOSED])
    with pytest.raises(FileNotFoundError):
        store.close_segment(OPEN)


def test_whole_files_are_kept_by_name(store: FolderStore, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.write_bytes(b"one")
    assert store.kept_files("logs/hourly") == []
    with pytest.raises(FileNotFoundError):
        store.read_file("logs/hourly/1.log")
    store.keep_file("logs/hourly/1.log", local)
    local.write_bytes(b"two")
    store.keep_file("logs/hourly/1.log", local)
    store.keep_file("logs/hourly/0.log", local)
    assert store.read_file("logs/hourly/1.log") == b"two"
    assert store.kept_files("logs/hourly") == ["logs/hourly/0.log", "logs/hourly/1.log"]
    store.drop_file("logs/hourly/1.log")
    store.drop_file("logs/hourly/1.log")
    assert store.kept_files("logs/hourly") == ["logs/hourly/0.log"]
    assert store.names() == ([CLOSED], [OPEN])


@pytest.mark.parametrize("name", [CLOSED, "logs/../x", "/logs/x", "logs//x", "logs/.x", "logs/"])
def test_no_kept_file_takes_the_name_of_another(store: FolderStore, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a kept file"):
        store.keep_file(name, store.folder / CLOSED)
    with pytest.raises(ValueError, match="no name of a kept file"):
        store.read_file(name)
