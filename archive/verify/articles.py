"""Compare articles in the index with what is read from their captures again."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.captures.rows import location_of
from archive.differences.comparison import CONTENT_FIELDS, compare
from archive.index.rows.article_rows import to_article
from archive.index.schema import aliases, articles, captures, revisions
from archive.model.article import Author, Image, Quality
from archive.model.outcome import Outcome, Reason
from archive.segments.lookup import RecordError, RecordReader
from archive.verify.warc_file.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Row

    from archive.model.article import Article
    from archive.segments.store import StoreOrFolder
    from archive.warc.record_parser import Record


@dataclass(frozen=True, slots=True)
class ArticleReading:
    """What a record shows: an article, or none.

    ``decoded`` says how its text was decoded (charset declared, charset used, damage).
    """

    article: Article | None
    decoded: tuple[str, str, int]


if TYPE_CHECKING:
    #: Reads a record as one of an outlet; None where there is no such outlet.
    Reader = Callable[[Record, str], ArticleReading | None]

#: Fields that `compare` ignores: each must be that of one of the captures.
_ASIDE = (
    "published_raw",
    "published_precision",
    "modified_raw",
    "modified_precision",
    "removed",
    "flags",
    "language",
)
_NOT_MODIFIED = 304


@dataclass(slots=True)
class _IndexedArticle:
    """An article's rows, and what its captures say."""

    row: Row[Any]
    revisions: dict[int, tuple[Article, list[str]]]
    aliases: set[str]
    readings: list[Article] = field(default_factory=list)
    whole: bool = True  # whether every capture could be read again


class ArticleCheck:
    """Reads captures again with ``reader``, and compares."""

    def __init__(self, connection: Connection, archive: StoreOrFolder, reader: Reader) -> None:
        self._connection = connection
        self._records = RecordReader(archive)
        self._reader = reader

    def run(self) -> Iterator[Finding]:
        """Yield findings on captures with an article, on articles, and on captures without one."""
        with self._records:
            yield from self._with_article()
            yield from self._without_article()

    def _with_article(self) -> Iterator[Finding]:
        query = select(captures, revisions.c.article).join(
            revisions, captures.c.revision_id == revisions.c.id
        )
        query = query.order_by(revisions.c.article, captures.c.captured_at, captures.c.id)
        with self._connection.execute(query.execution_options(yield_per=500)) as rows:
            for key, group in groupby(rows, attrgetter("article")):
                indexed = self._indexed_article(key)
                if indexed is not None:
                    for row in group:
                        yield from self._capture(row, indexed)
                    if indexed.whole:
                        yield from _compare(indexed)

    def _without_article(self) -> Iterator[Finding]:
        unparsed = select(captures).where(
            captures.c.outcome == Outcome.UNPARSED,
            captures.c.reason != Reason.TOO_COSTLY,
            captures.c.revision_id.is_(None),
        )
        with self._connection.execute(unparsed.execution_options(yield_per=500)) as rows:
            for row in rows:
                reading = self._read(row)
                if reading is not None and _is_missing(reading.article):
                    sentence = "An article can be read from it, but the index has none."
                    yield _found("captures", row.id, sentence)
                elif reading is not None:
                    yield from _decoded(row, reading)

    def _indexed_article(self, key: int) -> _IndexedArticle | None:
        row = self._connection.execute(select(articles).where(articles.c.id == key)).one_or_none()
        if row is None:
            return None  # reported by the check of the rows
        named = {"outlet": row.outlet, "article_id": row.article_id, "url": row.url}
        found: dict[int, tuple[Article, list[str]]] = {}
        for one in self._connection.execute(
            select(revisions).where(revisions.c.article == key)
        ).mappings():
            try:
                found[one["id"]] = to_article(dict(one) | named), list(one["layouts"])
            except (ValueError, TypeError, KeyError):
                return None  # likewise
        known = self._connection.scalars(select(aliases.c.alias).where(aliases.c.article == key))
        return _IndexedArticle(row, found, set(known))

    def _read(self, row: Row[Any]) -> ArticleReading | None:
        """Return the capture read again; None without a whole record of a page."""
        if _is_bare(row):
            return None
        try:
            found = self._records.read_at(location_of(row))
        except RecordError:
            return None
        return self._reader(found, row.outlet) if found.exchange is not None else None

    def _capture(self, row: Row[Any], indexed: _IndexedArticle) -> Iterator[Finding]:
        reading = self._read(row)
        if reading is None:
            indexed.whole = indexed.whole and _is_bare(row)
            return
        yield from _decoded(row, reading)
        if reading.article is None:
            indexed.whole = False
            yield _found(
                "captures", row.id, "No article can be read from it, but the index has one."
            )
            return
        indexed.readings.append(reading.article)
        known, layouts = indexed.revisions[row.revision_id]
        seen = replace(reading.article, article_id=known.article_id, url=known.url)
        comparison = compare(known, layouts, seen)
        if comparison.changed:
            wrong = ", ".join(comparison.changed)
            yield _found(
                "captures",
                row.id,
                f"Read again, it differs from its revision {row.revision_id}: {wrong}.",
            )
        elif comparison.merged != known or seen.layout not in layouts:
            yield _found(
                "captures", row.id, f"Its revision {row.revision_id} lacks what is read from it."
            )


