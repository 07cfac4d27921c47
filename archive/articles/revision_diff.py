"""What differs between two revisions of an article: field by field, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.differences.changes import changed_fields
from archive.differences.word_diff import Piece, diff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.articles.queries import StoredArticle
    from archive.model.article import Article

_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line of a field with its changed pieces, or a number of ``unchanged`` lines left out."""

    field: str
    pieces: tuple[Piece, ...] = ()
    unchanged: int = 0


def changed_lines(old: StoredArticle, new: StoredArticle) -> Iterator[ChangedLine]:
    """Yield a line for each changed field, and for each changed paragraph of the body."""
    for name in changed_fields(old.article, old.layouts, new.article, new.layouts):
        pieces = diff(field_text(old.article, name), field_text(new.article, name))
        yield from _without_unchanged(name, list(_lines(pieces)))


def field_text(article: Article, name: str) -> str:
    """Return a field as text, each item of a list as a paragraph."""
    value = getattr(article, name)
    if name == "authors":
        return ", ".join(" ".join(filter(None, (a.name, a.role, a.email))) for a in value)
    if name == "images":
        return _PARAGRAPH.join(" ".join(filter(None, (i.caption, i.credit, i.url))) for i in value)
    if name == "tags":
        return ", ".join(value)
    if isinstance(value, tuple):
        return _PARAGRAPH.join(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value or "")


def _without_unchanged(name: str, lines: Sequence[tuple[Piece, ...]]) -> Iterator[ChangedLine]:
    """Yield the changed lines, and in place of unchanged ones their number."""
    unchanged = 0
    for line in lines:
        if len(lines) > 1 and all(piece.sign == " " for piece in line):
            unchanged += 1
            continue
        if unchanged:
            yield ChangedLine(name, unchanged=unchanged)
            unchanged = 0
        yield ChangedLine(name, line)
    if unchanged:
        yield ChangedLine(name, unchanged=unchanged)


def _lines(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, ...]]:
    """Yield the pieces split at paragraph ends; a removed or inserted one is shown as ¶."""
    line: list[Piece] = []
    for piece in pieces:
        first, *rest = piece.text.split(_PARAGRAPH)
        end = "¶" if piece.sign != " " else ""
        for part in rest:
            yield (*line, Piece(piece.sign, first + end))
            line, first = [], part
        if first:
            line.append(Piece(piece.sign, first))
    yield tuple(line)
