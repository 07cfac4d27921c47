"""What a query asks of the full-text tables, as FTS5 MATCH expressions.

All tokens are quoted, so that FTS5 finds no syntax of its own in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.index.search.facets import (
    AUTHOR,
    EDITED,
    EVERY,
    GENERIC,
    SECTION,
    marked,
    outlet_token,
)
from archive.model.article import Quality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.index.search.query import Choice, Phrase, Query


@dataclass(frozen=True, slots=True)
class Match:
    """Expressions that a document has to match, or must not; ``""`` for none.

    ``characters`` and ``excluded_characters`` are for the table ``search_characters``. It has the
    facets too, of which nothing is asked twice.
    """

    required: str
    excluded: str
    characters: str
    excluded_characters: str


def match_of(query: Query) -> Match:
    """Return what a query asks of the full-text tables."""
    words = [_any_of(choice) for choice in query.terms if not _are_characters(choice)]
    words += [_any_of(choice) for choice in _marked(query)]
    characters = [_any_character_of(one) for one in query.terms if _are_characters(one)]
    other_words = [_quoted(one) for one in query.excluded if not _is_character(one)]
    other_characters = [_quoted_character(one) for one in query.excluded if _is_character(one)]
    facets = [*map(_quoted_token, _facets(query))]
    other_facets = [*map(_quoted_token, _excluded_facets(query))]
    if words or not characters:
        words += facets
        other_words += other_facets
    else:
        characters += facets
        other_characters += other_facets
    if not words and not characters:
        words.append(_quoted_token(EVERY))
    return Match(
        " AND ".join(words),
        " OR ".join(other_words),
        " AND ".join(characters),
        " OR ".join(other_characters),
    )


def has_words(query: Query) -> bool:
    """Whether a term of the query is of more than a single character."""
    return not all(map(_are_characters, query.terms))


def but_not(wanted: str, excluded: str) -> str:
    """Return the expression for what matches one and not the other, which may be ``""``."""
    return f"({wanted}) NOT ({excluded})" if excluded else wanted


def _marked(query: Query) -> Iterator[Choice]:
    """Yield the phrases of author and section, in the tokens of facets."""
    for kind, choice in ((AUTHOR, query.author), (SECTION, query.section)):
        if choice:
            yield tuple(
                replace(phrase, tokens=tuple(marked(kind, one) for one in phrase.tokens))
                for phrase in choice
            )


def _facets(query: Query) -> Iterator[str]:
    """Yield the tokens of facets that a document must have."""
    if query.outlet:
        yield outlet_token(query.outlet)
    if query.quality is Quality.GENERIC:
        yield GENERIC
    if query.edited:
        yield EDITED


def _excluded_facets(query: Query) -> Iterator[str]:
    if query.quality is Quality.LAYOUT:
        yield GENERIC
    if query.edited is False:
        yield EDITED


def _is_character(phrase: Phrase) -> bool:
    """Whether it is found wherever a word has that character."""
    return phrase.is_prefix and len(phrase.tokens) == 1


def _are_characters(choice: Choice) -> bool:
    return all(map(_is_character, choice))


def _any_of(choice: Choice) -> str:
    return f"({' OR '.join(map(_quoted, choice))})"


def _any_character_of(choice: Choice) -> str:
    return f"({' OR '.join(map(_quoted_character, choice))})"


def _quoted(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.tokens)}"{"*" if phrase.is_prefix else ""}'


def _quoted_character(phrase: Phrase) -> str:
    return _quoted_token(phrase.tokens[0])


def _quoted_token(token: str) -> str:
    return f'"{token}"'
