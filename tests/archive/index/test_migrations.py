"""The schema's steps: an old index is brought up with all it holds, or stays as it was."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

import archive.index.database
from archive.articles import deletions
from archive.index.database import SCHEMA, Index, IndexUnusableError
from archive.index.schema import metadata

FOLDER = Path(archive.__file__).parent / "index" / "migrations"
AT = "2026-11-22 03:00:00.000000"
EARLIER, LATER = AT.replace("03:", "02:"), AT.replace("03:", "04:")

#: A revision as an older version left it.
REVISION: dict[str, Any] = {
    "id": 1,
    "article": 1,
    "number": 1,
    "current": 1,
    "capture_id": 1,
    "captured_at": AT,
    "content_key": "k",
    "headline": "푸틴 대통령",
    "subheadlines": "[]",
    "authors": "[]",
    "dateline": "",
    "section": "국제",
    "tags": '["러시아"]',
    "published_at": AT,
    "published_raw": "",
    "published_precision": "minute",
    "modified_at": None,
    "modified_raw": "",
    "modified_precision": None,
    "body": "본문",
    "images": "[]",
    "language": "ko",
    "flags": "[]",
    "layouts": '["desktop"]',
    "removed": "[]",
}

#: One row and more of each table of schema 0001, by hand. Of the second article the oldest version
#: came last.
ROWS: dict[str, list[dict[str, Any]]] = {
    "articles": [
        {"id": n, "outlet": "etoday", "article_id": str(n), "url": f"u{n}"} for n in (1, 2)
    ],
    "aliases": [{"outlet": "etoday", "alias": "content-0", "article": 1}],
    "revisions": [
        REVISION,
        REVISION
        | {
            "id": 2,
            "article": 2,
            "headline": "푸틴",
            "body": "처음 본문",
            "captured_at": AT,
            "current": 0,
        },
        REVISION
        | {
            "id": 3,
            "article": 2,
            "headline": "푸틴",
            "body": "고친 본문",
            "number": 2,
            "captured_at": LATER,
        },
        REVISION
        | {
            "id": 4,
            "article": 2,
            "headline": "[속보] 푸틴",
            "body": "처음 본문",
            "number": 3,
            "captured_at": EARLIER,
            "current": 0,
        },
    ],
    "captures": [
        {
            "id": 1,
            "outlet": "etoday",
            "url": "u1",
            "record_type": "response",
            "status": 200,
            "media_type": "text/html",
            "captured_at": AT,
            "time_known": 1,
            "warc_file": "a.warc.gz",
            "warc_offset": 5,
            "warc_length": 7,
            "record_id": "<urn:uuid:1>",
            "payload_digest": "sha256:0",
            "charset_declared": "",
            "charset_used": "utf-8",
            "charset_damage": 0,
            "source": "",
            "outcome": "new",
            "reason": "",
            "revision_id": 1,
        }
    ],
    "runs": [
        {
            "id": "r",
            "verb": "replay",
            "started_at": AT,
            "ended_at": None,
            "counts": '{"etoday":{"new":1}}',
        }
    ],
    "outcomes": [
        {
            "id": 1,
            "run_id": "r",
            "at": AT,
            "source": "",
            "outlet": "etoday",
            "outcome": "new",
            "reason": "",
            "detail": "",
            "capture_id": 1,
        }
    ],
}


@pytest.fixture(params=["0001", "0002"])
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An index of an older schema with rows in every table and one article to be searched."""
    path = tmp_path / "index.sqlite3"
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, request.param)
    engine.dispose()
    with closing(sqlite3.connect(path)) as database, database:
        for table, rows in ROWS.items():
            for row in rows:
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                database.execute(
                    f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values())
                )
        database.execute(
            "INSERT INTO search (rowid, headline, body) VALUES (1, '푸틴 틴', '본문 문')"
        )
    return path


def contents(path: Path) -> dict[str, Any]:
    """Every row of the tables in ROWS as they once were, what a search finds, and the version."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        found: dict[str, Any] = {
            table: [
                dict(row)
                for row in database.execute(f"SELECT {', '.join(rows[0])} FROM {table} ORDER BY 1")
            ]
            for table, rows in ROWS.items()
        }
        found["search"] = [
            row[0] for row in database.execute("SELECT rowid FROM search WHERE search MATCH '푸틴'")
        ]
        found["schema"] = database.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        found["faults"] = [tuple(row) for row in database.execute("PRAGMA foreign_key_check")]
        found["whole"] = database.execute("PRAGMA integrity_check").fetchone()[0]
    return found


KEPT = {**ROWS, "search": [1], "faults": [], "whole": "ok"}
NEW = {**KEPT, "schema": SCHEMA}


def was(path: Path) -> str:
    """The schema that an index has now."""
    return str(contents(path)["schema"])


def changes(path: Path) -> list[Any]:
    """What the index says that each revision changed, by their ids."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT change FROM revisions ORDER BY id").fetchall()
    return [change if change is None else json.loads(change) for (change,) in found]


