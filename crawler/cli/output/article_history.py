"""Prints an article's history, and what each revision changed, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.text import Text

from archive.articles.changes import changed_fields
from archive.articles.word_diff import Piece, diff
from crawler.cli.output.printable import printable_lines
from crawler.cli.output.tables import print_table, print_text
from crawler.cli.output.times import kst_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.model.article import Article

#: Marks before and after a removed or inserted piece, and its colour. The marks are shown with
#: the colours, because not every output and not every reader has colours.
_MARKS = {" ": ("", "", ""), "-": ("[-", "-]", "red"), "+": ("{+", "+}", "green")}
_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line of a field with its changed pieces, or a number of ``unchanged`` lines left out."""

    field: str
    pieces: tuple[Piece, ...] = ()
    unchanged: int = 0


def print_history(happened: Iterable[HistoryEvent]) -> None:
    """Print the events in a table, oldest first."""
    rows = []
    for event in happened:
        what = ", ".join(event.classes) or "first seen"
        rows.append((kst_second(event.at), str(event.revision or ""), what, _amount(event)))
    print_table(("happened (KST)", "rev", "what", "how much"), rows)


def print_changes(versions: Sequence[StoredArticle]) -> None:
    """Print what each revision changed from the one before."""
    for old, new in pairwise(versions):
        classes = ", ".join(new.change["classes"]) if new.change else ""
        at = kst_second(new.captured_at)
        print(f"\nrevision {old.revision} → {new.revision}, {at}: {classes}")
        for line in changed_lines(old, new):
            print_text(_marked(line))


def changed_lines(old: StoredArticle, new: StoredArticle) -> Iterator[ChangedLine]:
    """Yield a line for each changed field, and for each changed paragraph of the body."""
    for name in changed_fields(old.article, old.layouts, new.article, new.layouts):
        pieces = diff(_field_text(old.article, name), _field_text(new.article, name))
        yield from _without_unchanged(name, list(_lines(pieces)))


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


def size_text(change: dict[str, Any] | None) -> str:
    """Return how much of the body changed, ``""`` if nothing did."""
    if not change or change["words_added"] is None:
        return ""
    words = f"+{change['words_added']} -{change['words_removed']} words"
    characters = f"+{change['chars_added']} -{change['chars_removed']} characters"
    return f"{words}, {characters}"


def _amount(event: HistoryEvent) -> str:
    """Return the size of a change, or what an outlet answered where that is the event."""
    capture = event.capture
    if capture is None:
        return size_text(event.change)
    answer = str(capture.status or "")
    if capture.revision_id is None:
        answer = capture.sign_of_deletion
    return f"{answer} {capture.url}".strip()


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


def _marked(line: ChangedLine) -> Text:
    """Return a line with its marks and colours."""
    if line.unchanged:
        return Text(f"{line.field:>12}  ({line.unchanged} unchanged)", style="dim")
    text = Text(f"{line.field:>12}  ")
    for piece in line.pieces:
        before, after, style = _MARKS[piece.sign]
        text.append(f"{before}{printable_lines(piece.text)}{after}", style=style)
    return text


def _field_text(article: Article, name: str) -> str:
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
