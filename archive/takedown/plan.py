"""What a take-down of an article takes: its captures, names and rows, found and not yet touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, func, select, text

from archive.frontier.revisit_policy import State
from archive.index.schema import aliases, articles, captures, frontier, refused, removals, revisions
from archive.takedown.log import RemovedRecord
from archive.warc.record_writer import format_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    #: Gives the id of the article that an outlet has at an address, if any.
    ArticleOf = Callable[[str, str], str | None]

_COLUMNS = (
    captures.c.id,
    captures.c.url,
    captures.c.record_id,
    captures.c.record_type,
    captures.c.captured_at,
    captures.c.payload_digest,
    captures.c.warc_file,
    captures.c.warc_offset,
    captures.c.warc_length,
    captures.c.revision_id,
)
#: Values looked up at once.
_MANY = 500
#: Pictures of the article that no other article shows; a statement of SQLite's own, which can look
#: into JSON.
_OF_OTHERS = text("""
    SELECT DISTINCT json_extract(image.value, '$.url') FROM revisions, json_each(revisions.images) AS image
    WHERE revisions.article <> :article AND json_extract(image.value, '$.url') IN (
        SELECT json_extract(own.value, '$.url') FROM revisions AS r, json_each(r.images) AS own
        WHERE r.article = :article)""").bindparams(bindparam("article", type_=Integer))


@dataclass(frozen=True, slots=True)
class TakedownPlan:
    """What goes with one article.

    ``row`` is its id in ``articles``, None where none was ever read. ``captures`` are row ids. Of
    these, ``pictures`` are of pictures that it alone shows, and ``lists`` of feeds and lists that
    quote it. ``others`` are articles that show the same bytes: while they stay, its text stays.
    ``in_hand`` is whether a crawl is visiting it, ``known`` whether it was removed before.
    """

    outlet: str
    article_id: str
    row: int | None
    names: tuple[str, ...]
    captures: tuple[int, ...]
    records: tuple[RemovedRecord, ...]
    urls: tuple[str, ...]
    versions: int
    size: int
    pictures: int
    lists: int
    others: tuple[str, ...]
    in_hand: bool
    known: bool

    def __str__(self) -> str:
        return f"{self.outlet}/{self.article_id}"

    @property
    def files(self) -> set[str]:
        """The segments that hold its records."""
        return {record.file for record in self.records}


def plan_takedown(
    connection: Connection, outlet: str, name: str, article_of: ArticleOf
) -> TakedownPlan | None:
    """What there is of the article of that id or alias; None if nothing ever was."""
    row, article_id, known = _named(connection, outlet, name)
    ids = {article_id}
    if row is not None:
        ids |= set(connection.scalars(select(aliases.c.alias).where(aliases.c.article == row)))
        ids |= set(
            connection.scalars(select(revisions.c.content_key).where(revisions.c.article == row))
        )
    addresses = {one for one in ids if "://" in one}
    ids -= {*addresses, ""}
    if row is not None:
        addresses |= {
            connection.scalar(select(articles.c.url).where(articles.c.id == row)) or ""
        } - {""}
    own = set(connection.scalars(select(revisions.c.id).where(revisions.c.article == row)))
    found: dict[int, Row[Any]] = _rows(connection, captures.c.revision_id, own)
    shown = {captured.payload_digest for captured in found.values()} - {""}
    if known:
        names = select(refused.c.name).join(removals).where(removals.c.outlet == outlet)
        shown |= {
            one
            for one in connection.scalars(names.where(removals.c.article_id == article_id))
            if one[:7] == "sha256:"
        }
    addresses |= {captured.url for captured in found.values()}
    every = select(captures.c.url).where(captures.c.outlet == outlet).distinct()
    addresses |= {url for url in connection.scalars(every) if article_of(outlet, url) in ids}
    found |= _rows(connection, captures.c.url, addresses) | _rows(
        connection, captures.c.payload_digest, shown
    )
    pictures = _pictures(connection, row) if row is not None else {}
    pictures = {
        key: one for key, one in pictures.items() if key not in found and one.revision_id is None
    }
    of_frontier = select(frontier.c.state).where(
        frontier.c.outlet == outlet, frontier.c.article_id.in_(ids)
    )
    states = set(connection.scalars(of_frontier))
    if row is None and not found and not states and not known:
        return None
    others = {one.revision_id for one in found.values()} - own - {None}
    rows = found | pictures
    return TakedownPlan(
        outlet=outlet,
        article_id=article_id,
        row=row,
        names=tuple(sorted(ids)),
        captures=tuple(sorted(rows)),
        records=tuple(
            _gone(one, shows=one.payload_digest in shown) for _, one in sorted(rows.items())
        ),
        urls=tuple(sorted({one.url for one in rows.values()} | addresses)),
        versions=len(own),
        size=sum(one.warc_length for one in rows.values()),
        pictures=len(pictures),
        lists=0,
        others=tuple(_articles(connection, others)),
        in_hand=State.LEASED in states,
        known=known,
    )


def add_quotes(
    connection: Connection, takedown: TakedownPlan, record_ids: Iterable[str]
) -> TakedownPlan:
    """The same, with these records as well, which quote it (`archive.takedown.quotes`)."""
    rows = _rows(connection, captures.c.record_id, record_ids)
    rows = {
        key: one
        for key, one in rows.items()
        if key not in takedown.captures and one.revision_id is None
    }
    return replace(
        takedown,
        captures=(*takedown.captures, *sorted(rows)),
        records=(*takedown.records, *(_gone(one, shows=False) for _, one in sorted(rows.items()))),
        size=takedown.size + sum(one.warc_length for one in rows.values()),
        lists=len(rows),
    )


def combine(takedowns: Iterable[TakedownPlan]) -> list[TakedownPlan]:
    """The same, each once, with those of its ``others`` that go as well left out."""
    each = {str(one): one for one in takedowns}
    return [
        replace(one, others=tuple(other for other in one.others if other not in each))
        for one in each.values()
    ]


def _named(connection: Connection, outlet: str, name: str) -> tuple[int | None, str, bool]:
    """The article's row, its own id, and whether it was removed before."""
    by_id = select(articles.c.id).where(articles.c.outlet == outlet, articles.c.article_id == name)
    by_alias = select(aliases.c.article).where(aliases.c.outlet == outlet, aliases.c.alias == name)
    row = connection.scalar(by_id) or connection.scalar(by_alias)
    own = (
        connection.scalar(select(articles.c.article_id).where(articles.c.id == row))
        if row is not None
        else None
    )
    before = select(removals.c.article_id).join(refused).where(refused.c.outlet == outlet)
    removed = connection.scalar(before.where(refused.c.name == (own or name)))
    return row, removed or own or name, removed is not None


