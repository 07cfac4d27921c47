"""Tables for people: fitted to a terminal, never wrapped into a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

    from archive.articles.queries import StoredArticle

#: Wider than any line of a table: into a pipe or file, one row is one line.
_UNWRAPPED = 10_000


class _Pipe(Console):
    """A console that leaves it to the verb what a closed pipe means; rich's own ends the process with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", figures: int = 0
) -> None:
    """Print a table to stdout; nothing for no rows. The last ``figures`` columns are aligned right."""
    table = Table(title=title or None, title_justify="left")
    for at, name in enumerate(columns):
        # Folding keeps every syllable; rich's other ways of breaking drop some next to wide
        # characters.
        justify: Literal["left", "right"] = "right" if at >= len(columns) - figures else "left"
        table.add_column(
            name, justify=justify, overflow="fold", no_wrap=figures > 0 or at < len(columns) - 1
        )
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        _Pipe(
            width=None if sys.stdout.isatty() else _UNWRAPPED, markup=False, highlight=False
        ).print(table)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, last: int = 24) -> None:
    """Print rows as a table, or each as lines of its own on a terminal that is too narrow for one.

    The last column is folded, to no less than ``last``. A cell is one line; what has nothing to say
    is ``–``.
    """
    console = _Pipe(
        width=None if sys.stdout.isatty() else _UNWRAPPED, markup=False, highlight=False
    )
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    needed = sum(widths[:-1]) + min(widths[-1], last) + 3 * len(columns) + 1
    if needed <= console.width:
        print_table(columns, rows)
        return
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if cell != "–":
                console.print(f"{name}: {cell}", soft_wrap=True)
        console.print()


def print_text(text: Text) -> None:
    """Print a line, with its colours on a terminal only; it is broken nowhere."""
    _Pipe(markup=False, highlight=False).print(text, soft_wrap=True)


def print_articles(found: Iterable[StoredArticle]) -> None:
    """Print articles, one a row: name, time of publication, revision, headline."""
    rows = []
    for stored in found:
        article = stored.article
        published = f"{article.published_at:%Y-%m-%d %H:%M}" if article.published_at else ""
        rows.append(
            (
                f"{article.outlet}/{article.article_id}",
                published,
                str(stored.revision),
                article.headline,
            )
        )
    print_table(("article", "published", "rev", "headline"), rows)
