"""Full-text search in SQLite: the FTS5 tables and what is written to them.

``search`` holds a document for each current revision: headlines, body and facets, as the tokens of
`archive.index.search.text` and `archive.index.search.facets`. ``search_characters`` holds which
characters its words are made of, and the facets that are one token. FTS5 stores no text
(``content=''``): to delete a document, its text must be given again.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from archive.index.search.facets import plain_facets
from archive.index.search.text import tokens_and_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, TextClause

_COLUMNS = "rowid, headline, body, facets"
_VALUES = ":position, :headline, :body, :facets"
_ADD = (
    text(f"INSERT INTO search({_COLUMNS}) VALUES ({_VALUES})"),  # noqa: S608  (our own words)
    text("INSERT INTO search_characters(rowid, text) VALUES (:position, :characters)"),
)
_DELETE = (
    text(f"INSERT INTO search(search, {_COLUMNS}) VALUES ('delete', {_VALUES})"),  # noqa: S608  (as above)
    text(
        "INSERT INTO search_characters(search_characters, rowid, text)"
        " VALUES ('delete', :position, :characters)"
    ),
)


class Document(NamedTuple):
    """The text of a current revision as full-text search covers it, and its facets' tokens."""

    position: int
    headline: str
    body: str
    facets: str


def add_documents(connection: Connection, documents: Iterable[Document]) -> None:
    """Add documents to the full-text index."""
    _execute(connection, _ADD, documents)


def delete_documents(connection: Connection, documents: Iterable[Document]) -> None:
    """Delete documents from the full-text index; they must be as they were added."""
    _execute(connection, _DELETE, documents)


def document_tokens(document: Document) -> dict[str, list[str]]:
    """Return the tokens of a document by column, and the characters that its words are made of."""
    row = _row(document)
    return {name: str(value).split() for name, value in row.items() if name != "position"}


def _execute(
    connection: Connection, statements: tuple[TextClause, ...], documents: Iterable[Document]
) -> None:
    # Sorted: FTS5 writes a segment of its index whenever a rowid is not above the one before.
    rows = [_row(one) for one in sorted(documents)]
    if rows:
        for statement in statements:
            connection.execute(statement, rows)


def _row(document: Document) -> dict[str, int | str]:
    headline, letters = tokens_and_letters(document.headline)
    body, others = tokens_and_letters(document.body)
    return {
        "position": document.position,
        "headline": headline,
        "body": body,
        "facets": document.facets,
        "characters": " ".join([*_distinct(letters + others), *plain_facets(document.facets)]),
    }


def _distinct(letters: str) -> Iterator[str]:
    """Return each character once; as numbers, which takes a fifth of the time."""
    return map(chr, set(array("I", letters.encode("utf-32-le", "surrogatepass"))))
