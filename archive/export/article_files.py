"""Files of articles, made from the rows of the index: one JSON object a line, or a table.

The values are those of `archive.export.articles.to_values`. No `Article` is made of a row, and what
the index holds as JSON is taken as it is: each would take as long as all the rest.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, TextIO

from archive.articles.changes import Change
from archive.articles.deletions import Status
from archive.export.articles import (
    DELETION,
    ENDINGS,
    LOCATION,
    REVISION,
    article_fields,
    deleted_at,
    deletion_values,
    ending_of,
    replacing,
)
from archive.index.article_rows import iso_time
from archive.model.article import is_of_content

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archive.articles.deletions import Deletion
    from archive.articles.queries import ExportRow

#: Created once: json.dumps() creates an encoder for every value. And what it does with a text.
_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_QUOTE = json.encoder.encode_basestring
#: Spreadsheets take a cell that begins so for a formula, some behind blanks, unless an apostrophe
#: precedes it.
_FORMULA = re.compile(
    r"[\s\x00-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
)
_KEYS = sorted({*article_fields(), *REVISION})
#: The values that the index holds as JSON, as times, and as text that may be null.
_LISTS = ("authors", "flags", "images", "layouts", "removed", "subheadlines", "tags")
_TIMES = ("captured_at", "modified_at", "published_at")
_PRECISIONS = ("modified_precision", "published_precision")
#: The values that are made of others, or have another name in the index.
_MADE = ("deleted_at", "http_status", "identity", "revision", "status")
_PARTED = ("change", "deletion", "warc")
#: All others are text.
_TEXTS = tuple(
    name for name in _KEYS if name not in (*_LISTS, *_TIMES, *_PRECISIONS, *_MADE, *_PARTED)
)
#: Where the index has the values of ``warc``, sorted by their names.
_WARC = {
    name: f"warc_{name}" if name in ("file", "length", "offset") else name
    for name in sorted(LOCATION)
}
_CHANGE = tuple(Change().as_values())
#: The cells of an article that has not changed and is not gone.
_UNCHANGED = {f"change_{name}": "" for name in _CHANGE}
_PUBLISHED = {f"deletion_{name}": "" for name in DELETION}


def _object(names: Iterable[str]) -> str:
    """Return the form of a JSON object with these keys, for values that are JSON."""
    return "{" + ", ".join(f'"{name}": %({name})s' for name in names) + "}"


_LINE, _WARC_OBJECT = _object(_KEYS) + "\n", _object(_WARC)


def write_articles(path: Path, rows: Iterable[ExportRow]) -> int:
    """Write articles to a .jsonl or .csv file, replaced only when all are written.

    Return their number.

    :raises ExportError: another ending, or the file cannot be written.
    """
    ending = ending_of(path, ENDINGS)
    with replacing(path) as part, part.open("x", encoding="utf-8", newline="") as file:
        return write_to(file, ending, rows)


def write_to(file: TextIO, ending: str, rows: Iterable[ExportRow]) -> int:
    """Write articles to an open file in the format of an ending; return their number.

    The file must not translate line ends.
    """
    return (_write_csv if ending == ".csv" else _write_jsonl)(file, rows)


def _write_jsonl(file: TextIO, rows: Iterable[ExportRow]) -> int:
    count = 0
    for row, deletion in rows:
        file.write(_line(row, deletion))
        count += 1
    return count


def _line(row: dict[str, Any], deletion: Deletion | None) -> str:
    values = {name: row[name] for name in _LISTS}
    for name in _TEXTS:
        values[name] = _QUOTE(row[name])
    for name in _TIMES:
        moment = row[name]
        values[name] = "null" if moment is None else f'"{iso_time(moment)}"'
    for name in _PRECISIONS:
        precision = row[name]
        values[name] = "null" if precision is None else f'"{precision}"'
    for name, value in _made(row, deletion).items():
        values[name] = _scalar(value)
    values["change"] = row["change"] or "null"
    values["deletion"] = "null" if deletion is None else _ENCODE(deletion_values(deletion))
    values["warc"] = _WARC_OBJECT % {
        "file": _QUOTE(row["warc_file"]),
        "length": row["warc_length"],
        "offset": row["warc_offset"],
        "payload_digest": _QUOTE(row["payload_digest"]),
        "record_id": _QUOTE(row["record_id"]),
    }
    return _LINE % values


def _scalar(value: str | int | None) -> str:
    if value is None:
        return "null"
    return _QUOTE(value) if isinstance(value, str) else str(value)


def _made(row: dict[str, Any], deletion: Deletion | None) -> dict[str, Any]:
    """Return the values that the index holds under no name of theirs."""
    return {
        "deleted_at": deleted_at(deletion),
        "http_status": row["status"],
        "identity": "content" if is_of_content(row["article_id"]) else "outlet",
        "revision": row["number"],
        "status": str(Status.PUBLISHED if deletion is None else deletion.status),
    }


def _write_csv(file: TextIO, rows: Iterable[ExportRow]) -> int:
    file.write("\ufeff")  # without it Excel assumes the local code page
    writer = csv.writer(file, lineterminator="\r\n")
    columns = _columns()
    writer.writerow(columns)  # where there are no articles, too
    count = 0
    for row, deletion in rows:
        cells = _cells(row, deletion)
        writer.writerow([cells[name] for name in columns])
        count += 1
    return count


def _columns() -> list[str]:
    """Return the columns of a table of articles, sorted."""
    parts = {"change": _CHANGE, "deletion": DELETION, "warc": LOCATION}
    parted = [f"{name}_{part}" for name, each in parts.items() for part in each]
    return sorted([*(name for name in _KEYS if name not in parts), *parted])


def _cells(row: dict[str, Any], deletion: Deletion | None) -> dict[str, Any]:
    cells = {name: "" if row[name] == "[]" else row[name] for name in _LISTS}
    for name in _TEXTS:
        cells[name] = _without_formula(row[name])
    for name in _TIMES:
        moment = row[name]
        cells[name] = "" if moment is None else iso_time(moment)
    for name in _PRECISIONS:
        cells[name] = row[name]
    cells |= _made(row, deletion)
    cells |= _changed(json.loads(row["change"])) if row["change"] else _UNCHANGED
    cells |= _gone(deletion) if deletion is not None else _PUBLISHED
    for name, column in _WARC.items():
        cells[f"warc_{name}"] = row[column]
    return cells


def _changed(change: dict[str, Any]) -> dict[str, str]:
    return {f"change_{name}": csv_cell(change[name]) for name in _CHANGE}


def _gone(deletion: Deletion) -> dict[str, str]:
    claim = deletion_values(deletion) or {}
    return {f"deletion_{name}": csv_cell(claim[name]) for name in DELETION}


def csv_cell(value: Any) -> str:
    """Return the cell of a value: lists and objects as JSON, and nothing that is a formula."""
    if value is None or value in ([], (), {}):
        return ""
    if isinstance(value, (list, tuple, dict)):
        return _ENCODE(value)
    return _without_formula(value) if isinstance(value, str) else str(value)


def _without_formula(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
