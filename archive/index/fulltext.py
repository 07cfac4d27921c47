"""Full-text search in SQLite: the FTS5 table ``search`` and its MATCH expressions.

Its tokens are those of `archive.index.search_text`. FTS5 stores no text (``content=''``): to
delete a document, its text must be given again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from archive.index.search_text import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, TextClause

    from archive.index.search_query import Choice, Phrase, Query

_ADD = text("INSERT INTO search(rowid, headline, body) VALUES (:id, :headline, :body)")
_DELETE = text(
    "INSERT INTO search(search, rowid, headline, body) VALUES ('delete', :id, :headline, :body)"
)


class Document(NamedTuple):
    """The text of a revision as full-text search covers it; ``id`` is the revision's."""

    id: int
    headline: str
    body: str


def add_documents(connection: Connection, documents: Iterable[Document]) -> None:
    """Add documents to the full-text index."""
    _execute(connection, _ADD, documents)


def delete_documents(connection: Connection, documents: Iterable[Document]) -> None:
    """Delete documents from the full-text index; their text must be as it was added."""
    _execute(connection, _DELETE, documents)


def matching_ids(query: Query) -> TextClause:
    """Return a statement that selects the ids of the documents that match the query's terms."""
    statement = text("SELECT rowid FROM search WHERE search MATCH :expression")
    return statement.bindparams(expression=match_expression(query))


def match_expression(query: Query) -> str:
    """Return the FTS5 MATCH expression for the query's terms.

    All tokens are quoted, so that FTS5 finds no syntax of its own in them.
    """
    wanted = " AND ".join(map(_any_of, query.terms))
    return f"({wanted}) NOT {_any_of(query.excluded)}" if query.excluded else wanted


def _any_of(choice: Choice) -> str:
    return f"({' OR '.join(map(_quoted, choice))})"


def _quoted(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.tokens)}"{"*" if phrase.is_prefix else ""}'


def _execute(connection: Connection, statement: TextClause, documents: Iterable[Document]) -> None:
    rows = [
        {"id": one.id, "headline": tokens(one.headline), "body": tokens(one.body)}
        for one in documents
    ]
    if rows:
        connection.execute(statement, rows)
