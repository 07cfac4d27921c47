"""Tables on stdout: fitted to a terminal, not wrapped in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archive.model.article import Quality
from crawler.cli.output.printable import printable, raw_stream
from crawler.cli.output.times import kst_minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.articles.queries import StoredArticle
    from archive.articles.snippets import Snippet

    #: What stands in a cell; a `Text` is safe to print already.
    Cell = str | Text

#: Wider than any table's line: in a pipe or a file, a row is one line.
_UNWRAPPED = 10_000
#: The cells that a text in the last column may be folded to.
_FOLDED = 24
#: Cells without anything to say.
_EMPTY = ("", "–")


class _Pipe(Console):
    """A console that leaves a closed pipe to the command; rich's own exits with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, figures: int = 0
) -> None:
    """Print rows as a table, or as a block of lines each where the terminal is too narrow for it.

    The last ``figures`` columns are right-aligned. If there are none, the last column is folded to
    `_FOLDED` cells where it has to be; no other text is ever folded or cut. Without rows, nothing
    is printed.
    """
    if not rows:
        return
    shown = [[printable(one) if isinstance(one, str) else one for one in row] for row in rows]
    console = _console()
    if _least_width(columns, shown, figures) <= console.width:
        console.print(_table(columns, shown, figures))
    else:
        _print_blocks(console, columns, shown)


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[Cell]], figures: int) -> int:
    """Return the width of the narrowest table in which nothing but the last column is folded."""
    widths = [max(map(_width, column)) for column in zip(columns, *rows, strict=True)]
    last = widths[-1] if figures else min(widths[-1], _FOLDED)
    return sum(widths[:-1]) + last + 3 * len(columns) + 1


def _width(cell: Cell) -> int:
    return max(map(cell_len, str(cell).split("\n")))


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], figures: int) -> Table:
    table = Table()
    for at, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if at >= len(columns) - figures else "left"
        no_wrap = figures > 0 or at < len(columns) - 1
        # Folding keeps every syllable; rich's other overflow methods drop some of them next to
        # wide characters.
        table.add_column(name, justify=justify, overflow="fold", no_wrap=no_wrap)
    for row in rows:
        table.add_row(*row)
    return table


def _print_blocks(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a line for each cell that says anything, and an empty line behind each row."""
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if cell not in _EMPTY:
                console.print(Text(f"{name}: ").append(cell), soft_wrap=True)
        console.print()


def print_text(text: Text) -> None:
    """Print a line, safe already, without wrapping it; with colours on a terminal only."""
    _Pipe(file=raw_stream(sys.stdout), markup=False, highlight=False).print(text, soft_wrap=True)


def print_articles(found: Iterable[StoredArticle], snippets: Iterable[Snippet] = ()) -> None:
    """Print articles in a table: name, publication time, revision, headline, and snippet if any.

    Those that no layout read are marked in a column that is left out without them. On a terminal a
    snippet stands below its headline, its marks in bold; elsewhere in a column, in «».
    """
    articles = list(found)
    lines = list(snippets)
    has_generic = any(one.article.quality is Quality.GENERIC for one in articles)
    rows: list[list[str | Text]] = []
    for stored in articles:
        article = stored.article
        name = f"{article.outlet}/{article.article_id}"
        published = kst_minute(article.published_at) if article.published_at else ""
        quality = [article.quality.value] if has_generic else []
        rows.append([name, published, str(stored.revision), *quality, article.headline])
    columns = ["article", "published", "rev", *["quality"][: int(has_generic)], "headline"]
    if lines and sys.stdout.isatty():
        for row, snippet in zip(rows, lines, strict=True):
            row[-1] = Text("\n").join([Text(printable(str(row[-1]))), _in_bold(snippet)])
    elif lines:
        columns.append("match")
        for row, snippet in zip(rows, lines, strict=True):
            row.append(_in_marks(snippet))
    print_table(columns, rows)


def _in_bold(snippet: Snippet) -> Text:
    shown = Text(printable(snippet.text), style="dim")
    for begin, end in snippet.marks:
        shown.stylize("bold not dim", begin, end)
    return shown


def _in_marks(snippet: Snippet) -> str:
    pieces: list[str] = []
    at = 0
    for begin, end in snippet.marks:
        pieces += [snippet.text[at:begin], "«", snippet.text[begin:end], "»"]
        at = end
    return "".join([*pieces, snippet.text[at:]])


def _console() -> Console:
    """Return a console of the terminal's width, or of unlimited width for a pipe or a file."""
    width = None if sys.stdout.isatty() else _UNWRAPPED
    return _Pipe(file=raw_stream(sys.stdout), width=width, markup=False, highlight=False)
