"""Handing articles on: one JSON object a line, or a table for spreadsheets; a file is there whole or not at all.

Captures are handed on by `archive.export.captures`.
"""

from __future__ import annotations

import csv
import json
import os
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from itemadapter import ItemAdapter

from archive.articles.changes import Change
from archive.segments.atomic_files import PART, replace_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archive.articles.queries import StoredArticle

#: What `write_articles` can write, by the file's ending.
ENDINGS = (".jsonl", ".csv")
#: And what `archive.export.captures` can.
CAPTURE_ENDINGS = (".cdxj", ".wacz")
#: A cell that begins so is a formula to a spreadsheet; an apostrophe before it keeps it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportError(Exception):
    """The export can't be written; the message is a sentence with what to do."""


def to_values(stored: StoredArticle) -> dict[str, Any]:
    """One revision as plain values, the export's contract: times ISO 8601 with +09:00, body as one text.

    ``status`` is the article's: ``published`` as far as is known, or ``deleted``, first seen so at
    ``deleted_at``.
    """
    values: dict[str, Any] = ItemAdapter(stored.article).asdict()
    for name in ("aliases", "layout"):
        del values[name]
    for name in ("published_at", "modified_at"):
        values[name] = values[name].isoformat() if values[name] is not None else None
    return values | {
        "body": stored.article.text,
        "captured_at": stored.captured_at.isoformat(),
        "change": stored.change,
        "deleted_at": stored.deleted_at.isoformat() if stored.deleted_at else None,
        "http_status": stored.http_status,
        "identity": "content" if stored.article.identity_is_content else "outlet",
        "layouts": list(stored.layouts),
        "revision": stored.revision,
        "status": "deleted" if stored.deleted_at else "published",
        "warc": asdict(stored.location),
    }


def write_articles(path: Path, articles: Iterable[StoredArticle]) -> int:
    """Write the articles to a .jsonl or .csv file, replacing it only when all are written; give their number.

    :raises ExportError: another ending, or the file can't be written.
    """
    if path.suffix not in ENDINGS:
        raise ExportError(f"{path}: can't tell the format; end the name in {' or '.join(ENDINGS)}")
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        return _write_csv(file, articles) if path.suffix == ".csv" else _write_jsonl(file, articles)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and put that file in the place of ``path`` if nothing was raised.

    :raises ExportError: the file cannot be written.
    """
    try:
        with replace_atomically(path, f".{os.getpid()}{PART}") as part:
            yield part
    except OSError as error:
        raise ExportError(
            f"cannot write {path} ({error.strerror or error}); nothing was changed"
        ) from error


def _write_jsonl(file: TextIO, articles: Iterable[StoredArticle]) -> int:
    count = 0
    for stored in articles:
        file.write(json.dumps(to_values(stored), ensure_ascii=False, sort_keys=True) + "\n")
        count += 1
    return count


def _write_csv(file: TextIO, articles: Iterable[StoredArticle]) -> int:
    file.write("\ufeff")  # else Excel takes UTF-8 for the local code page
    writer: csv.DictWriter[str] | None = None
    count = 0
    for stored in articles:
        row = {name: _cell(value) for name, value in sorted(_flat(to_values(stored)).items())}
        if writer is None:
            writer = csv.DictWriter(file, list(row), lineterminator="\r\n")
            writer.writeheader()
        writer.writerow(row)
        count += 1
    return count


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    change = values.pop("change") or Change().as_values()
    nested = {"warc": values.pop("warc"), "change": change}
    return values | {
        f"{group}_{name}": value for group, facts in nested.items() for name, value in facts.items()
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
