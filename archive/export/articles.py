"""Export of articles: one JSON object a line, or a table for spreadsheets.

Captures are exported by `archive.export.captures`.
"""

from __future__ import annotations

import csv
import json
import os
import re
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TextIO

from archive.articles.changes import Change
from archive.model.article import Article, Author, Image, Removed
from archive.model.exchange import Location
from archive.segments.atomic_files import PART, replace_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from archive.articles.deletions import Deletion
    from archive.articles.queries import StoredArticle
#: The endings of files that `write_articles` can write.
ENDINGS = (".jsonl", ".csv")
#: And those that `archive.export.captures` can write.
CAPTURE_ENDINGS = (".cdxj", ".wacz")
#: Spreadsheets take a cell that begins so for a formula, some behind blanks, unless an apostrophe
#: precedes it.
_FORMULA = re.compile(
    r"[\s\x00-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
)
#: The fields of an article that are tuples of records, each with what a record has; and those that
#: are times.
_RECORDS = {
    name: tuple(field.name for field in fields(kind))
    for name, kind in (("authors", Author), ("images", Image), ("removed", Removed))
}
_TIMES = frozenset({"published_at", "modified_at"})
#: The keys of ``deletion``.
_DELETION = ("first_seen_gone_at", "confirmed_at", "captures")
#: Those of ``warc``.
_LOCATION = tuple(field.name for field in fields(Location))
#: What `to_values` adds to the values of an article.
_REVISION = (
    "captured_at",
    "change",
    "deleted_at",
    "deletion",
    "http_status",
    "layouts",
    "revision",
    "status",
    "warc",
)
#: The fields of an article that are not exported, and what is exported beside the others.
_NOT_EXPORTED = frozenset({"aliases", "layout"})
_ADDED = ("identity", "quality")
_EXPORTED = tuple(field.name for field in fields(Article) if field.name not in _NOT_EXPORTED)


class ExportError(Exception):
    """The export cannot be written; the message says why and what to do."""


def to_values(stored: StoredArticle) -> dict[str, Any]:
    """Return a revision as plain values: times in ISO 8601 with +09:00, the body as one text.

    ``status`` is that of the article: ``published`` as far as is known, ``missing``, or
    ``deleted``; ``deletion`` is the evidence. ``deleted_at`` is null until a deletion is confirmed.
    """
    return article_values(stored.article) | {
        "captured_at": stored.captured_at.isoformat(),
        "change": stored.change,
        "deleted_at": _deleted_at(stored.deletion),
        "deletion": _deletion(stored.deletion),
        "http_status": stored.http_status,
        "layouts": list(stored.layouts),
        "revision": stored.revision,
        "status": str(stored.status),
        "warc": asdict(stored.location),
    }


def article_fields() -> tuple[str, ...]:
    """Return the names of the values that an article itself has, sorted."""
    return tuple(sorted((*_EXPORTED, *_ADDED)))


def article_values(article: Article) -> dict[str, Any]:
    """Return the values that the article itself has, as `to_values` gives them."""
    values = {name: _plain(name, getattr(article, name)) for name in _EXPORTED}
    identity = "content" if article.identity_is_content else "outlet"
    own = {"body": article.text, "identity": identity, "quality": article.quality.value}
    return values | own


def _plain(name: str, value: Any) -> Any:
    """Return the value of an article's field as JSON has it.

    Written for these fields: each article of a crawl is an item, and `ItemAdapter`, which finds out
    anew of each record what it is, takes several times as long.
    """
    if name in _RECORDS:
        return tuple({key: getattr(each, key) for key in _RECORDS[name]} for each in value)
    if name in _TIMES:
        return _iso(value)
    return value


def write_articles(path: Path, articles: Iterable[StoredArticle]) -> int:
    """Write articles to a .jsonl or .csv file, replaced only when all are written.

    Return their number.

    :raises ExportError: another ending, or the file cannot be written.
    """
    ending = ending_of(path, ENDINGS)
    with replacing(path) as part, part.open("x", encoding="utf-8", newline="") as file:
        return write_to(file, ending, articles)


def write_to(file: TextIO, ending: str, articles: Iterable[StoredArticle]) -> int:
    """Write articles to an open file in the format of an ending; return their number.

    The file must not translate line ends.
    """
    return (_write_csv if ending == ".csv" else _write_jsonl)(file, articles)


def ending_of(path: Path, endings: Sequence[str]) -> str:
    """Return the ending of the name, in lower case; it is one of these and names the format.

    :raises ExportError: it is another one.
    """
    ending = path.suffix.lower()
    if ending not in endings:
        raise ExportError(f"{path}: unknown format; end the name in {' or '.join(endings)}")
    return ending


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
    file.write("\ufeff")  # without it Excel assumes the local code page
    writer = csv.DictWriter(file, _columns(), lineterminator="\r\n")
    writer.writeheader()  # where there are no articles, too
    count = 0
    for stored in articles:
        row = _flat(to_values(stored))
        writer.writerow({name: csv_cell(value) for name, value in row.items()})
        count += 1
    return count


def _columns() -> list[str]:
    """Return the columns of a table of articles, sorted."""
    own = {*article_fields(), *_REVISION} - {"change", "deletion", "warc"}
    parts = {"change": Change().as_values(), "deletion": _DELETION, "warc": _LOCATION}
    return sorted(own | {f"{name}_{part}" for name, each in parts.items() for part in each})


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    change = values.pop("change") or Change().as_values()
    deletion = values.pop("deletion") or dict.fromkeys(_DELETION)
    warc = values.pop("warc")
    values |= {f"deletion_{name}": value for name, value in deletion.items()}
    flat = values | {f"change_{name}": value for name, value in change.items()}
    return flat | {f"warc_{name}": value for name, value in warc.items()}


def csv_cell(value: Any) -> str:
    """Return the cell of a value: lists and objects as JSON, and nothing that is a formula."""
    if value is None or value in ([], (), {}):
        return ""
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return str(value)


def _deleted_at(deletion: Deletion | None) -> str | None:
    """Return when a deleted article was first seen gone."""
    if deletion is None or deletion.confirmed_at is None:
        return None
    return deletion.first_seen_gone_at.isoformat()


def _deletion(deletion: Deletion | None) -> dict[str, Any] | None:
    if deletion is None:
        return None
    first, confirmed, records = _DELETION
    return {
        first: deletion.first_seen_gone_at.isoformat(),
        confirmed: _iso(deletion.confirmed_at),
        records: list(deletion.captures),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
