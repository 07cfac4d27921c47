"""Texts with marks, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from crawler.cli.output.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


def marked(text: str, marks: Iterable[tuple[int, int]]) -> Markup:
    """Return a text as HTML with ``<mark>`` around these parts, each a begin and an end."""
    parts: list[Markup] = []
    at = 0
    for begin, end in marks:
        parts.append(escape(printable(text[at:begin])))
        parts.append(Markup("<mark>{}</mark>").format(printable(text[begin:end])))
        at = end
    parts.append(escape(printable(text[at:])))
    return Markup().join(parts)
