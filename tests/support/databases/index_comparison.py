"""Two indexes held against each other: every table and column, by what names a row rather than by its number.

Left out are the surrogate numbers (``id`` and what refers to one), which say in which order rows
came; where they refer to something, what they refer to is compared by its own name.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archive.index.copy import copy_index
from archive.index.database import Index, file_url
from archive.index.schema import metadata
from tests.support.databases.postgres import ON_POSTGRES, url_of

Rows = list[str]


def tables_of(index: Path) -> dict[str, Rows]:
    """Every table of an index, the search index too, as sorted rows in which no surrogate number is left.

    Of one in PostgreSQL, a copy in a file is asked.
    """
    if index.exists() or not ON_POSTGRES:
        return _tables_of_file(index)
    with TemporaryDirectory() as folder:
        return _tables_of_file(in_file(index, Path(folder) / "copy.sqlite3"))


def in_file(index: Path, copy: Path) -> Path:
    """Copy an index, whichever database it is in, to a file; return the file."""
    with Index(url_of(index), read_only=True) as source, Index(file_url(copy)) as target:
        copy_index(source, target)
    return copy


def _tables_of_file(index: Path) -> dict[str, Rows]:
    with closing(sqlite3.connect(index)) as connection:
        connection.row_factory = sqlite3.Row
        names = {
            row["name"]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        ours = {name for name in names if not name.startswith(("search", "alembic_"))}
        assert ours == set(metadata.tables), "a table that is in no code, or the reverse"
        rows = {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
            for name in ours
        }
        connection.execute(
            "CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, instance)"
        )
        connection.execute(
            "CREATE VIRTUAL TABLE temp.signs USING fts5vocab(main, search_characters, instance)"
        )
        words: Counter[int] = Counter()
        for doc, *word in connection.execute(
            "SELECT doc, col, offset, term FROM words"
            " UNION ALL SELECT doc, 'characters', 0, term FROM signs"
        ):
            # one figure a document: there are millions of words, in no order
            words[doc] += hash(tuple(word))
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for name in ("search", "search_characters"):
            connection.execute(f"INSERT INTO {name}({name}) VALUES ('integrity-check')")
    article = {row["id"]: f"{row['outlet']}/{row['article_id']}" for row in rows["articles"]}
    revision = {
        row["id"]: f"{article[row['article']]}#{row['number']}" for row in rows["revisions"]
    }
    # A number, too: of the articles of one minute it says in which order they came.
    place = {row.pop("search_position"): revision[row["id"]] for row in rows["revisions"]}
    for row in rows["revisions"]:
        del row["search_spill"]
    capture = {row["id"]: row["record_id"] for row in rows["captures"]} | {None: None}
    named: dict[str, dict[str, dict[Any, Any]]] = {
        "captures": {"revision_id": revision | {None: None}},
        "aliases": {"article": article},
        "revisions": {"article": article, "capture_id": capture},
        "outcomes": {"capture_id": capture},
    }
    told = {name: sorted(map(_line, _named(rows[name], named.get(name, {})))) for name in ours}
    told["search"] = sorted(
        _line({"revision": place[doc], "words": figure}) for doc, figure in words.items()
    )
    return told


def _named(rows: list[dict[str, Any]], names: dict[str, dict[Any, Any]]) -> list[dict[str, Any]]:
    keep = (
        [column for column in rows[0] if column != "id" or isinstance(rows[0]["id"], str)]
        if rows
        else []
    )
    return [{c: names[c][row[c]] if c in names else row[c] for c in keep} for row in rows]


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=repr, sort_keys=True)


def difference(before: dict[str, Rows], after: dict[str, Rows], *tables: str) -> list[str]:
    """What is in one of two only, ``-`` before and ``+`` after; of all tables, if none are named."""
    assert before.keys() == after.keys()
    found: list[str] = []
    for name in tables or sorted(before):
        mine, theirs = before[name], after[name]
        found += [f"- {name} {row[:1500]}" for row in sorted(set(mine) - set(theirs))]
        found += [f"+ {name} {row[:1500]}" for row in sorted(set(theirs) - set(mine))]
        if not found:
            assert mine == theirs, name
    return found
