"""The plan of a take-down: the captures, names and rows that go with an article, only read here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.frontier.revisit_policy import State
from archive.index.dialect import one_of
from archive.index.rows.image_urls import images_of_others
from archive.index.schema import aliases, articles, captures, frontier, refused, removals, revisions
from archive.takedown.log import RemovedRecord
from archive.warc.record_writer import format_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import ColumnElement, Connection, Row

    #: Returns the id of the article that an outlet has at a URL, or None.
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


@dataclass(frozen=True, slots=True)
class TakedownPlan:
    """What is removed with one article.

    ``row`` is its id in ``articles``, None if it was never read. ``captures`` are row ids. Of
    these, ``pictures`` are of images that it alone shows, and ``lists`` of feeds and lists that
    quote it. ``others`` are articles that show the same bytes: while they stay, its text stays.
    ``leased`` is whether a crawl is visiting it, ``known`` whether it was removed before.
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
    leased: bool
    known: bool

    def __str__(self) -> str:
        return f"{self.outlet}/{self.article_id}"

    @property
    def files(self) -> set[str]:
        """The segments that hold its records."""
        return {record.file for record in self.records}

    @property
    def has_work(self) -> bool:
        """Whether anything is left to remove, or has to be put on record."""
        return self.row is not None or bool(self.captures) or not self.known


def plan_takedown(
    connection: Connection, outlet: str, name: str, article_of: ArticleOf
) -> TakedownPlan | None:
    """Return the plan for the article with that id or alias; None if nothing is known of it."""
    row, article_id, known = _find_article(connection, outlet, name)
    names, urls = _names(connection, article_id, row)
    revision_ids = _revision_ids(connection, row)
    own = _rows(connection, captures.c.revision_id, revision_ids)
    digests = {capture.payload_digest for capture in own.values()} - {""}
    digests |= _removed_digests(connection, outlet, article_id)
    urls |= {capture.url for capture in own.values()}
    urls |= _urls_of_article(connection, outlet, names, article_of)
    found = own | _rows(connection, captures.c.url, urls)
    found |= _rows(connection, captures.c.payload_digest, digests)
    pictures = _pictures(connection, row, found)
    states = _frontier_states(connection, outlet, names)
    if not (row is not None or found or states or known):
        return None
    others = {capture.revision_id for capture in found.values()} - revision_ids - {None}
    rows = dict(sorted((found | pictures).items()))
    return TakedownPlan(
        outlet=outlet,
        article_id=article_id,
        row=row,
        names=tuple(sorted(names)),
        captures=tuple(rows),
        records=_records(rows, digests),
        urls=tuple(sorted({one.url for one in rows.values()} | urls)),
        versions=len(revision_ids),
        size=sum(one.warc_length for one in rows.values()),
        pictures=len(pictures),
        lists=0,
        others=tuple(_article_names(connection, others)),
        leased=State.LEASED in states,
        known=known,
    )


def add_quotes(
    connection: Connection, plan: TakedownPlan, record_ids: Iterable[str]
) -> TakedownPlan:
    """Return the plan with these records added, which quote it: see `archive.takedown.quotes`."""
    found = _rows(connection, captures.c.record_id, record_ids)
    rows = {
        key: row
        for key, row in sorted(found.items())
        if key not in plan.captures and row.revision_id is None
    }
    records = (_record(row, shows=False) for row in rows.values())
    return replace(
        plan,
        captures=(*plan.captures, *rows),
        records=(*plan.records, *records),
        size=plan.size + sum(row.warc_length for row in rows.values()),
        lists=len(rows),
    )


def combine(plans: Iterable[TakedownPlan]) -> list[TakedownPlan]:
    """Return each plan once, without those of its ``others`` that are removed as well."""
    unique = {str(plan): plan for plan in plans}
    combined: list[TakedownPlan] = []
    for plan in unique.values():
        others = tuple(other for other in plan.others if other not in unique)
        combined.append(replace(plan, others=others))
    return combined