RELABELLED = {
    "classes": ["relabel"],
    "words_added": None,
    "words_removed": None,
    "chars_added": None,
    "chars_removed": None,
}
REWRITTEN = {
    "classes": ["body"],
    "words_added": 1,
    "words_removed": 1,
    "chars_added": 2,
    "chars_removed": 2,
}


def test_the_steps_end_in_the_schema_the_code_writes() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    steps = ScriptDirectory.from_config(config)
    assert steps.get_current_head() == SCHEMA
    assert [step.revision for step in steps.walk_revisions()] == [
        "0005",
        "0004",
        "0003",
        "0002",
        "0001",
    ]


@pytest.mark.parametrize("made", ["made now", "brought up"])
def test_the_schema_is_the_tables(made: str, tmp_path: Path, old: Path) -> None:
    path = tmp_path / "new.sqlite3" if made == "made now" else old

    def ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
        return kind != "table" or not str(name).startswith("search")  # FTS5's own, made by hand

    with closing(Index(f"sqlite:///{path}")) as index, index.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def schema(path: Path) -> dict[str, Any]:
    """Everything that makes up a schema: statements word for word, the search index's settings, the version.

    A table counts by its columns, keys and indexes: a step that adds a column leaves other words
    than a new table.
    """
    with closing(sqlite3.connect(path)) as database:
        statements = database.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
        ).fetchall()
        tables = [
            name for kind, name, _, sql in statements if kind == "table" and "VIRTUAL" not in sql
        ]
        columns = {t: list(database.execute(f"PRAGMA table_xinfo({t})")) for t in tables}
        others = {
            (t, pragma): sorted(
                (row[1:] for row in database.execute(f"PRAGMA {pragma}({t})")), key=str
            )
            for t in tables
            for pragma in ("foreign_key_list", "index_list")
        }
        return {
            "tables": columns | others,
            "statements": sorted((row for row in statements if row[1] not in tables), key=str),
            "search": database.execute("SELECT k, v FROM search_config ORDER BY k").fetchall(),
            "version": database.execute("SELECT version_num FROM alembic_version").fetchall(),
            "journal": database.execute("PRAGMA journal_mode").fetchone(),
        }


def test_a_new_index_is_what_all_the_steps_make(
    tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, stepped = tmp_path / "made.sqlite3", tmp_path / "stepped.sqlite3"
    Index(f"sqlite:///{made}").close()
    with monkeypatch.context() as patch:
        patch.setattr(Index, "_make", Index._migrate)
        Index(f"sqlite:///{stepped}").close()
    assert schema(made) == schema(stepped)
    Index(f"sqlite:///{old}").close()
    assert schema(made) == schema(old)


def test_several_may_make_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    program = "import sys; from archive.index.database import Index; sys.stdin.readline(); Index(sys.argv[1]).close()"
    command_line = [sys.executable, "-c", program, f"sqlite:///{path}"]
    processes = [subprocess.Popen(command_line, stdin=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * 3
    assert schema(path)["version"] == [(SCHEMA,)]


def test_one_made_while_we_look_is_not_taken_for_another_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    monkeypatch.setattr(archive.index.database, "BUSY_TIMEOUT", 50)
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
    assert schema(tmp_path / "new.sqlite3")["version"] == [(SCHEMA,)]


def test_an_old_index_keeps_everything(old: Path) -> None:
    assert contents(old) == {**KEPT, "schema": was(old)}
    Index(f"sqlite:///{old}").close()
    assert contents(old) == NEW
    with closing(sqlite3.connect(old)) as database:
        assert database.execute("SELECT count(*) FROM frontier").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM robots").fetchone() == (0,)


def test_old_revisions_learn_what_they_changed(old: Path) -> None:
    Index(f"sqlite:///{old}").close()
    assert changes(old) == [None, RELABELLED, REWRITTEN, None]


def test_a_step_is_taken_whole_or_not_at_all(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, tables = was(old), schema(old)["tables"]

    def fail(*_: object, **__: object) -> None:
        raise OSError("no more")

    with monkeypatch.context() as patch:
        patch.setattr(deletions, "changed_changes", fail)  # the last thing that is done
        with pytest.raises(OSError, match="no more"):
            Index(f"sqlite:///{old}")
    assert contents(old) == {**KEPT, "schema": before}
    assert schema(old)["tables"] == tables
    Index(f"sqlite:///{old}").close()
    assert contents(old) == NEW


def test_several_may_bring_it_up_at_once(old: Path) -> None:
    program = "import sys; from archive.index.database import Index; sys.stdin.readline(); Index(sys.argv[1]).close()"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, f"sqlite:///{old}"], stdin=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * 3
    assert contents(old) == NEW
    assert changes(old) == [None, RELABELLED, REWRITTEN, None]


def test_a_reader_does_not_bring_it_up(old: Path) -> None:
    before = was(old)
    with pytest.raises(IndexUnusableError, match="older schema: run a verb that writes"):
        Index(f"sqlite:///{old}", read_only=True)
    assert contents(old) == {**KEPT, "schema": before}
