"""Deletion of a removed article's rows, in one transaction, and of its traces in other tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from archive.articles.blocklist import REMOVED
from archive.frontier.visits import REMOVED_COLUMNS
from archive.index.dialect import insert_missing, one_of, overwrite_deleted
from archive.index.fulltext import delete_documents
from archive.index.rows.article_rows import to_article, to_document
from archive.index.rows.row_ids import keep_ids
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
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection

    from archive.takedown.log import Takedown
    from archive.takedown.plan import TakedownPlan


def remove_rows(connection: Connection, plan: TakedownPlan, takedown: Takedown) -> None:
    """Delete the article's rows and block it: after the commit no command shows or ingests it."""
    overwrite_deleted(connection)
    keep_ids(connection)
    if plan.row is not None:
        _delete_article(connection, plan.row, plan.captures)
    _strip_outcomes(connection, plan)
    connection.execute(delete(captures).where(one_of(captures.c.id, plan.captures)))
    record_takedown(connection, takedown)
    _close_frontier(connection, takedown)


def record_takedown(connection: Connection, takedown: Takedown) -> None:
    """Record that the article is removed, and the names and digests to block."""
    named = {"outlet": takedown.outlet, "article_id": takedown.article_id}
    own = [removals.c[column] == value for column, value in named.items()]
    number = connection.scalar(select(removals.c.id).where(*own))
    if number is None:
        values = {"at": takedown.at, "reason": takedown.reason, "by": takedown.by}
        connection.execute(insert(removals), [named | values])
        number = connection.scalar(select(removals.c.id).where(*own))
    rows = [
        {"outlet": takedown.outlet, "name": name, "removal": number} for name in takedown.refused
    ]
    connection.execute(insert_missing(connection, refused), rows)


def remove_blocked(connection: Connection) -> int:
    """Delete articles that were ingested although they are blocked; return their number.

    Their captures stay, with the outcome `skipped`.
    """
    overwrite_deleted(connection)
    keep_ids(connection)
    blocked = and_(refused.c.outlet == articles.c.outlet, refused.c.name == articles.c.article_id)
    rows = list(connection.scalars(select(articles.c.id).join(refused, blocked)))
    for row in rows:
        _delete_article(connection, row, ())
    return len(rows)


def _delete_article(connection: Connection, row: int, going: Collection[int]) -> None:
    """Delete an article with its revisions and aliases.

    Its captures become `skipped`, except the ``going`` ones, which the caller deletes.
    """
    columns = (articles.c.outlet, articles.c.article_id, articles.c.url)
    query = select(revisions, *columns).join(articles).where(articles.c.id == row)
    known = [dict(revision) for revision in connection.execute(query).mappings()]
    documents = [
        to_document(one["search_position"], to_article(one), edited=len(known) > 1)
        for one in known
        if one["search_position"] is not None
    ]
    delete_documents(connection, documents)
    connection.execute(
        update(captures).where(one_of(captures.c.id, going)).values(revision_id=None)
    )
    became = {"outcome": str(REMOVED.outcome), "reason": str(REMOVED.reason), "revision_id": None}
    ids = [one["id"] for one in known]
    connection.execute(update(captures).where(one_of(captures.c.revision_id, ids)).values(became))
    connection.execute(delete(revisions).where(revisions.c.article == row))
    connection.execute(delete(aliases).where(aliases.c.article == row))
    connection.execute(delete(articles).where(articles.c.id == row))


def _strip_outcomes(connection: Connection, plan: TakedownPlan) -> None:
    """Clear the outcomes of the article's captures: details quote the page, sources are URLs."""
    cleared = {"source": str(plan), "detail": "", "capture_id": None}
    connection.execute(
        update(outcomes).where(one_of(outcomes.c.capture_id, plan.captures)).values(cleared)
    )
    own = (frontier.c.outlet == plan.outlet, one_of(frontier.c.article_id, plan.names))
    visited = connection.scalars(select(frontier.c.url).where(*own))
    sources = [*plan.urls, *visited]
    of_outlet = or_(outcomes.c.outlet == plan.outlet, outcomes.c.outlet == "")
    connection.execute(
        update(outcomes).where(of_outlet, one_of(outcomes.c.source, sources)).values(cleared)
    )


def _close_frontier(connection: Connection, takedown: Takedown) -> None:
    """Mark the article as given up in the frontier, also if it has no row there yet."""
    own = (frontier.c.outlet == takedown.outlet, one_of(frontier.c.article_id, takedown.names))
    connection.execute(update(frontier).where(*own).values(REMOVED_COLUMNS))
    row: dict[str, Any] = {
        "outlet": takedown.outlet,
        "article_id": takedown.article_id,
        "published_at": None,
        "discovered_at": takedown.at,
        "channels": [],
        "failures": 0,
        "visits": 0,
        "first_visit_at": None,
        "discovered_run": "",
        "last_run": "",
    }
    connection.execute(insert_missing(connection, frontier), [row | REMOVED_COLUMNS])


def move_rows(
    connection: Connection,
    old: str,
    new: str,
    places: dict[int, tuple[int, int]],
    gone: Iterable[str],
) -> None:
    """Make the rows of a segment refer to the segment that replaces it.

    ``places`` are the new offset and length of each record by its old offset. ``gone`` are the ids
    of records that were removed besides; their rows are deleted. A row whose offset is not in
    ``places`` keeps it.
    """
    columns = (captures.c.id, captures.c.record_id, captures.c.warc_offset, captures.c.warc_length)
    rows = connection.execute(select(*columns).where(captures.c.warc_file == old)).all()
    gone = set(gone)
    lost = [row.id for row in rows if row.record_id in gone]
    if lost:
        keep_ids(connection)
    connection.execute(
        update(outcomes).where(one_of(outcomes.c.capture_id, lost)).values(capture_id=None)
    )
    connection.execute(delete(captures).where(one_of(captures.c.id, lost)))
    moved: list[dict[str, Any]] = []
    for row in rows:
        if row.record_id in gone:
            continue
        offset, length = places.get(row.warc_offset, (row.warc_offset, row.warc_length))
        moved.append({"pk": row.id, "warc_file": new, "warc_offset": offset, "warc_length": length})
    if moved:
        connection.execute(update(captures).where(captures.c.id == bindparam("pk")), moved)
