"""Prints an article's history, and what each revision changed, word by word."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.text import Text

from archive.articles.revision_diff import changed_lines
from crawler.cli.output.printable import printable_lines
from crawler.cli.output.tables import print_table, print_text
from crawler.cli.output.times import kst_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.articles.revision_diff import ChangedLine

#: Marks before and after a removed or inserted piece, and its colour. The marks are shown with
#: the colours, because not every output and not every reader has colours.
_MARKS = {" ": ("", "", ""), "-": ("[-", "-]", "red"), "+": ("{+", "+}", "green")}


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


def _marked(line: ChangedLine) -> Text:
    """Return a line with its marks and colours."""
    if line.unchanged:
        return Text(f"{line.field:>12}  ({line.unchanged} unchanged)", style="dim")
    text = Text(f"{line.field:>12}  ")
    for piece in line.pieces:
        before, after, style = _MARKS[piece.sign]
        text.append(f"{before}{printable_lines(piece.text)}{after}", style=style)
    return text
