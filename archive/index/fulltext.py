"""Korean full-text search: tokens, queries, and the FTS5 table ``search``.

Every run of Hangul or Hanja becomes overlapping two-syllable tokens (bigrams) and its last
syllable; other words stay whole. So two-syllable words are found, and any substring matches. A
query term becomes a phrase of the same tokens, a single syllable a prefix. FTS5 stores no text
(``content=''``): to delete a document, its text must be given again.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, TextClause

_CJK = "가-힣㐀-䶿一-鿿豈-﫿"
_RUNS = re.compile(f"(?P<cjk>[{_CJK}]+)|[^\\W{_CJK}_]+")
#: Each syllable with the next one, if there is one, or a whole other word: all tokens of a word in
#: one pass.
_TOKENS = re.compile(f"(?=([{_CJK}]{{1,2}}))[{_CJK}]|([^\\W{_CJK}_]+)")

#: Spellings of one word in the outlets' and in North Korean texts, and Hanja: a query finds them
#: all. Stored text is never changed.
SYNONYMS: tuple[frozenset[str], ...] = (
    frozenset({"푸틴", "뿌찐"}),
    frozenset({"러시아", "로씨야"}),
    frozenset({"미사일", "미싸일"}),
    frozenset({"노동당", "로동당"}),
    frozenset({"북한", "北韓"}),
)

_ADD = text("INSERT INTO search(rowid, headline, body) VALUES (:id, :headline, :body)")
_DELETE = text(
    "INSERT INTO search(search, rowid, headline, body) VALUES ('delete', :id, :headline, :body)"
)


class QueryError(ValueError):
    """The query contains nothing that can be searched for."""


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


def matching_ids(query: str) -> TextClause:
    """Return a statement that selects the ids of the documents with every term of the query.

    :raises QueryError: the query contains no letter or digit.
    """
    statement = text("SELECT rowid FROM search WHERE search MATCH :expression")
    return statement.bindparams(expression=match_expression(query))


def tokens(content: str) -> str:
    """Return the search tokens of a text, separated by spaces."""
    return " ".join(map(_word_tokens, content.split()))


def match_expression(query: str) -> str:
    """Return the FTS5 MATCH expression for a query: every term must occur.

    Each term is a phrase of its tokens. All tokens are quoted, so that FTS5 finds no syntax of
    its own in the query.

    :raises QueryError: the query contains no letter or digit.
    """
    terms = [_alternatives(term) for term in query.split()]
    terms = [term for term in terms if term]
    if not terms:
        raise QueryError(f"nothing to search for in {query!r}: give at least one letter or digit")
    return " AND ".join(terms)


# Most words of a text repeat; without the cache tokens take 2.4 times the CPU time. It takes some
# 4 MB. Folding word by word equals folding the text: neither composition nor case crosses white
# space.
@lru_cache(maxsize=2**14)
def _word_tokens(word: str) -> str:
    folded = unicodedata.normalize("NFC", word).lower()
    return " ".join([syllables or other for syllables, other in _TOKENS.findall(folded)])


def _execute(connection: Connection, statement: TextClause, documents: Iterable[Document]) -> None:
    rows = [
        {"id": one.id, "headline": tokens(one.headline), "body": tokens(one.body)}
        for one in documents
    ]
    if rows:
        connection.execute(statement, rows)


def _alternatives(term: str) -> str:
    """Return the MATCH expression of a term in all its spellings, ``""`` if it has no token."""
    term = unicodedata.normalize("NFC", term).lower()
    spellings = [term]
    for group in SYNONYMS:
        for word in group:
            if word in term:
                spellings += [term.replace(word, other) for other in sorted(group - {word})]
    phrases = [_phrase(spelling) for spelling in dict.fromkeys(spellings)]
    phrases = [phrase for phrase in phrases if phrase]
    expression = " OR ".join(phrases)
    return f"({expression})" if len(phrases) > 1 else expression


def _phrase(term: str) -> str:
    """Return the term's tokens as one quoted phrase: adjacent in the term, adjacent in the text."""
    words: list[str] = []
    runs = list(_RUNS.finditer(term))
    for run in runs:
        word = run[0]
        if not run.lastgroup:
            words.append(word)
            continue
        words += [first + second for first, second in pairwise(word)]
        # In a text, a last syllable's token ends its word; in a query the word may continue after
        # the term.
        if run is not runs[-1] or len(word) == 1:
            words.append(word[-1])
    if not words:
        return ""
    phrase = f'"{" ".join(words)}"'
    is_prefix = runs[-1].lastgroup and len(runs[-1][0]) == 1
    return f"{phrase}*" if is_prefix else phrase
