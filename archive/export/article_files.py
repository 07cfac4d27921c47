"""Files of articles, made from the rows of the index: one JSON object a line, a table, Parquet.

The values are those of `archive.export.articles.to_values`. No `Article` is made of a row, and what
the index holds as JSON is taken as it is: each would take as long as all the rest.
"""

from __future__ import annotations

import csv
import json
import re
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from archive.differences.changes import Change
from archive.export.articles import (
    DELETION,
    ENDINGS,
    LOCATION,
    PARQUET,
    ExportError,
    batched,
    deletion_values,
    ending_of,
    replacing,
)
from archive.export.row_values import KEYS, LISTS, PRECISIONS, TEXTS, TIMES, made_values
from archive.index.rows.article_rows import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archive.articles.queries import ExportRow
    from archive.captures.deletions import Deletion

#: Created once: json.dumps() creates an encoder for every value. And what it does with a text.
_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_QUOTE = json.encoder.encode_basestring
#: Spreadsheets take a cell that begins so for a formula, some behind blanks, unless an apostrophe
#: precedes it.
_FORMULA = re.compile(
    r"[\s\x00-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
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


_LINE, _WARC_OBJECT = _object(KEYS) + "\n", _object(_WARC)


class CountedRows:
    """Rows that count themselves: ``number`` is how many were taken so far."""

    def __init__(self, rows: Iterable[ExportRow]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[ExportRow]:
        for row in self._rows:
            self.number += 1
            yield row


def write_articles(path: Path, rows: Iterable[ExportRow]) -> int:
    """Write articles to a file in the format of its ending, replaced only when all are written.

    Return their number.

    :raises ExportError: another ending, what the format needs is not installed, or the file cannot
        be written.
    """
    ending, counted = ending_of(path, ENDINGS), CountedRows(rows)
    check_format(ending)
    with replacing(path) as part, part.open("xb") as file:
        for chunk in chunks_of(ending, counted):
            file.write(chunk)
    return counted.number


def chunks_of(ending: str, rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield the bytes of a file of articles, in the format of one of `ENDINGS`, piece by piece.

    Its memory does not grow with the number of rows. They are those of
    `archive.articles.selected_rows.rows_of`, of which nobody may close the connection meanwhile.

    :raises ExportError: what the format needs is not installed.
    """
    if ending == PARQUET:
        check_format(ending)
        from archive.export.parquet import parquet_chunks

        yield from parquet_chunks(rows)
        return
    for piece in _texts_of(ending, rows):
        yield piece.encode()


def check_format(ending: str) -> None:
    """Raise ExportError if a library that the format needs is not installed."""
    if ending == PARQUET and find_spec("pyarrow") is None:
        raise ExportError(
            f"a {PARQUET} file needs the library pyarrow: pip install 'sacho[parquet]'"
        )


def write_to(file: TextIO, ending: str, rows: Iterable[ExportRow]) -> int:
    """Write articles to an open file in the format of an ending, a text; return their number.

    The file must not translate line ends.
    """
    counted = CountedRows(rows)
    for piece in _texts_of(ending, counted):
        file.write(piece)
    return counted.number


def _texts_of(ending: str, rows: Iterable[ExportRow]) -> Iterator[str]:
    return _table_of(rows) if ending == ".csv" else _lines_of(rows)


def _lines_of(rows: Iterable[ExportRow]) -> Iterator[str]:
    for some in batched(rows):
        yield "".join(_line(row, deletion) for row, deletion in some)


def _line(row: dict[str, Any], deletion: Deletion | None) -> str:
    values = {name: row[name] for name in LISTS}
    for name in TEXTS:
        values[name] = _QUOTE(row[name])
    for name in TIMES:
        moment = row[name]
        values[name] = "null" if moment is None else f'"{iso_time(moment)}"'
    for name in PRECISIONS:
        precision = row[name]
        values[name] = "null" if precision is None else f'"{precision}"'
    for name, value in made_values(row, deletion).items():
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


def _table_of(rows: Iterable[ExportRow]) -> Iterator[str]:
    columns = _columns()
    # The mark before it: without it Excel assumes the local code page. The columns' names come
    # where there are no articles, too.
    yield "\ufeff" + _cells_as_text([columns])
    for some in batched(rows):
        cells = (_cells(row, deletion) for row, deletion in some)
        yield _cells_as_text([one[name] for name in columns] for one in cells)


def _cells_as_text(rows: Iterable[list[Any]]) -> str:
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _columns() -> list[str]:
    """Return the columns of a table of articles, sorted."""
    parts = {"change": _CHANGE, "deletion": DELETION, "warc": LOCATION}
    parted = [f"{name}_{part}" for name, each in parts.items() for part in each]
    return sorted([*(name for name in KEYS if name not in parts), *parted])


def _cells(row: dict[str, Any], deletion: Deletion | None) -> dict[str, Any]:
    cells = {name: "" if row[name] == "[]" else row[name] for name in LISTS}
    for name in TEXTS:
        cells[name] = _without_formula(row[name])
    for name in TIMES:
        moment = row[name]
        cells[name] = "" if moment is None else iso_time(moment)
    for name in PRECISIONS:
        cells[name] = row[name]
    cells |= made_values(row, deletion)
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
