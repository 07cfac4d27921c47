"""No link is followed and no pipe waited for, wherever a file of ours is read or written."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import chdir
from typing import TYPE_CHECKING

import pytest

from archive.segments.files.atomic_files import part_of, replace_atomically
from tests.support.archives.backups import resum
from tests.support.databases.index_rows import change
from tests.support.databases.postgres import copy_folder
from tests.support.documents import SEEDS
from tests.support.pages import write_page
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Plant = Callable[[Path, Path], None]

SECRET = b"somebody else's file\n" * 100


def link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def dangling(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("made-by-us"))


def pipe(path: Path, _victim: Path) -> None:
    os.mkfifo(path)


def device(path: Path, _victim: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path, _victim: Path) -> None:
    path.symlink_to(path)


def listener(path: Path, _victim: Path) -> None:
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)  # a socket's address has 108 bytes


def folder(path: Path, _victim: Path) -> None:
    path.mkdir()


ODD = (link, dangling, pipe, device, loop, listener, folder)
#: Files of an archive and its index, by the verb that meets each first, in the archive's folder.
PLACES = (
    ("x.warc.gz", ("verify",)),
    ("x.warc.gz", ("reindex",)),
    ("x.warc.gz.open", ("recover",)),
    ("x.warc.gz.open", ("replay", "pages")),
    ("fixity.jsonl", ("replay", "pages")),
    ("fixity.jsonl", ("verify",)),
    ("fixity.jsonl", ("backup", "kept")),
    ("removals.jsonl", ("remove", "etoday/9000000002", "--reason", "x", "--yes")),
    ("../index.sqlite3-wal", ("replay", "pages")),
    ("../index.sqlite3-journal", ("show", "etoday")),
    ("../index.sqlite3.reindex", ("reindex",)),
    ("../index.sqlite3.reindex.lock", ("reindex",)),
    ("../kept/.lock", ("backup", "kept")),
    ("../kept/backup.json", ("backup", "kept")),
    ("../kept/backup.json", ("restore", "kept")),
    ("../kept/.backup.json.part", ("backup", "kept")),
    ("../kept/segments", ("backup", "kept")),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace(tmp_path_factory.mktemp("made"))
    write_page(workspace.folder / "first", "9000000002")
    write_page(workspace.folder / "pages", "9000000003")
    assert workspace.call("replay", workspace.folder / "first").code == 0
    assert workspace.call("backup", workspace.folder / "kept").code == 0
    return workspace.folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    copy_folder(made, tmp_path / "place")
    return Workspace(tmp_path / "place")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_bytes(SECRET)
    return path


@pytest.mark.parametrize("plant", ODD, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize(("name", "verb"), PLACES)
def test_what_is_no_file_of_ours_is_neither_followed_nor_waited_for(
    workspace: Workspace, victim: Path, plant: Plant, name: str, verb: tuple[str, ...]
) -> None:
    path = workspace.archive / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    plant(path, victim)
    words = [workspace.folder / word if word in ("pages", "kept") else word for word in verb]
    said = workspace.call(*words)
    assert said.code in (0, 1), said
    assert "Traceback" not in said.err
    assert victim.read_bytes() == SECRET
    assert not victim.with_name("made-by-us").exists()
    assert SECRET not in b"".join(
        one.read_bytes()
        for one in workspace.folder.rglob("*")
        if one.is_file() and not one.is_symlink()
    )


@pytest.mark.parametrize("plant", ODD[:-1], ids=lambda plant: plant.__name__)
def test_a_part_file_is_made_anew(tmp_path: Path, victim: Path, plant: Plant) -> None:
    path = tmp_path / "file"
    plant(tmp_path / ".file.part", victim)
    with replace_atomically(path) as part, part.open("x") as file:
        file.write("ours")
    assert path.read_text() == "ours"
    assert not path.is_symlink()
    assert victim.read_bytes() == SECRET


def test_a_part_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".file.part").mkdir()
    with pytest.raises(OSError, match=r"file\.part"), part_of(tmp_path / "file"):
        pass


@pytest.mark.parametrize("plant", ODD[:-1], ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("name", ["a.html", "a.txt", "a.warc", "a.warc.gz", "a.arc", "a.wacz"])
def test_a_folder_to_replay_may_hold_anything(
    workspace: Workspace, victim: Path, plant: Plant, name: str
) -> None:
    plant(workspace.folder / "pages" / name, victim)
    said = workspace.call("replay", workspace.folder / "pages")
    assert said.code == 1
    (sentence,) = said.sentences
    assert f"{name}: failed/unreadable: it is not a regular file" in sentence
    assert len(workspace.rows("articles")) == 2, "the page beside it is read"


@pytest.mark.parametrize("plant", ODD, ids=lambda plant: plant.__name__)
def test_a_sidecar_that_is_no_file_is_refused(
    workspace: Workspace, victim: Path, plant: Plant
) -> None:
    sidecar = workspace.folder / "pages" / "9000000003.json"
    sidecar.unlink()
    plant(sidecar, victim)
    said = workspace.call("replay", workspace.folder / "pages")
    assert said.code == 1
    (sentence,) = said.sentences
    assert "failed/bad_sidecar" in sentence
    assert "Traceback" not in said.err


def test_a_long_sidecar_is_refused(workspace: Workspace) -> None:
    sidecar = workspace.folder / "pages" / "9000000003.json"
    sidecar.write_bytes(sidecar.read_bytes() + b" " * 2**20)
    said = workspace.call("replay", workspace.folder / "pages")
    assert said.code == 1
    assert "failed/bad_sidecar" in said.err


def test_a_page_that_a_person_names_may_be_a_link(workspace: Workspace) -> None:
    path = workspace.folder / "named.html"
    path.symlink_to(SEEDS / "etoday" / "own-desktop-2020.html")
    path.with_suffix(".json").write_bytes((SEEDS / "etoday" / "own-desktop-2020.json").read_bytes())
    assert workspace.call("replay", path).code == 0


NAMES = (
    "../x.warc.gz",
    "segments/../../x.warc.gz",
    "/etc/passwd",
    "segments/.hidden.warc.gz",
    "segments/passwd",
    "segments/a/b.warc.gz",
    "other/x.warc.gz",
    "segments/x\n.warc.gz",
    "",
    "segments/",
    "state-20240101T000000Z-0a/x.warc.gz",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_backup_names_only_files_of_its_own(workspace: Workspace, name: str) -> None:
    kept = workspace.folder / "kept"
    resum(kept, **{"segments/": name})
    other = Workspace(workspace.folder / "other")
    for verb in ("restore", "backup"):
        said = (other if verb == "restore" else workspace).call(verb, kept)
        assert (said.code, "Traceback" in said.err) == (1, False)
        assert "backup.json is damaged" in said.err
    assert not other.folder.exists()


@pytest.mark.parametrize("plant", ODD, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("name", ["segments/*.warc.gz", "state-*/index.sqlite3", "segments"])
def test_a_restore_reads_only_files(
    workspace: Workspace, victim: Path, plant: Plant, name: str
) -> None:
    (path,) = (workspace.folder / "kept").glob(name)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    plant(path, victim)
    other = Workspace(workspace.folder / "other")
    said = other.call("restore", workspace.folder / "kept")
    assert (said.code, "Traceback" in said.err) == (1, False)
    files = [one for one in other.folder.rglob("*") if one.is_file()]
    assert not [one for one in files if one.is_symlink() or SECRET in one.read_bytes()]


@pytest.mark.parametrize("name", ["../victim.warc.gz", "/victim.warc.gz", ".x.warc.gz", "a/b"])
def test_names_in_manifest_and_index_are_no_paths(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    import json

    from archive.segments import chained_log

    entry = json.loads((workspace.archive / "fixity.jsonl").read_text().splitlines()[0])
    entry.pop("chain")
    chained_log.append(workspace.archive / "fixity.jsonl", entry | {"file": name})
    change(workspace.index_url, "UPDATE captures SET warc_file = :name", name=name)
    (tmp_path / "victim.warc.gz").write_bytes(SECRET)
    for verb in (
        ("verify",),
        ("backup", tmp_path / "new"),
        ("export", tmp_path / "x.wacz"),
        ("remove", "etoday/9000000002", "--reason", "x", "--yes"),
    ):
        said = workspace.call(*verb)
        assert (said.code, "Traceback" in said.err) == (1, False), (verb, said)
    assert (tmp_path / "victim.warc.gz").read_bytes() == SECRET
    assert not [one for one in (tmp_path / "new").rglob("*") if "victim" in one.name]
