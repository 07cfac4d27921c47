"""Copying of a whole index to another database, as of one moment."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, func, select

from archive.index.database import IndexUnusableError, shown_index
from archive.index.fulltext import add_documents, adding_many
from archive.index.rows.article_rows import to_article, to_document
from archive.index.rows.bulk import insert_rows
from archive.index.rows.row_ids import build_of, highest_id, keep_highest, set_build
from archive.index.schema import articles, metadata, revisions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Select, Table

    from archive.index.database import Index

#: Rows that are in memory at once.
_MANY = 500


def copy_index(source: Index, target: Index) -> dict[str, int]:
    """Copy all rows to an index that has none; return their number by table.

    The rows keep their ids, and the index its number, so that whoever reads what is new goes on.
    Full text is made anew from the articles. It is one transaction: all is copied, or nothing.

    :raises IndexUnusableError: the target holds rows, or one of them can't be used.
    """
    with target.writing() as to, source.reading() as rows:
        if has_rows(to):
            raise IndexUnusableError(
                f"{shown_index(target.url)} has rows already: name an index that is empty, or that "
                "does not exist."
            )
        counts = {table.name: _copy_table(table, rows, to) for table in metadata.sorted_tables}
        with adding_many(to):
            _copy_fulltext(rows, to)
        for table in metadata.sorted_tables:
            if has_ids(table):
                keep_highest(to, table, highest_id(rows, table))
        set_build(to, build_of(rows))
    return counts


def has_rows(connection: Connection) -> bool:
    """Return whether any table of an index has a row."""
    first = (select(*table.primary_key).limit(1) for table in metadata.sorted_tables)
    return any(connection.execute(query).first() is not None for query in first)


def _copy_table(table: Table, rows: Connection, to: Connection) -> int:
    number = 0
    query = select(table).order_by(*table.primary_key)
    for some in _parts(rows, query):
        insert_rows(to, table, some)
        number += len(some)
    return number


def _copy_fulltext(rows: Connection, to: Connection) -> None:
    other = revisions.alias("other")
    siblings = select(func.count()).where(other.c.article == revisions.c.article).scalar_subquery()
    columns = (articles.c.outlet, articles.c.article_id, articles.c.url)
    query = select(revisions, *columns, siblings.label("siblings")).join(articles)
    query = query.where(revisions.c.search_position.is_not(None))
    query = query.order_by(revisions.c.search_position)
    for some in _parts(rows, query):
        add_documents(
            to,
            [
                to_document(row["search_position"], to_article(row), edited=row["siblings"] > 1)
                for row in some
            ],
        )


def rows_of(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """Return the rows of a query, by the names of their columns."""
    return [dict(row) for row in connection.execute(query).mappings()]


def _parts(rows: Connection, query: Select[Any]) -> Iterator[list[dict[str, Any]]]:
    found = iter(rows.execute(query.execution_options(yield_per=_MANY)).mappings())
    while some := list(islice(found, _MANY)):
        yield [dict(row) for row in some]


def has_ids(table: Table) -> bool:
    """Return whether the rows of a table have numbers that are given in order."""
    return "id" in table.c and isinstance(table.c.id.type, Integer)
