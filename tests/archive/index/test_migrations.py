"""The schema: created by one revision, whole or not at all; earlier versions are refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

import archive.index.database
from archive.index.database import SCHEMA, EarlierSchemaError, Index, IndexUnusableError
from archive.index.schema import metadata
from archive.index.sqlite.database import SqliteDatabase

SUPPORT = Path(__file__).parents[2] / "support"
FOLDER = Path(archive.__file__).parent / "index" / "migrations"


def test_the_steps_end_in_the_schema_the_code_writes() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    steps = ScriptDirectory.from_config(config)
    assert steps.get_current_head() == SCHEMA
    assert [step.revision for step in steps.walk_revisions()] == [SCHEMA]


@pytest.fixture
def migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an index whose schema the migrations made."""
    path = tmp_path / "migrated.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr(SqliteDatabase, "_create", SqliteDatabase._migrate)
        Index(f"sqlite:///{path}").close()
    return path


def schema(path: Path) -> dict[str, Any]:
    """Return all that makes up a schema; a table by its columns, keys and indexes."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        tables = [name for kind, name, _, sql in rows if kind == "table" and "VIRTUAL" not in sql]
        parts = {  # without the number that SQLite gives to each
            (table, pragma): sorted(
                str(row[1:]) for row in database.execute(f"PRAGMA {pragma}({table})")
            )
            for table in tables
            for pragma in ("table_xinfo", "foreign_key_list", "index_list")
        }
        return {
            "tables": parts,
            "others": sorted(str(row) for row in rows if row[1] not in tables),
            "search": [
                database.execute(f"SELECT k, v FROM {table}_config ORDER BY k").fetchall()
                for table in ("search", "search_characters")
            ],
            "version": database.execute("SELECT version_num FROM alembic_version").fetchall(),
            "journal": database.execute("PRAGMA journal_mode").fetchone(),
        }


def test_a_new_index_is_what_the_migrations_make(tmp_path: Path, migrated: Path) -> None:
    created = tmp_path / "created.sqlite3"
    Index(f"sqlite:///{created}").close()
    assert schema(created) == schema(migrated)


def test_the_schema_is_the_tables(migrated: Path) -> None:
    path = migrated

    def ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
        return kind != "table" or not str(name).startswith("search")  # FTS5's own, made by hand

    with closing(Index(f"sqlite:///{path}")) as index, index.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def version(path: Path) -> str:
    """Return the schema that the index says it has."""
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_several_may_make_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    program = (
        "import sys; from archive.index.database import Index; "
        "sys.stdin.readline(); Index(sys.argv[1]).close()"
    )
    command_line = [sys.executable, "-c", program, f"sqlite:///{path}"]
    processes = [subprocess.Popen(command_line, stdin=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=300)
    assert [process.returncode for process in processes] == [0] * 3
    assert version(path) == SCHEMA


def test_an_index_created_meanwhile_is_not_taken_for_another_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    monkeypatch.setattr(archive.index.sqlite.database, "BUSY_TIMEOUT", 50)
    others: list[str] = []

    def between(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "type = 'table'" in statement and not others:
            others.append(statement)
            with suppress(IndexUnusableError):  # locked out by our look, or there before it
                Index(url).close()

    event.listen(Engine, "before_cursor_execute", between)
    try:
        Index(url).close()
    finally:
        event.remove(Engine, "before_cursor_execute", between)
    assert others
    assert version(tmp_path / "new.sqlite3") == SCHEMA


def test_it_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new.sqlite3"

    with monkeypatch.context() as patch:
        patch.setattr(
            archive.index.sqlite.database, "VERSION_TABLE", "CREATE"
        )  # almost the last step
        with pytest.raises(IndexUnusableError, match="incomplete input"):
            Index(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    Index(f"sqlite:///{path}").close()
    assert version(path) == SCHEMA


@pytest.mark.parametrize("version", ["0005", "0008"])
@pytest.mark.parametrize("read_only", [True, False])
def test_an_index_of_an_earlier_version_is_refused_and_stays_as_it_is(
    tmp_path: Path, read_only: bool, version: str
) -> None:
    path = tmp_path / "index.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((SUPPORT / f"schema_{version}.sql").read_text())
    before = path.read_bytes()
    with pytest.raises(EarlierSchemaError, match=rf"\(schema {version}\): run scrapy reindex\."):
        Index(f"sqlite:///{path}", read_only=read_only)
    assert path.read_bytes() == before


def test_an_index_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite3"
    Index(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(IndexUnusableError, match="knows none newer than 0009: upgrade Sacho"):
        Index(f"sqlite:///{path}")
