"""Snippets: the part of an article in which a query's terms stand, with these marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.index.rows.article_rows import search_columns
from archive.index.search.marks import find_marks

if TYPE_CHECKING:
    from archive.index.search.marks import Mark
    from archive.index.search.query import Query
    from archive.model.article import Article

#: Characters in front of the first mark, and of the whole.
_BEFORE, _LENGTH = 20, 70
#: How far the first character is moved to the begin of a word.
_NEAR = 10


class Snippet(NamedTuple):
    """A part of an article on one line; ``marks`` are begin and end of what a query matched."""

    text: str
    marks: tuple[Mark, ...]


def snippet_of(article: Article, query: Query) -> Snippet:
    """Return the part of the body, or else of the headlines, around the first match.

    Without a match, as where a query has no term, it is the begin of the body, and has no marks.
    """
    headlines, body = search_columns(article)
    phrases = [phrase for choice in query.terms for phrase in choice]
    for text in (body, headlines) if phrases else ():
        marks = find_marks(text, phrases)
        if marks:
            return _around(text, marks)
    return _around(body or headlines, [])


def _around(text: str, marks: list[Mark]) -> Snippet:
    first = marks[0][0] if marks else 0
    begin = max(0, first - _BEFORE)
    if begin:
        blank = text.find(" ", begin, min(begin + _NEAR, first))
        begin = blank + 1 if blank >= 0 else begin
    end = min(len(text), max(begin + _LENGTH, marks[0][1] if marks else 0))
    cut = "…" if begin else ""
    shift = len(cut) - begin
    shown = tuple((at + shift, min(to, end) + shift) for at, to in marks if at < end)
    # One character for another: no mark is moved.
    line = "".join(" " if sign.isspace() else sign for sign in text[begin:end])
    return Snippet(f"{cut}{line}{'…' if end < len(text) else ''}", shown)
