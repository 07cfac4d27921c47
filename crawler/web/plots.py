"""Plots as SVG, drawn here: bars with a link, a name and a number each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The size of a plot in its own units. The stylesheet gives its width and height, and it is
#: stretched to both: so no text is in it.
_WIDTH, _HEIGHT = 1000, 100
#: The widest bar, and the lowest: what is there is seen, however little it is of the highest.
_WIDEST, _LOWEST = 40.0, 3.0
#: So many bars have a label each; of more, the first and the last have one.
_LABELLED = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what stands under it, what it is for a reader, its value, and where it leads."""

    label: str
    title: str
    value: float
    address: str = ""


def bars(
    found: Sequence[Bar], title: str, highest: float | None = None, *, has_labels: bool = True
) -> Markup:
    """Return bars beside each other; ``highest`` is the value of a full one, else the largest.

    ``title`` is what the plot shows, for readers who do not see it.
    """
    top = highest or max((bar.value for bar in found), default=0) or 1
    wide = _WIDTH / max(1, len(found))
    parts = [_bar(bar, at * wide, wide, min(1.0, bar.value / top)) for at, bar in enumerate(found)]
    drawn = Markup(
        '<svg class="plot" viewBox="0 0 {} {}" preserveAspectRatio="none" role="group"'
        ' aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, title, Markup("".join(parts)))  # noqa: S704  (each is escaped)
    return drawn + axis(found) if has_labels else drawn


def axis(found: Sequence[Bar]) -> Markup:
    """Return the labels under the bars."""
    is_each = len(found) <= _LABELLED
    shown = found if is_each else (found[0], found[-1])
    labels = Markup().join(Markup("<span>{}</span>").format(bar.label) for bar in shown)
    kind = "axis each" if is_each else "axis"
    return Markup('<p class="{}" aria-hidden="true">{}</p>').format(kind, labels)


def _bar(bar: Bar, left: float, wide: float, share: float) -> str:
    """Return a bar as SVG. Markup.format would take ten times as long: a page has hundreds."""
    title = escape(bar.title)
    high = max(_LOWEST, share * _HEIGHT) if bar.value else 0.0
    width = min(_WIDEST, wide * 0.8)
    # The whole column leads there: a low bar is hard to meet.
    drawn = (
        f'<title>{title}</title><rect class="column" x="{left:.2f}" y="0" width="{wide:.2f}"'
        f' height="{_HEIGHT}"/><rect class="bar" x="{left + (wide - width) / 2:.2f}"'
        f' y="{_HEIGHT - high:.2f}" width="{width:.2f}" height="{high:.2f}"/>'
    )
    if bar.address and bar.value:
        return f'<a href="{escape(bar.address)}" aria-label="{title}">{drawn}</a>'
    return f'<g role="img" aria-label="{title}">{drawn}</g>'
