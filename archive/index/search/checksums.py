"""Whether SQLite's full-text index holds the words of documents, by checksums of its tokens."""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING

from sqlalchemy import text

from archive.index.search.documents import document_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from archive.index.search.documents import Document

#: A checksum of the search index's tokens by document and column, so that the tokens need not be in
#: memory: their count, and the sum of position x weight modulo a prime, where a token's weight is
#: made of its first two characters (most tokens have no more) and its length. `_sum` computes the
#: same of the text. A lost or added token changes the count. A token replaced at position p changes
#: the sum by p x (difference of weights), two tokens that changed places by (p - q) x (difference
#: of weights): not 0 but for one pair of tokens in two thousand million. The modulus of each
#: product keeps SQLite's sum within 64 bits.
_WORDS = "CREATE VIRTUAL TABLE temp.verify_words USING fts5vocab(main, search, instance)"
_CHARACTERS = (
    "CREATE VIRTUAL TABLE temp.verify_characters USING fts5vocab(main, search_characters, instance)"
)
_SUMS = text("""
    SELECT doc, col, count(*), sum(("offset" + 1) * ((
        unicode(term) + 1114112 * coalesce(unicode(substr(term, 2, 1)), 0) + 997 * length(term)
    ) % 2147483647) % 2147483647)
    FROM temp.verify_words GROUP BY doc, col""")
_PRIME = 2**31 - 1
_COLUMNS = ("headline", "body", "facets")
#: A checksum of a document's characters, which have no order.
_CHARACTER_SUMS = text("""
    SELECT doc, count(*), sum(weight * weight) FROM (
        SELECT doc, unicode(term) + coalesce(unicode(substr(term, 2, 1)), 0) + 997 * length(term)
        AS weight FROM temp.verify_characters)
    GROUP BY doc""")

#: Checksums of what the search index has, by the position of a document and the column.
_Sums = dict[tuple[int, str], tuple[int, int | None]]


class HeldDocuments:
    """The checksums of all documents that the index holds; each document is asked for once."""

    def __init__(self, connection: Connection) -> None:
        self._sums = _sums(connection)

    def missing(self, document: Document) -> Iterator[str]:
        """Yield what of a document the index does not hold."""
        made = document_tokens(document)
        for column in _COLUMNS:
            if self._sums.pop((document.position, column), (0, None)) != _sum(made[column]):
                yield f"the words of its {column}"
        characters = made["characters"]
        squares = sum(_character_weight(one) ** 2 for one in characters)
        found = self._sums.pop((document.position, "characters"), (0, 0))
        if found != (len(characters), squares):
            yield "the characters of its words"

    def left(self) -> list[int]:
        """Return the positions of the documents that were not asked for."""
        return sorted({position for position, _ in self._sums})


def _sums(connection: Connection) -> _Sums:
    found: _Sums = {}
    for statement in (_WORDS, _CHARACTERS):
        connection.exec_driver_sql(statement)
    try:
        for position, column, count, total in connection.execute(_SUMS):
            found[position, column] = count, total
        for position, count, total in connection.execute(_CHARACTER_SUMS):
            found[position, "characters"] = count, total
    finally:
        for table in ("verify_words", "verify_characters"):
            connection.exec_driver_sql(f"DROP TABLE temp.{table}")
    return found


@lru_cache(maxsize=2**18)
def _weight(word: str) -> int:
    """Return the weight of a token in `_SUMS`."""
    second = ord(word[1]) if len(word) > 1 else 0
    return (ord(word[0]) + 1114112 * second + 997 * len(word)) % _PRIME


def _character_weight(token: str) -> int:
    """Return the weight of a character, or of a facet, in `_CHARACTER_SUMS`."""
    return ord(token[0]) + (ord(token[1]) if len(token) > 1 else 0) + 997 * len(token)


def _sum(words: list[str]) -> tuple[int, int | None]:
    """Return what `_SUMS` gives for these tokens, in this order."""
    products = map(mul, range(1, len(words) + 1), map(_weight, words))
    total = sum(product % _PRIME for product in products)
    return len(words), total if words else None
