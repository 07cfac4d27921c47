"""Seeded changes of an archive's rows and bytes, each of which `verify` has to find."""

from __future__ import annotations

import json
import random
import shutil
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, IntegrityError

from tests.support.databases.index_rows import ask
from tests.support.databases.index_rows import change as change_rows
from tests.support.databases.postgres import ON_POSTGRES, copy_folder, url_of

if TYPE_CHECKING:
    from pathlib import Path

#: Columns of the derived tables that a change can hit. Left out are the keys that nothing leads to
#: (another number says nothing else) and where a page was saved (``source``), which only newer
#: records say.
COLUMNS = {
    "captures": (
        "outlet",
        "url",
        "record_type",
        "status",
        "media_type",
        "captured_at",
        "time_known",
        "warc_file",
        "warc_offset",
        "warc_length",
        "record_id",
        "payload_digest",
        "charset_declared",
        "charset_used",
        "charset_damage",
        "outcome",
        "reason",
        "revision_id",
    ),
    "articles": ("id", "outlet", "article_id", "url"),
    "aliases": ("outlet", "alias", "article"),
    "revisions": (
        "id",
        "article",
        "number",
        "current",
        "capture_id",
        "captured_at",
        "content_key",
        "headline",
        "subheadlines",
        "authors",
        "dateline",
        "section",
        "tags",
        "published_at",
        "published_raw",
        "published_precision",
        "modified_at",
        "modified_raw",
        "modified_precision",
        "body",
        "images",
        "language",
        "flags",
        "layouts",
        "removed",
    ),
}
_LISTS = ("subheadlines", "authors", "tags", "images", "flags", "layouts", "removed")
#: How each database names a row, whatever its key is.
_ROW = "ctid" if ON_POSTGRES else "rowid"
_MOMENT = "2019-01-01 00:00:00.000000"


def change(folder: Path, dice: random.Random) -> str:
    """Change one thing in the archive and index of a folder; say what."""
    kind = dice.choices(("value", "row", "bytes", "manifest"), (12, 3, 4, 1))[0]
    if kind == "bytes":
        return _change_bytes(folder / "archive", dice)
    if kind == "manifest":
        return _change_manifest(folder / "archive" / "fixity.jsonl", dice)
    url = url_of(folder / "index.sqlite3")
    done = ""
    while not done:
        table = dice.choices(tuple(COLUMNS), (6, 2, 1, 8))[0]
        row = dice.choice([one["at"] for one in ask(url, f"SELECT {_ROW} AS at FROM {table}")])
        try:
            done = _change_row(url, table, row, dice, is_deleted=kind == "row")
        except (DataError, IntegrityError):  # the index itself will not have it
            continue
    return done


def _change_row(url: str, table: str, row: Any, dice: random.Random, *, is_deleted: bool) -> str:
    where = f"WHERE {_ROW} = :row"
    if is_deleted:
        change_rows(url, f"DELETE FROM {table} {where}", row=row)
        return f"row {row} of {table} deleted"
    column = dice.choice(COLUMNS[table])
    (found,) = ask(url, f'SELECT "{column}" AS old FROM {table} {where}', row=row)
    new = _other(column, found["old"], dice)
    # As text: each database takes it for what the column is of.
    change_rows(url, f'UPDATE {table} SET "{column}" = :new {where}', new=str(new), row=row)
    return f"{table}.{column} of row {row}: {found['old']!r:.60} -> {new!r:.60}"


def _other(column: str, old: Any, dice: random.Random) -> Any:
    if column in ("time_known", "current"):
        return 1 - old
    if column.endswith("_at"):
        return _MOMENT
    if isinstance(old, int):
        return old + dice.choice((1, 990))
    if column in _LISTS:
        value = json.loads(old)
        return json.dumps(value[1:] if value and dice.random() < 0.5 else [*value, "x"])
    if not old:
        return "x"
    return dice.choice((old + "x", "x", old[1:] or "x"))


def _change_bytes(archive: Path, dice: random.Random) -> str:
    path = dice.choice(sorted(archive.glob("*.warc.gz")))
    data = bytearray(path.read_bytes())
    at = dice.randrange(len(data))
    how = dice.choice(("flip", "cut", "drop", "add", "remove", "rename"))
    if how == "remove":
        path.unlink()
    elif how == "rename":
        path.rename(path.with_name("x" + path.name))
    else:
        if how == "flip":
            data[at] ^= 1 << dice.randrange(8)
        elif how == "cut":
            del data[at:]
        elif how == "drop":
            del data[at : at + dice.randint(1, 2000)]
        else:
            data[at:at] = dice.randbytes(dice.randint(1, 99))
        path.write_bytes(data)
    return f"{path.name}: {how} at byte {at}"


def _change_manifest(path: Path, dice: random.Random) -> str:
    data = bytearray(path.read_bytes())
    at = dice.randrange(len(data) - 1)
    data[at] ^= 1 << dice.randrange(7)
    path.write_bytes(data)
    return f"{path.name}: flip at byte {at}"


def changed_copy(folder: Path, to: Path, seed: int) -> str:
    """A copy of an archive and its index with one change; say which."""
    shutil.rmtree(to, ignore_errors=True)
    copy_folder(folder, to)
    return change(to, random.Random(seed))
