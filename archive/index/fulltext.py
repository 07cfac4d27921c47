"""Full-text search, whichever database holds it: documents added and removed, and hits found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Integer, column, text

from archive.index.dialect import is_postgres
from archive.index.postgres import search as postgres
from archive.index.search import best_hits, counts, documents, newest_hits
from archive.index.search.checksums import HeldDocuments as _HeldBySqlite
from archive.index.search.match import match_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection
    from sqlalchemy.sql.expression import Subquery

    from archive.index.search.counts import Periods
    from archive.index.search.documents import Document
    from archive.index.search.hit import Hit
    from archive.index.search.query import Query


class HeldDocuments(Protocol):
    """What the full-text index holds, to be compared with what it should."""

    def missing(self, document: Document) -> Iterator[str]:
        """Yield what of a document the index does not hold."""

    def left(self) -> list[int]:
        """Return the positions of the documents that were not asked for."""


def add_documents(connection: Connection, new: Iterable[Document]) -> None:
    """Add documents to the full-text index."""
    of = postgres if is_postgres(connection) else documents
    of.add_documents(connection, new)


@contextmanager
def adding_many(connection: Connection) -> Iterator[None]:
    """Add documents in this block to a full-text index that has none and that nobody reads yet.

    PostgreSQL then builds its index of words once, at the end of the block.
    """
    if is_postgres(connection):
        with postgres.adding_many(connection):
            yield
    else:
        yield


def delete_documents(connection: Connection, old: Iterable[Document]) -> None:
    """Delete documents from the full-text index; they must be as they were added."""
    of = postgres if is_postgres(connection) else documents
    of.delete_documents(connection, old)


def newest_ids(
    connection: Connection, query: Query, limit: int, before: Hit | None = None
) -> list[int]:
    """Return the ids of the revisions that match the query, newest first, at most ``limit``.

    The order is that of publication, the newest first, those of one time by their ids, and those
    without a time last. With ``before``, only those that come after that hit in the order.
    """
    if is_postgres(connection):
        return postgres.newest_ids(connection, query, limit, before)
    return newest_hits.newest_ids(connection, query, limit, before)


def best_ids(connection: Connection, query: Query, limit: int) -> list[int]:
    """Return the ids of the revisions that match best, at most ``limit``; equal ones newest first.

    The query must have a word: where a single character stands is not kept.
    """
    if is_postgres(connection):
        return postgres.best_ids(connection, query, limit)
    return best_hits.best_ids(connection, query, limit)


def number_of_hits(connection: Connection, query: Query, most: int | None = None) -> int:
    """Return how many documents match the query; ``most`` if there are more."""
    if is_postgres(connection):
        return postgres.number_of_hits(connection, query, most)
    return newest_hits.number_of_hits(connection, query, most)


def hits_by_outlet(
    connection: Connection, query: Query, outlets: Iterable[str], most: int
) -> dict[str, int]:
    """Return how many hits each of the outlets has, those without any left out.

    It is ``most`` where there are more.
    """
    if is_postgres(connection):
        return postgres.hits_by_outlet(connection, query, outlets, most)
    return counts.hits_by_outlet(connection, query, outlets, most)


def hits_by_period(connection: Connection, query: Query) -> Periods:
    """Return the hits by day, or by month or year where they lie far apart."""
    if is_postgres(connection):
        return postgres.hits_by_period(connection, query)
    return counts.hits_by_period(connection, query)


def articles_found(connection: Connection, query: Query) -> Subquery:
    """Return the articles whose current revisions match a query, once each, as ``article``."""
    if is_postgres(connection):
        return postgres.articles_found(query)
    asked = newest_hits.conditions_of(match_of(query))
    newest_hits.add_days(asked, connection, query)
    newest_hits.add_filters(asked)
    hits = text(f"SELECT revisions.article FROM {newest_hits.timed_hits(asked)}")  # noqa: S608  (our own words)
    article = column("article", Integer)
    return hits.bindparams(**asked.values).columns(article).subquery("found")


def held_documents(connection: Connection) -> HeldDocuments:
    """Return what the full-text index holds."""
    if is_postgres(connection):
        return postgres.HeldDocuments(connection)
    return _HeldBySqlite(connection)