def _find_article(connection: Connection, outlet: str, name: str) -> tuple[int | None, str, bool]:
    """Return the article's row, its own id, and whether it was removed before."""
    by_id = select(articles.c.id).where(articles.c.outlet == outlet, articles.c.article_id == name)
    by_alias = select(aliases.c.article).where(aliases.c.outlet == outlet, aliases.c.alias == name)
    row = connection.scalar(by_id) or connection.scalar(by_alias)
    own = None
    if row is not None:
        own = connection.scalar(select(articles.c.article_id).where(articles.c.id == row))
    before = select(removals.c.article_id).join(refused).where(refused.c.outlet == outlet)
    removed = connection.scalar(before.where(refused.c.name == (own or name)))
    return row, removed or own or name, removed is not None


def _names(connection: Connection, article_id: str, row: int | None) -> tuple[set[str], set[str]]:
    """Return the ids of an article, and its URLs: aliases can be either."""
    names, urls = {article_id}, set[str]()
    if row is not None:
        known = select(aliases.c.alias).where(aliases.c.article == row)
        keys = select(revisions.c.content_key).where(revisions.c.article == row)
        names |= {*connection.scalars(known), *connection.scalars(keys)}
        urls.add(connection.scalar(select(articles.c.url).where(articles.c.id == row)) or "")
    urls |= {name for name in names if "://" in name}
    return names - urls - {""}, urls - {""}


def _revision_ids(connection: Connection, row: int | None) -> set[int]:
    if row is None:
        return set()
    return set(connection.scalars(select(revisions.c.id).where(revisions.c.article == row)))


def _removed_digests(connection: Connection, outlet: str, article_id: str) -> set[str]:
    """Return the payload digests that earlier take-downs of the article blocked."""
    query = select(refused.c.name).join(removals)
    query = query.where(removals.c.outlet == outlet, removals.c.article_id == article_id)
    return {name for name in connection.scalars(query) if name.startswith("sha256:")}


def _urls_of_article(
    connection: Connection, outlet: str, names: set[str], article_of: ArticleOf
) -> set[str]:
    """Return the URLs of the outlet's captures at which it has the article."""
    every = select(captures.c.url).where(captures.c.outlet == outlet).distinct()
    return {url for url in connection.scalars(every) if article_of(outlet, url) in names}


def _frontier_states(connection: Connection, outlet: str, names: set[str]) -> set[str]:
    own = (frontier.c.outlet == outlet, one_of(frontier.c.article_id, names))
    return set(connection.scalars(select(frontier.c.state).where(*own)))


def _rows(
    connection: Connection, column: ColumnElement[Any], values: Iterable[Any]
) -> dict[int, Row[Any]]:
    """Return the captures whose column holds one of the values, by their row ids."""
    query: Any = select(*_COLUMNS).where(one_of(column, values))
    return {row.id: row for row in connection.execute(query)}


def _pictures(
    connection: Connection, row: int | None, found: dict[int, Row[Any]]
) -> dict[int, Row[Any]]:
    """Return further captures, of images that this article shows and no other."""
    if row is None:
        return {}
    images = connection.scalars(select(revisions.c.images).where(revisions.c.article == row))
    urls = {image["url"] for each in images for image in each if image.get("url")}
    urls -= set(images_of_others(connection, row))
    pictures = _rows(connection, captures.c.url, urls)
    return {
        key: picture
        for key, picture in pictures.items()
        if key not in found and picture.revision_id is None
    }


def _records(rows: dict[int, Row[Any]], digests: set[str]) -> tuple[RemovedRecord, ...]:
    """Return the records to remove; those with one of these digests show the article."""
    return tuple(_record(row, shows=row.payload_digest in digests) for row in rows.values())


def _record(row: Row[Any], *, shows: bool) -> RemovedRecord:
    return RemovedRecord(
        record_id=row.record_id,
        type=row.record_type,
        date=format_date(row.captured_at),
        payload_digest=row.payload_digest,
        file=row.warc_file,
        offset=row.warc_offset,
        shows=shows,
    )


def _article_names(connection: Connection, revision_ids: Iterable[Any]) -> list[str]:
    columns = (articles.c.outlet, articles.c.article_id)
    query = select(*columns).distinct().join(revisions)
    query = query.where(one_of(revisions.c.id, revision_ids)).order_by(*columns)
    return [f"{row.outlet}/{row.article_id}" for row in connection.execute(query)]
