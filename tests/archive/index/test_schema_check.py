"""An index that holds anything we did not make is refused with a sentence, whoever made it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.archives.backups import resum
from tests.support.documents import MADE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only(reason="it looks into the schema of a file")

FOREIGN = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM captures; END",
    "trigger of a name of ours": "CREATE TRIGGER captures AFTER UPDATE ON runs BEGIN SELECT 1; END",
    "trigger on a view": "CREATE VIEW v AS SELECT 1 AS a",
    "table": "CREATE TABLE mine (x)",
    "index": "CREATE INDEX mine ON captures (source)",
    "index on an expression": "CREATE INDEX mine ON captures (upper(url))",
    "virtual table": "CREATE VIRTUAL TABLE mine USING fts5(x)",
    "another index of that name": "DROP INDEX ix_captures_url;"
    "CREATE INDEX ix_captures_url ON captures (hex(url))",
    "a view in place of a table": "ALTER TABLE robots RENAME TO robots_;"
    "CREATE VIEW robots AS SELECT * FROM robots_",
    "a column more": "ALTER TABLE robots ADD COLUMN x",
    "a computed column": "ALTER TABLE robots ADD COLUMN x AS (zeroblob(1000000000))",
    "a check": "DROP TABLE leases; CREATE TABLE leases (name VARCHAR CHECK (length(name) > 0))",
    "other search": "DROP TABLE search; CREATE VIRTUAL TABLE search USING fts5(headline, body)",
}
VERBS = (
    ("show", "etoday"),
    ("search", "도서관"),
    ("export", "out.jsonl"),
    ("status",),
    ("replay", *MADE),
    ("reindex",),
    ("backup", "kept"),
    ("remove", "etoday/1", "--reason", "x", "--yes"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("made"))
    assert workspace.call("replay", *MADE).code == 0
    return workspace


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(made.folder, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)


def spoil(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statements)


def in_folder(workspace: Workspace, word: object) -> object:
    return workspace.folder / str(word) if word in ("out.jsonl", "kept") else word


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_index_with_a_foreign_object_is_refused(workspace: Workspace, kind: str) -> None:
    spoil(workspace.index, FOREIGN[kind])
    before = workspace.index.read_bytes()
    for verb in VERBS[:4] if kind != "trigger" else VERBS:
        said = workspace.call(*(in_folder(workspace, word) for word in verb))  # type: ignore[arg-type]
        assert (said.code, "Traceback" in said.err) == (1, False), (verb, said)
        assert "which Sacho did not make" in said.err, (verb, said)
    said = workspace.call("verify")
    assert said.code == 1
    assert "which Sacho did not make" in said.out
    assert workspace.index.read_bytes() == before


def test_what_sqlite_makes_itself_is_no_foreign_object(workspace: Workspace) -> None:
    spoil(workspace.index, "ANALYZE")
    assert workspace.call("show", "etoday").code == 0
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize("kind", ["trigger", "table", "a view in place of a table"])
def test_a_backup_with_such_an_index_restores_none(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    folder = workspace.folder / "backup"
    assert workspace.call("backup", folder).code == 0
    (index,) = folder.glob("state-*/index.sqlite3")
    spoil(index, FOREIGN[kind])
    resum(folder)
    other = Workspace(tmp_path / "other")
    said = other.call("restore", folder)
    assert (said.code, "Traceback" in said.err) == (1, False)
    assert "which Sacho did not make" in said.err + said.out
    assert not other.index.exists()
    assert other.call("reindex").code == 0
    assert other.call("verify").code == 0
