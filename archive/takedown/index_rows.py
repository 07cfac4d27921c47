"""The rows of a removed article: taken out in one transaction, and with them what its text left in the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from archive.articles.blocklist import REMOVED
from archive.frontier.visits import GIVEN_UP
from archive.index.article_rows import search_columns, to_article
from archive.index.fulltext import Document, delete_documents
from archive.index.schema import (
    aliases,
    articles,
    captures,
    frontier,
    outcomes,
    refused,
    removals,
    revisions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from archive.takedown.log import Takedown
    from archive.takedown.plan import TakedownPlan

#: Pages that SQLite frees are overwritten, so that what a later VACUUM leaves out is nowhere.
SECURE = "PRAGMA secure_delete = ON"
_MANY = 500


def remove_rows(connection: Connection, takedown: TakedownPlan, removal: Takedown) -> None:
    """Take the article's rows out; from the commit on no verb gives it, and none takes it in again."""
    connection.exec_driver_sql(SECURE)
    if takedown.row is not None:
        _forget(connection, takedown.row, takedown.captures)
    _strip_outcomes(connection, takedown)
    for part in _parts(takedown.captures):
        connection.execute(delete(captures).where(captures.c.id.in_(part)))
    record_takedown(connection, removal)
    _close_frontier(connection, removal)


def record_takedown(connection: Connection, removal: Takedown) -> None:
    """Note that the article is removed, and what it must not come back under."""
    own = (removals.c.outlet == removal.outlet, removals.c.article_id == removal.article_id)
    number = connection.scalar(select(removals.c.id).where(*own))
    if number is None:
        values = {"at": removal.at, "reason": removal.reason, "by": removal.by}
        named = {"outlet": removal.outlet, "article_id": removal.article_id}
        connection.execute(insert(removals), [named | values])
        number = connection.scalar(select(removals.c.id).where(*own))
    rows = [{"outlet": removal.outlet, "name": name, "removal": number} for name in removal.refused]
    connection.execute(sqlite_insert(refused).on_conflict_do_nothing(), rows)


def remove_blocked(connection: Connection) -> int:
    """Take out articles that were read though they are refused; their captures stay, as skipped. Gives their number."""
    connection.exec_driver_sql(SECURE)
    query = select(articles.c.id).join(
        refused,
        and_(refused.c.outlet == articles.c.outlet, refused.c.name == articles.c.article_id),
    )
    rows = list(connection.scalars(query))
    for row in rows:
        _forget(connection, row, ())
    return len(rows)


def _forget(connection: Connection, row: int, going: Sequence[int]) -> None:
    """Delete an article with its versions and aliases. Captures of it that do not go are `skipped` from now on."""
    query = select(revisions, articles.c.outlet, articles.c.article_id, articles.c.url).join(
        articles
    )
    known = [dict(one) for one in connection.execute(query.where(articles.c.id == row)).mappings()]
    documents = [Document(one["id"], *search_columns(to_article(one))) for one in known]
    delete_documents(connection, documents)
    ids = [one["id"] for one in known]
    became = {"outcome": str(REMOVED.outcome), "reason": str(REMOVED.reason), "revision_id": None}
    for part in _parts(going):
        connection.execute(update(captures).where(captures.c.id.in_(part)).values(revision_id=None))
    for part in _parts(ids):
        connection.execute(update(captures).where(captures.c.revision_id.in_(part)).values(became))
    connection.execute(delete(revisions).where(revisions.c.article == row))
    connection.execute(delete(aliases).where(aliases.c.article == row))
    connection.execute(delete(articles).where(articles.c.id == row))


def _strip_outcomes(connection: Connection, takedown: TakedownPlan) -> None:
    """Leave of what runs noted only that it was: details quote the page, and sources are addresses or file names."""
    plain = {"source": str(takedown), "detail": "", "capture_id": None}
    for part in _parts(takedown.captures):
        connection.execute(update(outcomes).where(outcomes.c.capture_id.in_(part)).values(plain))
    own = and_(frontier.c.outlet == takedown.outlet, frontier.c.article_id.in_(takedown.names))
    visited = connection.scalars(select(frontier.c.url).where(own))
    for part in _parts([*takedown.urls, *visited]):
        of_them = or_(outcomes.c.outlet == takedown.outlet, outcomes.c.outlet == "")
        connection.execute(
            update(outcomes).where(of_them, outcomes.c.source.in_(part)).values(plain)
        )


def _close_frontier(connection: Connection, removal: Takedown) -> None:
    own = and_(frontier.c.outlet == removal.outlet, frontier.c.article_id.in_(removal.names))
    connection.execute(update(frontier).where(own).values(GIVEN_UP))
    row: dict[str, Any] = {
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "published_at": None,
        "discovered_at": removal.at,
        "channels": [],
        "tries": 0,
        "looks": 0,
        "first_look_at": None,
        "found_by": "",
        "seen_by": "",
    }
    connection.execute(sqlite_insert(frontier).on_conflict_do_nothing(), [row | GIVEN_UP])


def move_rows(
    connection: Connection,
    old: str,
    new: str,
    places: dict[int, tuple[int, int]],
    gone: Iterable[str],
) -> None:
    """Let the rows of a segment lead into the one that took its place.

    ``places`` are the new offset and length of each record by its old offset. ``gone`` are records
    that went besides; their rows go. A row that leads to no record leads there still.
    """
    columns = (captures.c.id, captures.c.record_id, captures.c.warc_offset, captures.c.warc_length)
    rows = connection.execute(select(*columns).where(captures.c.warc_file == old)).all()
    gone = set(gone)
    lost = [row.id for row in rows if row.record_id in gone]
    for part in _parts(lost):
        connection.execute(
            update(outcomes).where(outcomes.c.capture_id.in_(part)).values(capture_id=None)
        )
        connection.execute(delete(captures).where(captures.c.id.in_(part)))
    moved: list[dict[str, Any]] = []
    for row in rows:
        if row.record_id not in gone:
            offset, length = places.get(row.warc_offset, (row.warc_offset, row.warc_length))
            moved.append(
                {"pk": row.id, "warc_file": new, "warc_offset": offset, "warc_length": length}
            )
    if moved:
        connection.execute(update(captures).where(captures.c.id == bindparam("pk")), moved)


def _parts(values: Sequence[Any]) -> Iterable[list[Any]]:
    values = list(values)
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))
