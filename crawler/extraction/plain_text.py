"""Reading a page's text rendering: no markup, so the printed stamps are the anchor. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.page import Printed
from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.model.layout import TextForm
    from pipelines.page import Rules

_DECK_LINE = 80
_SENTENCE_END = re.compile(r"[다요까]\.?[\"”'’)]?$|[.?!][\"”'’)]?$")


def recognises(form: TextForm, text: str) -> bool:
    """Whether the text prints everything that this outlet's pages print."""
    return all(re.search(pattern, text, re.MULTILINE) for pattern in form.recognise)


def read_text(text: str, form: TextForm, rules: Rules) -> Printed | None:
    """Read a text rendering; None if no line prints the stamps, or no line before it can be the headline.

    Lines that a widget rule will drop stay among the blocks, so that they are dropped, and kept, in
    one place.
    """
    lines = [clean(line) for line in text.splitlines()]
    times = [i for i, line in enumerate(lines) if re.fullmatch(form.times, line)]
    if not times:
        return None
    start = times[0]
    headline = next(
        (i for i in range(start - 1, -1, -1) if lines[i] and not rules.widgets.line_rule(lines[i])),
        None,
    )
    if headline is None:
        return None
    # The stamps of the article stand together; a later one belongs to another article's teaser.
    stamps = [
        i
        for i in times
        if not any(lines[start:i]) or all(j in times or not lines[j] for j in range(start, i))
    ]
    before, after = lines[:headline], lines[stamps[-1] + 1 :]
    section, before = _section(before, form)
    captions = [
        ("", line) for line in rules.widgets.article_part(after) if _is_caption(line, rules)
    ]
    after = [line for line in after if ("", line) not in captions]
    deck = _deck(after, rules) if form.deck else []
    if deck:
        at = after.index(deck[0])
        after = after[:at] + after[at + len(deck) :]
    return Printed(
        layout="text",
        headline=lines[headline],
        subheadlines=tuple(deck),
        section=section,
        times=" ".join(lines[i] for i in stamps),
        blocks=tuple(line for line in (*before, *after) if line),
        captions=tuple(captions),
    )


def _section(before: Sequence[str], form: TextForm) -> tuple[str, list[str]]:
    """The line behind the section's marker, and the lines without it."""
    lines = [line for line in before if line]
    if form.section_after in lines[:-1]:
        at = lines.index(form.section_after) + 1
        return lines[at], lines[:at] + lines[at + 1 :]
    return "", lines


def _is_caption(line: str, rules: Rules) -> bool:
    return any(re.fullmatch(pattern, line, re.DOTALL) for pattern in rules.caption)


def _deck(lines: Sequence[str], rules: Rules) -> list[str]:
    """The first block of lines, if it is short lines without a sentence's end and more text follows it."""
    block: list[str] = []
    for i, line in enumerate(lines):
        if line and not rules.widgets.line_rule(line):
            block.append(line)
        elif block:
            rest = rules.widgets.article_part(lines[i:])
            headings = all(
                len(entry) <= _DECK_LINE and not _SENTENCE_END.search(entry) for entry in block
            )
            return block if headings and any(rest) else []
    return []
