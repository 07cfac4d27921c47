"""Read a page's text rendering, which has no markup: the lines with the printed times anchor it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.page import Printed
from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.model.layout import TextForm
    from pipelines.page import Rules

#: Longest line that may be part of a deck.
_DECK_LINE = 80
_SENTENCE_END = re.compile(r"[다요까]\.?[\"”'’)]?$|[.?!][\"”'’)]?$")


def recognises(form: TextForm, text: str) -> bool:
    """Whether the text prints everything that this outlet's pages print."""
    return all(re.search(pattern, text, re.MULTILINE) for pattern in form.recognise)


def read_text(text: str, form: TextForm, rules: Rules) -> Printed | None:
    """Return what a text rendering prints.

    None if no line prints the times, or no line before them can be the headline. Lines that a
    widget rule will drop stay among the blocks, so that one place drops and keeps them.
    """
    lines = [clean(line) for line in text.splitlines()]
    times = _times_of_article(lines, form)
    if not times:
        return None
    headline = _headline_before(times[0], lines, rules)
    if headline is None:
        return None
    section, before = _split_section(lines[:headline], form)
    captions, after = _split_captions(lines[times[-1] + 1 :], rules)
    deck: list[str] = []
    if form.deck:
        deck, after = _split_deck(after, rules)
    return Printed(
        layout="text",
        headline=lines[headline],
        subheadlines=tuple(deck),
        section=section,
        times=" ".join(lines[i] for i in times),
        blocks=tuple(line for line in (*before, *after) if line),
        captions=tuple(captions),
    )


def _times_of_article(lines: Sequence[str], form: TextForm) -> list[int]:
    """Return the indices of the first lines with times, as long as only empty lines separate them.

    A later one belongs to the teaser of another article.
    """
    found: list[int] = []
    for i, line in enumerate(lines):
        if re.fullmatch(form.times, line):
            found.append(i)
        elif found and line:
            break
    return found


def _headline_before(end: int, lines: Sequence[str], rules: Rules) -> int | None:
    """Return the index of the last line before ``end`` that is neither empty nor a widget's."""
    for i in range(end - 1, -1, -1):
        if lines[i] and not rules.widgets.line_rule(lines[i]):
            return i
    return None


def _split_section(before: Sequence[str], form: TextForm) -> tuple[str, list[str]]:
    """Return the line after the section's marker, ``""`` if there is none, and the other lines."""
    lines = [line for line in before if line]
    if form.section_after in lines[:-1]:
        at = lines.index(form.section_after) + 1
        return lines[at], lines[:at] + lines[at + 1 :]
    return "", lines


def _split_captions(after: Sequence[str], rules: Rules) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the captions, each with an empty image address, and the lines that are none."""
    captions = [line for line in rules.widgets.article_part(after) if _is_caption(line, rules)]
    rest = [line for line in after if line not in captions]
    return [("", line) for line in captions], rest


def _is_caption(line: str, rules: Rules) -> bool:
    return any(re.fullmatch(pattern, line, re.DOTALL) for pattern in rules.caption)


def _split_deck(lines: Sequence[str], rules: Rules) -> tuple[list[str], list[str]]:
    """Return the lines of the deck, if there is one, and the other lines."""
    deck = _deck(lines, rules)
    if not deck:
        return [], list(lines)
    at = lines.index(deck[0])
    return deck, [*lines[:at], *lines[at + len(deck) :]]


def _deck(lines: Sequence[str], rules: Rules) -> list[str]:
    """Return the first block of lines, if all are headings and more text follows the block."""
    block: list[str] = []
    for i, line in enumerate(lines):
        if line and not rules.widgets.line_rule(line):
            block.append(line)
        elif block:
            has_text = any(rules.widgets.article_part(lines[i:]))
            return block if has_text and all(map(_is_heading, block)) else []
    return []


def _is_heading(line: str) -> bool:
    """Whether a line is short and does not end a sentence."""
    return len(line) <= _DECK_LINE and not _SENTENCE_END.search(line)