def _rows(
    connection: Connection, column: ColumnElement[Any], values: Iterable[Any]
) -> dict[int, Row[Any]]:
    found: dict[int, Row[Any]] = {}
    values = list(values)
    for start in range(0, len(values), _MANY):
        query: Any = select(*_COLUMNS).where(column.in_(values[start : start + _MANY]))
        found |= {row.id: row for row in connection.execute(query)}
    return found


def _pictures(connection: Connection, row: int) -> dict[int, Row[Any]]:
    """Captures of pictures that this article shows and no other."""
    images = connection.scalars(select(revisions.c.images).where(revisions.c.article == row))
    urls = {image["url"] for each in images for image in each if image.get("url")}
    return _rows(
        connection, captures.c.url, urls - set(connection.scalars(_OF_OTHERS, {"article": row}))
    )


def _gone(row: Row[Any], *, shows: bool) -> RemovedRecord:
    date = format_date(row.captured_at)
    return RemovedRecord(
        row.record_id,
        row.record_type,
        date,
        row.payload_digest,
        row.warc_file,
        row.warc_offset,
        shows,
    )


def _articles(connection: Connection, revision_ids: Iterable[Any]) -> list[str]:
    query = select(articles.c.outlet, articles.c.article_id).distinct().join(revisions)
    query = query.where(revisions.c.id.in_(list(revision_ids))).order_by(
        articles.c.outlet, articles.c.article_id
    )
    return [f"{row.outlet}/{row.article_id}" for row in connection.execute(query)]


def file_sizes(connection: Connection, files: Sequence[str]) -> dict[str, int]:
    """How many captures lie in each of the files."""
    query = select(captures.c.warc_file, func.count()).where(captures.c.warc_file.in_(files))
    return {name: count for name, count in connection.execute(query.group_by(captures.c.warc_file))}  # noqa: C416 (typed)
