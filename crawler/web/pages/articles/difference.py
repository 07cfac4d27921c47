"""What differs between two revisions, as HTML: in one column, or in two beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from archive.articles.revision_diff import changed_lines
from archive.differences.changes import change_between
from crawler.cli.output.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.articles.queries import StoredArticle
    from archive.articles.revision_diff import ChangedLine
    from archive.differences.word_diff import Piece
    from crawler.web.messages import Words

#: What a page shows of a difference: so many lines, and about so many characters.
_LINES, _CHARACTERS = 300, 200_000
#: By sign: the element, and what a reader hears who does not see that it is one.
_ELEMENTS = {"-": ("del", "history.removed"), "+": ("ins", "history.added")}


@dataclass(frozen=True, slots=True)
class Difference:
    """Two revisions, the change from one to the other as the index has it, and the lines."""

    old: StoredArticle
    new: StoredArticle
    change: dict[str, Any]
    lines: tuple[ChangedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as HTML: with all pieces, as it was, and as it became; or how many were left out."""

    both: Markup | None = None
    old: Markup | None = None
    new: Markup | None = None
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class FieldLines:
    """The lines of a field that are shown."""

    name: str
    lines: tuple[Line, ...]


def compared(old: StoredArticle, new: StoredArticle) -> Difference:
    """Return what differs; of texts of a megabyte that takes a second."""
    change = new.change
    if change is None or new.revision != old.revision + 1:
        found = change_between(old.article, old.layouts, new.article, new.layouts)
        change = found.as_values()
    return Difference(old, new, change, tuple(changed_lines(old, new)))


def shown(lines: Sequence[ChangedLine], words: Words) -> tuple[list[FieldLines], int]:
    """Return the lines by field as far as a page shows them, and how many it does not."""
    found: list[tuple[str, Line]] = []
    left = _CHARACTERS
    for line in lines[:_LINES]:
        if left <= 0:
            break
        found.append((line.field, _line(line, words, left)))
        left -= sum(len(piece.text) for piece in line.pieces)
    fields = [
        FieldLines(name, tuple(line for _, line in group))
        for name, group in groupby(found, key=lambda one: one[0])
    ]
    return fields, len(lines) - len(found)


def _line(line: ChangedLine, words: Words, left: int) -> Line:
    if line.unchanged:
        return Line(unchanged=line.unchanged)
    pieces = [(piece, _piece(piece, words, left)) for piece in line.pieces]
    return Line(
        both=Markup().join(html for _, html in pieces),
        old=Markup().join(html for piece, html in pieces if piece.sign != "+"),
        new=Markup().join(html for piece, html in pieces if piece.sign != "-"),
    )


def _piece(piece: Piece, words: Words, most: int) -> Markup:
    text = printable_lines(piece.text[:most])
    if len(piece.text) > most:
        text += "…"
    if piece.sign == " ":
        return escape(text)
    element, said = _ELEMENTS[piece.sign]
    return Markup(
        '<{0}><span class="hidden">[{1}: </span>{2}<span class="hidden">]</span></{0}>'
    ).format(
        element,
        words(said),
        text,
    )


def difference_object(difference: Difference) -> dict[str, Any]:
    """Return a difference as a JSON object: by field, lines of pieces with their signs."""
    return {
        "from": difference.old.revision,
        "to": difference.new.revision,
        "change": difference.change,
        "fields": {
            name: [_line_object(line) for line in lines]
            for name, lines in groupby(difference.lines, key=lambda one: one.field)
        },
    }


def _line_object(line: ChangedLine) -> dict[str, Any]:
    if line.unchanged:
        return {"unchanged": line.unchanged}
    return {"pieces": _pieces_object(line.pieces)}


def _pieces_object(pieces: Iterable[Piece]) -> list[list[str]]:
    return [[piece.sign, piece.text] for piece in pieces]
