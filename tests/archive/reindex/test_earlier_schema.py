"""An index of an earlier version: every verb refuses it, and a reindex takes over what it remembers."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.search.text import tokens
from tests.support.archives.reindex import of_the_seeds, reindexed
from tests.support.documents import MADE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.processes.cli import Workspace

SUPPORT = Path(__file__).parents[2] / "support"
OLD_SCHEMA = SUPPORT / "schema_0005.sql"
FORMER_SCHEMA = SUPPORT / "schema_0008.sql"
AT = "2026-11-22 03:00:00.000000"
#: Tables that schema 0005 had as they are today.
AS_TODAY = (
    "articles",
    "revisions",
    "captures",
    "aliases",
    "removals",
    "refused",
    "robots",
    "leases",
    "outcomes",
    "runs",
)
RUN: dict[str, Any] = {
    "verb": "crawl",
    "started_at": AT,
    "ended_at": AT,
    "counts": '{"etoday":{"new":1}}',
    "outlet": "etoday",
    "job": "etoday",
    "attempt": 1,
    "log": "/var/log/etoday.log",
}
#: Rows under the names and words of schema 0005.
RUNS = [
    RUN | {"id": ending, "ending": ending, "due_at": f"2026-11-2{number} 03:00:00.000000"}
    for number, ending in enumerate(("done", "failed", "timed_out", "stopped", "lost", ""))
]
ALARM = {
    "kind": "drift",
    "subject": "etoday",
    "sentence": "No tags.",
    "began_at": AT,
    "ended_at": AT,
    "said_at": AT,
    "over_said_at": None,
    "about": "tags",
}
FRONTIER = {
    "outlet": "etoday",
    "article_id": "99",
    "url": "https://www.etoday.co.kr/news/view/99",
    "published_at": AT,
    "discovered_at": AT,
    "channels": '["list"]',
    "state": "due",
    "due_at": AT,
    "tries": 2,
    "looks": 1,
    "first_look_at": AT,
    "outcome": "failed",
    "reason": "timeout",
    "etag": '"a"',
    "last_modified": "",
    "lease": "done",
    "leased_until": AT,
    "holder": "gone",
    "found_by": "done",
    "seen_by": "lost",
}
ROBOTS = {"origin": "https://x.example", "fetched_at": AT, "status": 200, "body": b"User-agent: *"}


def insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    """Insert one row."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


pytestmark = pytest.mark.sqlite_only(reason="there is no earlier schema in PostgreSQL")


