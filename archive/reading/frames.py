"""Data frames of articles, by pandas or polars: the columns of an export, with types of their own.

Text is of the libraries' own type of text, times are of Asia/Seoul, whole numbers may lack. A list
is a list; of authors, images and removed text it holds a record each: a dictionary in pandas, a
struct in polars.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from archive.model.article import is_of_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    import pandas as pd
    import polars as pl

    from archive.reading.articles import ArchivedArticle

_ZONE = "Asia/Seoul"
_SEOUL = ZoneInfo(_ZONE)


class _Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    TIME = auto()
    NUMBER = auto()
    TEXTS = auto()
    AUTHORS = auto()
    IMAGES = auto()
    REMOVED = auto()


#: The fields of the records in a list, all text.
_FIELDS = {
    _Kind.AUTHORS: ("name", "role", "email"),
    _Kind.IMAGES: ("url", "caption", "credit"),
    _Kind.REMOVED: ("rule", "text"),
}


class _Column(NamedTuple):
    """A column: what it holds, and its value of an article; None where that has none."""

    kind: _Kind
    value: Callable[[ArchivedArticle], Any]


def _body_change(name: str) -> _Column:
    """Return the column of a figure of how much of the body changed."""

    def value(article: ArchivedArticle) -> int | None:
        if article.change is None or article.change.body is None:
            return None
        figure: int = getattr(article.change.body, name)
        return figure

    return _Column(_Kind.NUMBER, value)


def _deletion(kind: _Kind, name: str) -> _Column:
    """Return the column of a field of the claim that an article is gone."""

    def value(article: ArchivedArticle) -> Any:
        return None if article.deletion is None else getattr(article.deletion, name)

    return _Column(kind, value)


def _warc(kind: _Kind, name: str) -> _Column:
    return _Column(kind, lambda article: getattr(article.warc, name))


def _field(kind: _Kind, name: str) -> _Column:
    return _Column(kind, lambda article: getattr(article, name))


def _classes(article: ArchivedArticle) -> Sequence[str]:
    return () if article.change is None else article.change.classes


def _identity(article: ArchivedArticle) -> str:
    return "content" if is_of_content(article.article_id) else "outlet"


def _deleted_at(article: ArchivedArticle) -> datetime | None:
    claim = article.deletion
    is_deleted = claim is not None and claim.confirmed_at is not None
    return claim.first_seen_gone_at if claim is not None and is_deleted else None


#: All columns, in the order of a frame.
COLUMNS: dict[str, _Column] = {
    "outlet": _field(_Kind.TEXT, "outlet"),
    "article_id": _field(_Kind.TEXT, "article_id"),
    "revision": _field(_Kind.NUMBER, "revision"),
    "published_at": _field(_Kind.TIME, "published_at"),
    "headline": _field(_Kind.TEXT, "headline"),
    "subheadlines": _field(_Kind.TEXTS, "subheadlines"),
    "body": _field(_Kind.TEXT, "body"),
    "authors": _field(_Kind.AUTHORS, "authors"),
    "dateline": _field(_Kind.TEXT, "dateline"),
    "section": _field(_Kind.TEXT, "section"),
    "tags": _field(_Kind.TEXTS, "tags"),
    "images": _field(_Kind.IMAGES, "images"),
    "language": _field(_Kind.TEXT, "language"),
    "url": _field(_Kind.TEXT, "url"),
    "published_precision": _field(_Kind.TEXT, "published_precision"),
    "published_raw": _field(_Kind.TEXT, "published_raw"),
    "modified_at": _field(_Kind.TIME, "modified_at"),
    "modified_precision": _field(_Kind.TEXT, "modified_precision"),
    "modified_raw": _field(_Kind.TEXT, "modified_raw"),
    "status": _field(_Kind.TEXT, "status"),
    "deleted_at": _Column(_Kind.TIME, _deleted_at),
    "deletion_first_seen_gone_at": _deletion(_Kind.TIME, "first_seen_gone_at"),
    "deletion_confirmed_at": _deletion(_Kind.TIME, "confirmed_at"),
    "deletion_captures": _deletion(_Kind.TEXTS, "captures"),
    "change_classes": _Column(_Kind.TEXTS, _classes),
    "change_words_added": _body_change("words_added"),
    "change_words_removed": _body_change("words_removed"),
    "change_chars_added": _body_change("chars_added"),
    "change_chars_removed": _body_change("chars_removed"),
    "captured_at": _field(_Kind.TIME, "captured_at"),
    "http_status": _field(_Kind.NUMBER, "http_status"),
    "identity": _Column(_Kind.TEXT, _identity),
    "quality": _field(_Kind.TEXT, "quality"),
    "layouts": _field(_Kind.TEXTS, "layouts"),
    "flags": _field(_Kind.TEXTS, "flags"),
    "removed": _field(_Kind.REMOVED, "removed"),
    "warc_file": _warc(_Kind.TEXT, "file"),
    "warc_offset": _warc(_Kind.NUMBER, "offset"),
    "warc_length": _warc(_Kind.NUMBER, "length"),
    "warc_record_id": _warc(_Kind.TEXT, "record_id"),
    "warc_payload_digest": _warc(_Kind.TEXT, "payload_digest"),
}


def frame_of(
    articles: Iterable[ArchivedArticle],
    columns: Sequence[str] | None,
    library: Literal["pandas", "polars"],
) -> pd.DataFrame | pl.DataFrame:
    """Return a frame of the articles with these columns, or all.

    :raises ImportError: the library is not installed.
    :raises ValueError: there is no such column or library.
    """
    makers: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
        "pandas": _to_pandas,
        "polars": _to_polars,
    }
    if library not in makers:
        raise ValueError(f"there are frames of pandas and polars, none of {library!r}")
    names = list(COLUMNS) if columns is None else list(columns)
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise ValueError(f"there is no column {unknown[0]!r}; there are {', '.join(COLUMNS)}")
    _import(library)  # before a million articles are read
    values: dict[str, list[Any]] = {name: [] for name in names}
    filled = [
        (values[name].append, _PLAIN[COLUMNS[name].kind], COLUMNS[name].value) for name in values
    ]
    for article in articles:
        for append, plain, value in filled:
            append(plain(value(article)))
    made: pd.DataFrame | pl.DataFrame = makers[library](values)
    return made


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(_SEOUL)


def _number(value: int | None) -> int | None:
    return value


def _texts(value: Sequence[Any] | None) -> list[str]:
    return [str(text) for text in value] if value else []


def _records(fields: Sequence[str]) -> Callable[[Sequence[Any]], list[dict[str, str]]]:
    """Return a function that makes records of values with these fields.

    Not `dataclasses.asdict`, which copies every value.
    """

    def records(values: Sequence[Any]) -> list[dict[str, str]]:
        return [{name: getattr(value, name) for name in fields} for value in values]

    return records


#: How the value of an article becomes what the libraries take, an empty list where there is none.
_PLAIN: dict[_Kind, Callable[[Any], Any]] = {
    _Kind.TEXT: _text,
    _Kind.TIME: _time,
    _Kind.NUMBER: _number,
    _Kind.TEXTS: _texts,
    **{kind: _records(fields) for kind, fields in _FIELDS.items()},
}


def _to_pandas(values: dict[str, list[Any]]) -> pd.DataFrame:
    import pandas as pd

    types: dict[_Kind, Any] = {
        _Kind.TEXT: "string",
        _Kind.TIME: f"datetime64[us, {_ZONE}]",
        _Kind.NUMBER: "Int64",
    }
    series = {
        name: pd.Series(column, dtype=types.get(COLUMNS[name].kind, "object"))
        for name, column in values.items()
    }
    return pd.DataFrame(series)


def _to_polars(values: dict[str, list[Any]]) -> pl.DataFrame:
    import polars as pl

    types: dict[_Kind, Any] = {
        _Kind.TEXT: pl.String(),
        _Kind.TIME: pl.Datetime("us", _ZONE),
        _Kind.NUMBER: pl.Int64(),
        _Kind.TEXTS: pl.List(pl.String()),
    }
    for kind, fields in _FIELDS.items():
        types[kind] = pl.List(pl.Struct(dict.fromkeys(fields, pl.String())))
    schema = {name: types[COLUMNS[name].kind] for name in values}
    # As rows: of a column polars makes the lists one by one, which takes longer.
    return pl.DataFrame(list(zip(*values.values(), strict=True)), schema=schema, orient="row")


def _import(library: str) -> None:
    """Import the library.

    :raises ImportError: it is not installed; the message says how to install it.
    """
    try:
        __import__(library)
    except ModuleNotFoundError as error:
        if error.name != library:  # it is installed, but broken
            raise
        raise ImportError(
            f"a frame of {library} needs {library}, which is not installed: "
            f"pip install 'sacho[{library}]'",
            name=library,
        ) from error
