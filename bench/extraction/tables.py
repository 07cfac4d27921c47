"""The figures as tables: for a terminal, and as the page of the documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.extraction.tools import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.extraction.cases import Corpus
    from bench.extraction.measures import Score

#: The columns: what they are called, and the figures in them.
_COLUMNS = (
    ("body P", "body_precision"),
    ("body R", "body_recall"),
    ("body F1", "body_f1"),
    ("foreign lines", "foreign_lines"),
)
_SHARES = (
    ("widget lines", "widget_lines"),
    ("headings", "headings"),
    ("headline", "headline"),
    ("deck", "deck"),
    ("day", "published_day"),
    ("published", "published"),
    ("modified", "modified"),
    ("authors", "authors"),
    ("captions", "captions"),
)
OURS, FALLBACK = "Sacho", "Sacho without layouts"
_NONE = "–"


@dataclass(slots=True)
class Result:
    """What was measured on one corpus, by the name of the reader, and why others were not."""

    corpus: Corpus
    scores: dict[str, Score] = field(default_factory=dict)

    def best_generic(self) -> tuple[str, float] | None:
        """Return the tool with the best F1 of those that know no outlet, with it."""
        generic = [tool.name for tool in TOOLS if not tool.by_outlet and tool.name in self.scores]
        values = {name: self.scores[name].values().get("body_f1", 0.0) for name in generic}
        if not values:
            return None
        best = max(values, key=lambda name: values[name])
        return best, values[best]

    def lead(self) -> str:
        """Return by how much our F1 is ahead of the best generic tool's, as a sentence."""
        best = self.best_generic()
        ours = self.scores[OURS].values().get("body_f1")
        if best is None or ours is None:
            return "No other tool was run."
        return (
            f"Body F1: {OURS} {ours:.3f}, the best generic tool, {best[0]}, {best[1]:.3f}: "
            f"{ours - best[1]:+.3f}."
        )


def rows_of(result: Result) -> list[list[str]]:
    """Return the table of a corpus, its head first: a row for each reader."""
    head = ["reader", "pages", "read", *(title for title, _ in (*_COLUMNS, *_SHARES))]
    return [head, *(_row(name, score) for name, score in result.scores.items())]


def _row(name: str, score: Score) -> list[str]:
    values = score.values()
    cells = [name, str(score.pages), str(score.read)]
    for _, figure in _COLUMNS:
        cells.append(_cell(values.get(figure)))
    for _, figure in _SHARES:
        share = score.shares.get(figure)
        cells.append(f"{share.right}/{share.of}" if share and share.of else _NONE)
    return cells


def _cell(value: float | None) -> str:
    """Return a mean with three places, a number of lines as it is."""
    if value is None:
        return _NONE
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def printed(rows: Sequence[Sequence[str]]) -> str:
    """Return a table with its columns aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    head, *rest = rows
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)]), *map(_line, rest)]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
