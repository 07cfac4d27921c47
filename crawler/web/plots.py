"""Plots as SVG, drawn here: bars with a link, a name and a number each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The size of a plot in its own units; a page stretches it to its width.
WIDTH, HEIGHT = 720, 120
_BASE = HEIGHT - 18
#: A label under every so many bars at most.
_LABELS = 8
_GAP = 0.2
#: Few bars are no wider than this.
_WIDEST = 48


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what stands under it, what it is for a reader, its value, and where it leads."""

    label: str
    title: str
    value: float
    address: str = ""


def bars(found: Sequence[Bar], title: str, highest: float | None = None) -> Markup:
    """Return bars beside each other; ``highest`` is the value of a full one, else the largest.

    ``title`` is what the plot shows, for readers who do not see it.
    """
    top = highest or max((bar.value for bar in found), default=0) or 1
    wide = min(WIDTH / max(1, len(found)), _WIDEST)
    every = -(-len(found) // _LABELS)
    parts = [_bar(bar, at * wide, wide, min(1.0, bar.value / top)) for at, bar in enumerate(found)]
    labels = [
        Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
            _label_at(at, wide), HEIGHT - 4, "start" if at == 0 else "middle", bar.label
        )
        for at, bar in enumerate(found)
        if at % every == 0 and (at == 0 or (at + 0.5) * wide < WIDTH - 30)
    ]
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="group" aria-label="{}">'
        '<line class="base" x1="0" x2="{}" y1="{}" y2="{}"/>{}<g aria-hidden="true">{}</g></svg>'
    ).format(WIDTH, HEIGHT, title, WIDTH, _BASE, _BASE, Markup().join(parts), Markup().join(labels))


def _label_at(at: int, wide: float) -> float:
    return 0 if at == 0 else (at + 0.5) * wide


def _bar(bar: Bar, left: float, wide: float, share: float) -> Markup:
    # What is there is seen, however little it is of the largest.
    high = max(2.0, share * (_BASE - 6)) if bar.value else 0.0
    # The whole column leads there: a low bar is hard to meet.
    column = Markup('<rect class="column" x="{:.2f}" y="0" width="{:.2f}" height="{}"/>').format(
        left, wide, _BASE
    )
    shown = Markup(
        '<rect class="bar" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>'
    ).format(left + wide * _GAP / 2, _BASE - high, wide * (1 - _GAP), high)
    drawn = Markup("<title>{}</title>{}{}").format(bar.title, column, shown)
    if bar.address and bar.value:
        return Markup('<a href="{}" aria-label="{}">{}</a>').format(bar.address, bar.title, drawn)
    return Markup('<g role="img" aria-label="{}">{}</g>').format(bar.title, drawn)