def _is_missing(article: Article | None) -> bool:
    """Return whether an article that was read of an unparsed capture should be in the index.

    A generic reading need not be: a layout may have read the article from another capture, or the
    tool may not have been installed when the index was made.
    """
    return article is not None and article.quality is Quality.LAYOUT


def _compare(indexed: _IndexedArticle) -> Iterator[Finding]:
    """Yield what is wrong with an article all of whose captures could be read again."""
    yield from _compare_names(indexed)
    if not indexed.readings:
        return
    layouts = {one.layout for one in indexed.readings}
    for key, (article, known) in indexed.revisions.items():
        yield from _compare_revision(key, article, indexed.readings)
        if not layouts.issuperset(known):
            yield _found("revisions", key, "None of the article's captures has one of its layouts.")


def _compare_names(indexed: _IndexedArticle) -> Iterator[Finding]:
    """Compare an article's id, address and aliases with those of its captures."""
    read, row = indexed.readings, indexed.row
    ids = {one.article_id for one in read}
    named = {alias for one in read for alias in one.aliases}
    if read:
        yield from _compare_address(row, read)
    for alias in sorted(indexed.aliases - named - ids):
        yield _found("aliases", f"{row.outlet}/{alias}", "None of the article's captures has it.")
    if read and not named | ids <= indexed.aliases | {row.article_id}:
        yield _found("articles", row.id, "It lacks an alias that one of its captures has.")


def _compare_address(row: Row[Any], read: list[Article]) -> Iterator[Finding]:
    same = [one for one in read if one.article_id == row.article_id]
    if not same:
        yield _found("articles", row.id, "None of its captures has its article_id.")
    elif row.url not in {one.url for one in same}:
        yield _found("articles", row.id, "None of its captures has its url.")


def _compare_revision(key: int, article: Article, read: list[Article]) -> Iterator[Finding]:
    """Compare a revision's fields with all readings of the article."""
    invented = [name for name in CONTENT_FIELDS if not _is_read(article, read, name)]
    if invented:
        sentence = f"No capture of the article has: {', '.join(invented)}."
        yield _found("revisions", key, sentence)
    wrong = [name for name in _ASIDE if getattr(article, name) not in _values(read, name)]
    if wrong:
        sentence = f"No capture of the article gives: {', '.join(wrong)}."
        yield _found("revisions", key, sentence)


def _is_read(article: Article, read: list[Article], name: str) -> bool:
    """Return whether every plain value in a field is in that field of some reading."""
    facts: set[object] = set()
    for one in read:
        facts.update(_leaves(getattr(one, name)))
    return facts.issuperset(_leaves(getattr(article, name)))


def _values(read: list[Article], name: str) -> list[object]:
    return [getattr(one, name) for one in read]


def _leaves(value: object) -> Iterator[object]:
    """Yield the plain values in a field's value that are not empty."""
    if isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, Author | Image):
        yield from filter(None, astuple(value))
    elif value:
        yield value


def _is_bare(row: Row[Any]) -> bool:
    """Return whether the capture only says that its page has not changed."""
    return bool(row.record_type == "revisit" or row.status == _NOT_MODIFIED)


def _decoded(row: Row[Any], reading: ArticleReading) -> Iterator[Finding]:
    stated = (row.charset_declared, row.charset_used, row.charset_damage)
    if stated != reading.decoded:
        yield _found("captures", row.id, "Its charset or damage is not that of its row.")


def _found(table: str, key: object, sentence: str) -> Finding:
    return Finding(table, -1, str(key), Rule.READING, sentence)
