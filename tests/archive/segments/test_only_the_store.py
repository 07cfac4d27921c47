"""No verb opens, lists, renames or deletes a file of the archive but through `archive.segments`."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from archive.model.files import read_regular
from archive.segments.files.atomic_files import PART
from tests.support.documents import SEEDS
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.truncate"})
#: What opens files for whoever calls it.
HELPERS = ("archive/model/files.py",)
watched: list[tuple[str, list[str]]] = []


def note(event: str, args: tuple[Any, ...]) -> None:
    """Note which module of ours touches a path in the watched folder; a hook is never removed."""
    if not watched or event not in EVENTS or not isinstance(args[0], (str, os.PathLike)):
        return
    folder, found = watched[-1]
    path = os.fspath(args[0])
    # what the store gives others to write to is theirs until it is added
    if path.startswith(folder) and not path.endswith(PART):
        found.append(toucher())


def toucher() -> str:
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if name.startswith(("archive/", "pipelines/", "crawler/")) and name not in HELPERS:
            return name
        frame = frame.f_back
    return "a test"


sys.addaudithook(note)


@contextmanager
def touching(folder: Path) -> Iterator[list[str]]:
    """Give the list of the modules that touch files of a folder."""
    found: list[str] = []
    watched.append((str(folder), found))
    try:
        yield found
    finally:
        watched.pop()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(tmp_path_factory.mktemp("made"))
    assert made.call("replay", SEEDS / "newspim").code == 0
    return made


@pytest.mark.parametrize(
    "line",
    [
        "replay {seeds}/etoday",
        "recover",
        "verify",
        "verify --witness",
        "status",
        "export {folder}/out.wacz",
        "reindex --processes 1",
        "reindex --processes 1 --dry-run",
        "backup {folder}/kept",
        "remove {article} --reason test --yes",
    ],
)
def test_verbs_come_to_the_archive_through_the_store(workspace: Workspace, line: str) -> None:
    row = workspace.rows("articles")[0]
    article = f"{row['outlet']}/{row['article_id']}"
    words = line.format(seeds=SEEDS, folder=workspace.folder, article=article).split()
    with touching(workspace.archive) as found:
        said = workspace.call(*words)
    assert said.code == 0, said.out + said.err
    assert any(name.startswith("archive/segments/") for name in found)
    assert {name for name in found if not name.startswith("archive/segments/")} == set()


def test_a_module_that_opens_a_segment_by_itself_is_seen(workspace: Workspace) -> None:
    path = next(workspace.archive.glob("*.warc.gz"))
    with touching(workspace.archive) as found:
        read_regular(path)
    assert found == ["a test"]
