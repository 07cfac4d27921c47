"""Small pieces that both outlets' templates share."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

#: How every page of ours begins: whoever opens the file sees at once that it is nobody's page.
OURS = "<!-- Written by the Sacho project in the shape of"


def notice(outlet: str, layout: str, whose_text: str) -> str:
    """Write the comment that begins every page: that we wrote it, in whose shape, with whose text."""
    return f"{OURS} {outlet}'s pages, layout {layout}, with {whose_text}. It is not a copy of any page. -->"


def text(value: str) -> str:
    """Write the value as HTML text; a no-break space is written as outlets do, ``&nbsp;``."""
    return escape(value, quote=False).replace("\N{NO-BREAK SPACE}", "&nbsp;")


def attr(value: str) -> str:
    """Write the value inside a double-quoted attribute."""
    return escape(value, quote=True)


def items(values: Iterable[str]) -> str:
    """Write the values as ``li`` elements, one a line."""
    return "\n".join(f"<li>{text(value)}</li>" for value in values)


def links(pairs: Iterable[tuple[str, str]]) -> str:
    """Write ``(address, words)`` pairs as ``li`` elements with a link each, one a line."""
    return "\n".join(f'<li><a href="{attr(url)}">{text(words)}</a></li>' for url, words in pairs)


def meta(name: str, content: str) -> str:
    """Write a ``meta property`` line."""
    return f'<meta property="{name}" content="{attr(content)}">'


def dashed(moment: datetime) -> str:
    """``2023-09-05 14:41``."""
    return f"{moment:%Y-%m-%d %H:%M}"


def hangul(moment: datetime) -> str:
    """``2023년09월15일 23:47``."""
    return f"{moment:%Y}년{moment:%m}월{moment:%d}일 {moment:%H:%M}"
