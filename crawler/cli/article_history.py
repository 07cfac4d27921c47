"""An article's history for people: what happened when, and what each revision changed, word by word."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.text import Text

from archive.articles.changes import changed_fields
from archive.articles.deletions import answer_of
from archive.articles.word_diff import Piece, diff
from crawler.cli.tables import print_table, print_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.model.article import Article

#: Marks and colours of what was taken out and put in. The marks stay where there are no colours, or
#: nobody sees them.
_MARKS = {" ": ("", "", ""), "-": ("[-", "-]", "red"), "+": ("{+", "+}", "green")}
_PARAGRAPH = "\n\n"


def print_history(happened: Iterable[HistoryEvent]) -> None:
    """Print what happened, one a row, oldest first."""
    rows = [
        (
            f"{h.at:%Y-%m-%d %H:%M:%S}",
            str(h.revision or ""),
            ", ".join(h.classes) or "first seen",
            _how(h),
        )
        for h in happened
    ]
    print_table(("happened (KST)", "rev", "what", "how much"), rows)


def print_changes(versions: Sequence[StoredArticle]) -> None:
    """Print what each version changed from the one before."""
    for old, new in pairwise(versions):
        classes = ", ".join(new.change["classes"]) if new.change else ""
        print(
            f"\nrevision {old.revision} → {new.revision}, {new.captured_at:%Y-%m-%d %H:%M:%S}: {classes}"
        )
        for line in changed_lines(old, new):
            print_text(line)


def changed_lines(old: StoredArticle, new: StoredArticle) -> Iterator[Text]:
    """The changed fields, a line each; of the body a line for each changed paragraph."""
    for name in changed_fields(old.article, old.layouts, new.article, new.layouts):
        pieces = diff(_field(old.article, name), _field(new.article, name))
        lines = list(_lines(pieces))
        passed = 0
        for line in lines:
            if all(piece.sign == " " for piece in line) and len(lines) > 1:
                passed += 1
                continue
            yield from _passed(passed, name)
            passed = 0
            yield _marked(name, line)
        yield from _passed(passed, name)


def size_text(change: dict[str, Any] | None) -> str:
    """How much of the body changed, ``""`` if nothing did."""
    if not change or change["words_added"] is None:
        return ""
    words, chars = (
        f"+{change[f'{unit}_added']} -{change[f'{unit}_removed']}" for unit in ("words", "chars")
    )
    return f"{words} words, {chars} characters"


def _how(happening: HistoryEvent) -> str:
    capture = happening.capture
    if capture is None:
        return size_text(happening.change)
    answer = answer_of(capture) if capture["revision_id"] is None else str(capture["status"] or "")
    return f"{answer} {capture['url']}".strip()


def _lines(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The pieces parted at paragraph ends; one that was put in or taken out is shown as ¶."""
    line: list[Piece] = []
    for piece in pieces:
        first, *rest = piece.text.split(_PARAGRAPH)
        end = "¶" if piece.sign != " " else ""
        for part in rest:
            yield [*line, Piece(piece.sign, first + end)]
            line, first = [], part
        if first:
            line.append(Piece(piece.sign, first))
    yield line


def _passed(number: int, name: str) -> Iterator[Text]:
    if number:
        yield Text(f"{name:>12}  ({number} unchanged)", style="dim")


def _marked(name: str, line: Iterable[Piece]) -> Text:
    text = Text(f"{name:>12}  ")
    for piece in line:
        before, after, style = _MARKS[piece.sign]
        text.append(f"{before}{piece.text}{after}", style=style)
    return text


def _field(article: Article, name: str) -> str:
    """A field as text; items of a list are paragraphs, so that whole ones are passed over."""
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
