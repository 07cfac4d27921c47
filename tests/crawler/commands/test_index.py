"""`scrapy index copy`: an index goes to another address, or is refused with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.index.database import file_url
from tests.support.databases.index_rows import ask
from tests.support.databases.postgres import new_database
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("copied"))
    assert workspace.call("replay", SEEDS / "etoday").code == 0
    return workspace


def test_an_index_is_copied_to_a_server_and_to_a_file(workspace: Workspace, tmp_path: Path) -> None:
    server, file = new_database(), file_url(tmp_path / "back.sqlite3")
    there = workspace.call("index", "copy", workspace.index_url, server)
    back = workspace.call("index", "copy", server, file)
    assert (there.code, back.code) == (0, 0), there.err + back.err
    figures = [line for line in there.out.splitlines() if ": " in line]
    assert figures == [line for line in back.out.splitlines() if ": " in line]
    (counted,) = ask(workspace.index_url, "SELECT count(*) AS captures FROM captures")
    assert f"captures: {counted['captures']} rows" in figures
    again = workspace.call("index", "copy", workspace.index_url, file)
    assert again.code == 1
    assert "has rows already" in again.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["copy"], 2, "say what to copy, and where to"),
        (["move", "A", "B"], 2, "say what to copy, and where to"),
        (["copy", "/nonsense", "INDEX"], 2, "'/nonsense' cannot be the address of an index"),
        (["copy", "INDEX", "nonsense"], 2, "'nonsense' cannot be the address of an index"),
        (["copy", "sqlite:////missing/index", "INDEX"], 1, "there is no index at /missing/index"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    workspace: Workspace, words: list[str], code: int, sentence: str
) -> None:
    refused = workspace.call(
        "index", *[workspace.index_url if word == "INDEX" else word for word in words]
    )
    assert refused.code == code
    assert sentence in refused.err
    assert refused.out == ""
