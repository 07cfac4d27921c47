"""Undo the marks that tools put into text renderings of pages: Markdown, bullets, wrapped lines.

What a mark stood for (a heading, a list) is lost in other renderings of the same page, so none of
it is kept: every tool's rendering of a page shall give the same lines.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING

from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: The block of fields before a document: `---`, `title: …`, `---`.
_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n((?:[a-z_]+:[^\n]*\n|[ -][^\n]*\n){1,40})---[ \t]*\n")
_TITLE = re.compile(r"^title: ?(?:\"(.*)\"|'(.*)'|(.*))[ \t]*$", re.MULTILINE)
#: The list of addresses that lynx prints behind a page, whose numbers it prints before each link.
_REFERENCES = re.compile(
    r"\nReferences[ \t]*\n\s*(?:(?: {0,3}(?:Visible|Hidden) links:?)?\s*\d+\. \S+\s*)+$"
)
_REFERENCE = re.compile(r"\[\d{1,3}\](?=\S)")
_LINK_TEXT = r"((?:[^\[\]\n]|\[[^\[\]\n]{0,200}\]){0,400})"
_ADDRESS = (
    r"\((?:https?:|mailto:|/|#|about:|data:)?[^\s()]{0,2000}(?: [\"'][^\"'\n]{0,200}[\"'])?\)"
)
_IMAGE = re.compile(rf"!\[{_LINK_TEXT}\]{_ADDRESS}")
_LINK = re.compile(rf"\[{_LINK_TEXT}\]\((?=https?:|mailto:|/|#){_ADDRESS[2:]}")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")
_STRONG = re.compile(r"\*\*(?=\S)(.{1,400}?)(?<=\S)\*\*")
_EMPHASIS = re.compile(r"(?<![^\s|>)])([*_])(?=[^\s*_])([^*_\n]{1,400}?)(?<=[^\s*_])\1(?![^\s|<])")
_RULER = re.compile(r"(?:[=\-_*]{3,}|[|:\-\s]*-{3,}[|:\-\s]*)")
_HEADING = re.compile(r"#{1,6}\s+(?=\S)")
_BULLET = re.compile(r"(?:[•◦▪*+-]|:)\s+(?=\S)|[•◦▪*+-]$|>\s+(?=\S)")
#: A button and a frame in lynx and elinks, and a picture: in w3m the beginning of its file's name,
#: in pandoc nothing.
_OTHER = re.compile(r"\(BUTTON\)|^IFRAME: \S+$|^I[Ff]rame$|^\[[\w.-]{1,20}\]$|^\[\]", re.ASCII)
#: HTML's tags, which Markdown may hold.
_TAG = re.compile(
    r"</?(?:a|article|b|br|div|em|figure|font|footer|h[1-6]|header|i|iframe|img|nav|p|section|small"
    r"|span|strong|time|u|ul|li|table|tbody|tr|td|th)(?:\s[^<>]{0,2000})?/?>"
)
#: Lines that begin no sentence's second half: the captions and datelines of Korean outlets.
_BEGINS = re.compile(r"[▲\[]")
_ENDS = re.compile(r"[다요][.”\"]*$")
_LINE_ENDS = re.compile(r"\n+")
#: Fewer line ends are doubled by chance.
_LEAST_ENDS = 8
#: Columns of the narrowest and the widest page on which tools wrap lines.
_NARROW, _WIDE = 60, 100
#: So many lines end where the next word would not have fitted, if a tool wrapped the text.
_WRAPPED = 3
_UNWRAPPED = 3


@dataclass(frozen=True, slots=True)
class Rendering:
    """A text rendering without marks: its cleaned lines, empty ones included, and its title.

    ``bulleted`` are the same lines, each with its bullet if it is an item of a list.
    """

    lines: tuple[str, ...]
    bulleted: tuple[str, ...]
    title: str = ""


def read_rendering(text: str) -> Rendering:
    """Return the lines of a text rendering as the page prints them."""
    title = ""
    text = _with_single_ends(dedent(text.replace("\r\n", "\n")))
    front = _FRONT_MATTER.match(text)
    if front:
        stated = _TITLE.search(front[1])
        title = clean(stated[stated.lastindex or 0]) if stated else ""
        text = text[front.end() :]
    references = _REFERENCES.search(text)
    if references:
        text = _REFERENCE.sub("", text[: references.start()])
    read = [_without_marks(raw) for raw in _unwrapped(text.splitlines())]
    lines = tuple(line for _, line in read)
    return Rendering(lines, tuple(f"{bullet}{line}" for bullet, line in read), title)


def _with_single_ends(text: str) -> str:
    """Return the text; if each of its line ends is doubled, and some were blank lines, with half.

    Otherwise the lines of a paragraph that a tool wrapped would be paragraphs of their own.
    """
    runs = [len(run) for run in _LINE_ENDS.findall(text.strip("\n"))]
    if len(runs) < _LEAST_ENDS or max(runs) < 4 or any(run % 2 for run in runs):
        return text
    return _LINE_ENDS.sub(lambda run: run[0][: len(run[0]) // 2], text)


def _without_marks(raw: str) -> tuple[str, str]:
    """Return the line's bullet with the blank behind it, and the line as the page prints it."""
    line = raw.strip()
    if "<" in line:
        line = _TAG.sub("", line).strip()
    if _RULER.fullmatch(line):
        return "", ""
    line = _HEADING.sub("", line, count=1) if line.startswith("#") else line
    bare = line
    while _BULLET.match(bare):
        bare = _BULLET.sub("", bare, count=1)
    bullet = f"{line[0]} " if bare != line else ""
    if bare.startswith("| ") or bare == "|":
        bare = bare.strip("| ")
    bare = _OTHER.sub("", _LINK.sub(r"\1", _IMAGE.sub("", bare)))
    # A mark that is left alone has its other half in another line.
    bare = _STRONG.sub(r"\1", bare).removeprefix("**").removesuffix("**")
    bare = _EMPHASIS.sub(r"\2", bare)
    bare = clean(_ESCAPE.sub(r"\1", bare))
    return (bullet if bare else ""), bare


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Return the lines with those joined that a tool wrapped at the width of a page."""
    pairs = [(i, *pair) for i, pair in enumerate(pairwise(lines), 1) if _continues(*pair)]
    for measure in (len, _columns):
        width = max((measure(line) for _, line, _ in pairs), default=0)
        if not _NARROW <= width <= _WIDE or _has_long_lines(lines, measure, width):
            continue
        joints = {i for i, line, after in pairs if measure(f"{line} {_word(after)}") > width}
        # A page may print a sentence a line; only a tool ends many lines within sentences.
        if sum(1 for i in joints if not _ENDS.search(lines[i - 1].strip())) >= _WRAPPED:
            return list(_joined(lines, joints))
    return list(lines)


def _has_long_lines(lines: Sequence[str], measure: Callable[[str], int], width: int) -> bool:
    """Whether more than a heading and a table, which no tool wraps, are wider than the page."""
    return sum(1 for line in lines if " " in line.strip() and measure(line) > width) > _UNWRAPPED


def _joined(lines: Sequence[str], joints: Iterable[int]) -> Iterable[str]:
    joined: list[str] = []
    for i, line in enumerate(lines):
        if i in joints:
            joined[-1] = f"{joined[-1].rstrip()} {line.strip()}"
        else:
            joined.append(line)
    return joined


def _continues(line: str, after: str) -> bool:
    """Whether the second line may be of the same paragraph."""
    return bool(
        line.strip()
        and after.strip()
        and not line.endswith("  ")  # Markdown's own end of a line
        and not _BULLET.match(after.strip())
        and not _RULER.fullmatch(line.strip())
        and not _RULER.fullmatch(after.strip())
        and not (_BEGINS.match(after.strip()) and _ENDS.search(line.strip()))
    )


def _word(line: str) -> str:
    words = line.split(maxsplit=1)
    return words[0] if words else ""


def _columns(line: str) -> int:
    """Return the width of a line on a terminal, where Hangul is two columns wide."""
    return len(line) + sum(1 for sign in line if unicodedata.east_asian_width(sign) in "WF")
