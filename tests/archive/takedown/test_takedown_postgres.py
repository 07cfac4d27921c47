"""A take-down whose index is in PostgreSQL: nothing of the text stays in the server's tables."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.support.databases.postgres import new_database
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace


def test_nothing_of_a_removed_article_stays_in_the_files_of_the_tables(tmp_path: Path) -> None:
    url = new_database()
    at = Workspace(tmp_path, {"INDEX_URL": url})
    assert at.run("replay", SEEDS / "newspim").code == 0
    articles = [json.loads(line) for line in at.run("export", "-").out.splitlines()]
    headlines = [one["headline"] for one in articles]
    going = next(one for one in articles if headlines.count(one["headline"]) == 1)
    staying = next(one for one in articles if one["headline"] != going["headline"])
    texts = [one["headline"].encode() for one in (going, staying)]
    assert [text in files_of(url) for text in texts] == [True, True]

    name = f"{going['outlet']}/{going['article_id']}"
    removed = at.run("remove", name, "--reason", "asked to", "--yes")
    assert removed.code == 0, removed.err
    assert [text in files_of(url) for text in texts] == [False, True]
    assert not list(tmp_path.rglob("*.sqlite3*"))

    left = [json.loads(line)["article_id"] for line in at.run("export", "-").out.splitlines()]
    assert left == [one["article_id"] for one in articles if one is not going]
    assert at.run("show", name).code == 1
    assert at.run("verify").code == 0
    again = at.run("replay", SEEDS / "newspim")
    assert again.code == 0, again.err
    assert at.run("show", name).code == 1


def files_of(url: str) -> bytes:
    """All that lies in the files of the database's tables and indexes."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("ANALYZE")
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    folder = Path(row[0], "base", str(row[1]))
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
