"""The values of an article as export, `show` and items have them, and the file of an export.

The files of articles are written by `archive.export.article_files`, those of captures by
`archive.export.captures`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from archive.model.article import Article, Author, Image, Removed
from archive.model.exchange import Location
from archive.segments.files.atomic_files import PART, replace_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from archive.articles.queries import ExportRow, StoredArticle
    from archive.captures.deletions import Deletion

PARQUET = ".parquet"
#: The endings of files that `archive.export.article_files` can write.
ENDINGS = (".jsonl", ".csv", PARQUET)
#: And those that `archive.export.captures` can write.
CAPTURE_ENDINGS = (".cdxj", ".wacz")
#: The fields of an article that are tuples of records, each with what a record has; and those that
#: are times.
_RECORDS = {
    name: tuple(field.name for field in fields(kind))
    for name, kind in (("authors", Author), ("images", Image), ("removed", Removed))
}
_TIMES = frozenset({"published_at", "modified_at"})
#: The keys of ``deletion``.
DELETION = ("first_seen_gone_at", "confirmed_at", "captures")
#: Those of ``warc``.
LOCATION = tuple(field.name for field in fields(Location))
#: What `to_values` adds to the values of an article.
REVISION = (
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
#: Rows that are turned into bytes at once.
_MANY = 200


class ExportError(Exception):
    """The export cannot be written; the message says why and what to do."""


def to_values(stored: StoredArticle) -> dict[str, Any]:
    """Return a revision as plain values: times in ISO 8601 with +09:00, the body as one text.

    ``status`` is that of the article: ``published`` as far as is known, ``missing``, or
    ``deleted``; ``deletion`` is the evidence. ``deleted_at`` is null until a deletion is confirmed.
    """
    location = stored.location
    return article_values(stored.article) | {
        "captured_at": stored.captured_at.isoformat(),
        "change": stored.change,
        "deleted_at": deleted_at(stored.deletion),
        "deletion": deletion_values(stored.deletion),
        "http_status": stored.http_status,
        "layouts": list(stored.layouts),
        "revision": stored.revision,
        "status": str(stored.status),
        "warc": {name: getattr(location, name) for name in LOCATION},
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


def batched(rows: Iterable[ExportRow]) -> Iterator[list[ExportRow]]:
    """Yield the rows some at a time."""
    remaining = iter(rows)
    while some := list(islice(remaining, _MANY)):
        yield some


def ending_of(path: Path, endings: Sequence[str]) -> str:
    """Return the ending of the name, in lower case; it is one of these and names the format.

    :raises ExportError: it is another one.
    """
    ending = path.suffix.lower()
    if ending not in endings:
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}"
        raise ExportError(f"{path}: unknown format; end the name in {listed}")
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


def deleted_at(deletion: Deletion | None) -> str | None:
    """Return when a deleted article was first seen gone, None if it is not deleted."""
    if deletion is None or deletion.confirmed_at is None:
        return None
    return deletion.first_seen_gone_at.isoformat()


def deletion_values(deletion: Deletion | None) -> dict[str, Any] | None:
    """Return a claim with its evidence as plain values, None without one."""
    if deletion is None:
        return None
    first, confirmed, records = DELETION
    return {
        first: deletion.first_seen_gone_at.isoformat(),
        confirmed: _iso(deletion.confirmed_at),
        records: list(deletion.captures),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
