"""Copying of a whole index to another database, as of one moment."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, func, select

from archive.index.article_rows import to_article, to_document
from archive.index.bulk import insert_rows
from archive.index.database import IndexUnusableError, shown_index
from archive.index.fulltext import add_documents
from archive.index.row_ids import build_of, highest_id, keep_highest, set_build
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
        for table in metadata.sorted_tables:
            if to.execute(select(*table.primary_key).limit(1)).first() is not None:
                raise IndexUnusableError(
                    f"{shown_index(target.url)} has rows already: name an index that is empty, or "
                    "that does not exist."
                )
        counts = {table.name: _copy_table(table, rows, to) for table in metadata.sorted_tables}
        _copy_fulltext(rows, to)
        for table in metadata.sorted_tables:
            if _has_ids(table):
                keep_highest(to, table, highest_id(rows, table))
        set_build(to, build_of(rows))
    return counts


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


def _parts(rows: Connection, query: Select[Any]) -> Iterator[list[dict[str, Any]]]:
    found = iter(rows.execute(query.execution_options(yield_per=_MANY)).mappings())
    while some := list(islice(found, _MANY)):
        yield [dict(row) for row in some]


def _has_ids(table: Table) -> bool:
    return "id" in table.c and isinstance(table.c.id.type, Integer)
