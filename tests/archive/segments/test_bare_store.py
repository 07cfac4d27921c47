"""What reads an archive needs nothing but its store: here one whose files have no path and no number."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from archive.backup.create import back_up
from archive.export.captures import CaptureFilter, export_captures
from archive.index.database import Index
from archive.reindex.spans import being_written, list_segments, split
from archive.segments import manifest as fixity
from archive.segments.store import FolderStore
from archive.takedown import log as takedown_log
from archive.takedown.execute import TakedownExecutor
from archive.verify.archive import Verification
from archive.verify.selection import SegmentSelection
from crawler.offline.article_reader import read_article
from crawler.offline.workers import read_spans
from crawler.outlets import article_id
from tests.support.databases.postgres import copy_folder
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class BareStore:
    """The files of a folder, as a store elsewhere gives them: bytes that can be read and sought."""

    inner: FolderStore
    spool: Path

    def place(self, name: str = "") -> str:
        return f"s3://bucket/prefix/{name}"

    def open(self, name: str) -> io.BytesIO:
        with self.inner.open(name) as file:
            return io.BytesIO(file.read())

    def __getattr__(self, name: str) -> Any:
        assert name != "folder", "somebody asks for the folder"
        return getattr(self.inner, name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    assert Workspace(folder).call("replay", SEEDS / "newspim").code == 0
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    copy_folder(made, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


@pytest.fixture
def store(workspace: Workspace, tmp_path: Path) -> BareStore:
    return BareStore(FolderStore(workspace.archive), tmp_path / "spool")


@pytest.fixture
def url(workspace: Workspace) -> str:
    return workspace.index_url


@pytest.mark.parametrize("listed", [True, False])
def test_it_is_verified(store: BareStore, url: str, listed: bool) -> None:
    """Also where the manifest does not list a segment, so that its bits are checked."""
    if not listed:
        (store.inner.folder / fixity.NAME).unlink()
    with Verification(reader=read_article, witness=True) as verification:
        assert list(verification.archive(store, url, SegmentSelection())) == []
    assert verification.tally.records == 10
    assert len(verification.tally.recorded) == (0 if listed else 1)


def test_its_captures_are_exported(store: BareStore, url: str, tmp_path: Path) -> None:
    with Index(url, read_only=True) as index, index.reading() as connection:
        for name, source in (("bare", store), ("folder", store.inner)):
            number, _ = export_captures(
                tmp_path / f"{name}.wacz", connection, source, CaptureFilter()
            )
            assert number > 5
    bare, folder = (_resources(tmp_path / f"{name}.wacz") for name in ("bare", "folder"))
    assert bare == folder


def _resources(package: Path) -> list[dict[str, Any]]:
    """Return the files of a package with their digests; its description has its own moment."""
    with zipfile.ZipFile(package) as opened:
        found: list[dict[str, Any]] = json.loads(opened.read("datapackage.json"))["resources"]
    return found


def test_its_records_are_read_for_a_reindex(store: BareStore) -> None:
    segments, same = list_segments(store), list_segments(store.inner)
    assert [one.name for one in segments] == [one.name for one in same]
    assert being_written(segments) == []
    found, expected = (
        [part for one in each for _, part in read_spans(split(one), 1)] for each in (segments, same)
    )
    assert found == expected
    assert sum(len(part.captures) for part in found) > 5


def test_it_is_backed_up(store: BareStore, url: str, tmp_path: Path) -> None:
    made = back_up(store, url, tmp_path / "kept")
    assert (made.new, made.faults) == (1, [])
    assert back_up(store, url, tmp_path / "kept").unchanged == 1


def test_an_article_of_it_is_taken_down(store: BareStore, workspace: Workspace, url: str) -> None:
    row = workspace.rows("articles")[0]
    with takedown_log.locked(store) as log, Index(url) as index:
        assert log is not None
        executor = TakedownExecutor(store, index, log, article_id)
        executor.begin([(row["outlet"], row["article_id"])], "a test", "nobody")
        result = executor.finish()
    ((old, new),) = result.rewritten
    assert store.names() == ([new], [])
    assert store.find(old) is None
    with Verification(reader=read_article) as verification:
        assert list(verification.archive(store, url, SegmentSelection())) == []
    (done,) = result.done
    assert verification.tally.kinds["metadata"] == len(done.records) > 0