@contextmanager
def with_earlier_tables(made: Workspace, schema: Path) -> Iterator[sqlite3.Connection]:
    """Replace an index by one of an earlier schema, with the rows of tables that are as today."""
    today = made.index.with_name("today.sqlite3")
    made.index.rename(today)
    with closing(sqlite3.connect(made.index)) as database, database:
        database.executescript(schema.read_text())
        database.execute("ATTACH DATABASE ? AS today", (str(today),))
        for table in AS_TODAY:
            names = [row[1] for row in database.execute(f"PRAGMA main.table_info({table})")]
            columns = ", ".join(names)
            database.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM today.{table}")
        yield database
    today.unlink()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An archive of the seeds, whose index is one of schema 0005 with rows in every table."""
    made = of_the_seeds(tmp_path)
    assert made.call("export", tmp_path / "before.jsonl").code == 0
    with with_earlier_tables(made, OLD_SCHEMA) as database:
        database.execute("UPDATE runs SET ending = 'done'")
        for run in RUNS:
            insert(database, "runs", run)
        insert(database, "alarms", ALARM)
        insert(database, "frontier", FRONTIER)
        insert(database, "robots", ROBOTS)
    return made


def test_every_verb_refuses_it_and_says_what_to_do(workspace: Workspace, tmp_path: Path) -> None:
    before = workspace.index.read_bytes()
    for words in (
        ("search", "푸틴"),
        ("show",),
        ("status",),
        ("export", tmp_path / "x.jsonl"),
        ("replay", *MADE),
        ("remove", "etoday/1", "--reason", "asked", "--yes"),
        ("recover",),
    ):
        said = workspace.call(*words)
        assert said.code == 1, words
        assert "was made by an earlier version of Sacho (schema 0005): run scrapy reindex" in (
            said.err
        ), words
        assert len(said.sentences) == 1, words
    assert workspace.index.read_bytes() == before


def test_a_reindex_gives_the_same_export_and_keeps_what_only_the_index_knows(
    workspace: Workspace, tmp_path: Path
) -> None:
    before = [row["id"] for row in workspace.rows("outcomes")]
    said = reindexed(workspace)
    assert said.code == 0, said.err
    assert "the old index is kept as " in said.out
    assert workspace.call("export", tmp_path / "after.jsonl").code == 0
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()

    runs = {row["id"]: row for row in workspace.rows("runs")}
    assert {name: runs[name]["ending"] for name in ("done", "lost", "failed", "timed_out", "")} == {
        "done": "succeeded",
        "lost": "crashed",
        "failed": "failed",
        "timed_out": "timed_out",
        "": "",
    }
    assert all(runs["done"][name] == value for name, value in RUN.items())
    assert [row["ending"] for row in runs.values() if row["verb"] == "replay"] == ["succeeded"]
    assert [row["id"] for row in workspace.rows("outcomes")] == before
    (alarm,) = workspace.rows("alarms")
    assert (alarm["notified_at"], alarm["resolved_notified_at"], alarm["fields"]) == (
        AT,
        None,
        "tags",
    )
    (known,) = [row for row in workspace.rows("frontier") if row["article_id"] == "99"]
    assert (known["failures"], known["visits"], known["first_visit_at"]) == (2, 1, AT)
    assert (known["discovered_run"], known["last_run"], known["etag"]) == ("done", "lost", '"a"')
    assert json.loads(known["channels"]) == ["list"]
    (robots,) = workspace.rows("robots")
    assert robots["body"] == b"User-agent: *"


def test_a_damaged_index_is_reported_before_anything_is_read(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.index)) as database:
        page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'frontier'")
        start = (page.fetchone()[0] - 1) * 4096
    with workspace.index.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 4096)
    said = workspace.call("reindex")
    assert said.code == 1
    assert "Move it away, and run the same command again" in said.err


def test_of_a_still_older_one_what_it_has_is_taken_over(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.index)) as database, database:
        database.execute("DROP TABLE alarms")
        database.execute("DROP INDEX ux_runs_job_due_at_attempt")
        database.execute("ALTER TABLE runs DROP COLUMN exit_code")
        database.execute("ALTER TABLE runs DROP COLUMN attempt")
        database.execute("DELETE FROM runs WHERE id = ''")
        database.execute("UPDATE runs SET due_at = null")
        database.execute("UPDATE alembic_version SET version_num = '0004'")
    assert reindexed(workspace).code == 0
    assert {row["id"] for row in workspace.rows("runs")} >= {"done", "lost"}
    assert {row["attempt"] for row in workspace.rows("runs")} == {0}
    assert workspace.rows("alarms") == []


@pytest.fixture
def former(tmp_path: Path) -> Workspace:
    """An archive of the seeds, whose index is of the version before, with its full-text index."""
    made = of_the_seeds(tmp_path)
    with with_earlier_tables(made, FORMER_SCHEMA) as database:
        for row in database.execute("SELECT id, headline, body FROM revisions").fetchall():
            texts = (row[0], *map(tokens, row[1:]))
            database.execute("INSERT INTO search(rowid, headline, body) VALUES (?, ?, ?)", texts)
    return made


def test_an_index_of_the_version_before_is_brought_over_by_a_reindex(former: Workspace) -> None:
    runs = {row["id"] for row in former.rows("runs")}
    refused = former.call("search", "도서관")
    assert refused.code == 1
    assert "was made by an earlier version of Sacho (schema 0008): run scrapy reindex" in (
        refused.err
    )
    assert reindexed(former).code == 0
    said = former.call("search", "도서관")
    assert said.code == 0
    assert "3 found" in said.out
    assert {row["id"] for row in former.rows("runs")} >= runs
    assert former.call("verify").code == 0
