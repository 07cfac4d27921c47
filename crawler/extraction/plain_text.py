"""Read a page's text rendering, which has no markup: the lines with the printed times anchor it.

Only what stands between the times and the tail can be the reporter's text. Other lines go under
widget rules, or under ``outside_article``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.model.article import TEXT_LAYOUT, Removed
from crawler.extraction.rendering_marks import Rendering, read_rendering
from pipelines.page import Printed
from pipelines.widget_rules import is_report, sift

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crawler.model.layout import TextForm
    from pipelines.page import Rules

#: Longest line that may be part of a deck, and most lines of one.
_DECK_LINE = 80
_DECK_LINES = 5
#: Longest line that names a section, and most lines of an aside.
_SECTION_LINE = 10
_ASIDE_LINES = 12
_SENTENCE_END = re.compile(r"[다요]\.\s|[다요까]\.?[\"”'’)]?$|[.?!][\"”'’)]?$")
_LETTER = re.compile(r"[^\W\d_]")
_TAGS = re.compile(r"(?:#[^\s#]{1,40}\s*)+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: What may stand between two times in a line of nothing but times.
_BETWEEN = r"[\s|·,\[\]]*"
OUTSIDE = "outside_article"


def recognises(form: TextForm, text: str) -> bool:
    """Whether the text prints everything that this outlet's pages print."""
    return all(re.search(pattern, text, re.MULTILINE) for pattern in form.recognise)


@dataclass(slots=True)
class _Parts:
    """The lines of a page as they are sorted.

    ``rest`` are those behind the times, each in its place; one that is sorted out becomes empty.
    """

    rest: list[str]
    removed: list[Removed]

    def outside(self, lines: Sequence[str], rules: Rules) -> None:
        """Add lines that are not the article's to the removed ones."""
        kept, removed = sift([line for line in lines if line], rules.widgets)
        self.removed += removed
        if kept:
            self.removed.append(Removed(OUTSIDE, "\n".join(kept)))


def read_text(text: str, form: TextForm, rules: Rules) -> Printed:
    """Return what a text rendering prints.

    Fields are empty that it lacks: the times, or the headline if neither a line before the times
    nor the tool's title is one. Lines that a widget rule will drop stay among the blocks, so that
    one place drops and keeps them.
    """
    page = read_rendering(text)
    lines = _with_joined_stamps(page.lines, form)
    times = _times_of_article(lines, form)
    start = times[0] if times else 0
    headline, at = _headline(page, lines[:start], rules)
    first = times[-1] + 1 if times else 0
    parts = _Parts(list(lines[first:]), [])
    section, before = _split_section(lines[: max(at, 0)], form, rules)
    parts.outside(before, rules)
    parts.outside(lines[at + 1 : start], rules)
    _remove_aside(parts, page.bulleted[first:], form, rules)
    captions, parts.rest = _split_captions(parts.rest, rules)
    bylines, emails, parts.rest = _split_bylines(parts.rest, form, rules)
    bylines += [line for i in times for line in _byline_behind(lines[i], form)]
    deck, parts.rest = _split_deck(parts.rest, form, rules)
    _remove_sections_within(parts, form, rules)
    tags = _split_tail(parts, form, rules)
    return Printed(
        layout=TEXT_LAYOUT,
        headline=headline,
        subheadlines=tuple(deck),
        section=section,
        bylines=tuple(bylines),
        emails=tuple(emails),
        tags=tuple(tags),
        times=" ".join(lines[i] for i in times),
        blocks=_with_bullets_of_noise(parts.rest, page.bulleted[first:], rules),
        captions=tuple(captions),
        removed=tuple(parts.removed),
    )


def _with_joined_stamps(lines: Sequence[str], form: TextForm) -> list[str]:
    """Return the lines; a label of a time that is on the next line is joined with it."""
    joined = list(lines)
    if not form.stamp_label:
        return joined
    for i, line in enumerate(lines):
        if not re.fullmatch(form.stamp_label, line):
            continue
        following = next((j for j in range(i + 1, len(lines)) if lines[j]), None)
        if following and re.fullmatch(form.stamp, f"{line} {lines[following]}"):
            joined[i], joined[following] = f"{line} {lines[following]}", ""
    return joined


def _times_of_article(lines: Sequence[str], form: TextForm) -> list[int]:
    """Return the indices of the first lines with times, as long as only empty lines separate them.

    A later one belongs to the teaser of another article.
    """
    behind = f"(?:{form.byline})?" if form.byline else ""
    stamps = re.compile(rf"{_row_of(form.stamp)}{behind}")
    found: list[int] = []
    for i, line in enumerate(lines):
        if stamps.fullmatch(line):
            found.append(i)
        elif found and line:
            break
    return found


def _row_of(stamp: str) -> str:
    """Return the pattern of one stamp or more.

    Each is matched in one way only: of a row of hundreds, two ways for each would never end.
    """
    return rf"(?:{_BETWEEN}(?>{stamp}))+{_BETWEEN}"


def _byline_behind(line: str, form: TextForm) -> list[str]:
    """Return the byline that stands behind the times in their line, if any."""
    behind = re.sub(_row_of(form.stamp), "", line, count=1)
    return [behind] if behind else []


def _headline(page: Rendering, before: Sequence[str], rules: Rules) -> tuple[str, int]:
    """Return the headline and its index in the lines before the times, -1 if it is the title's.

    It is the last line before the times that has a letter and is no widget's, else the title.
    """
    for i in range(len(before) - 1, -1, -1):
        line = before[i]
        if line and _LETTER.search(line) and not rules.widgets.is_noise(line):
            return line, i
    return page.title, -1


def _split_section(
    before: Sequence[str], form: TextForm, rules: Rules
) -> tuple[str, Sequence[str]]:
    """Return the section that stands before the headline, ``""`` for none, and the other lines."""
    lines = [line for line in before if line]
    if form.section_after in lines[:-1]:
        at = lines.index(form.section_after) + 1
        if not rules.widgets.is_noise(lines[at]):
            return lines[at], lines[:at] + lines[at + 1 :]
    if form.sections and 0 < len(lines) <= 2 and all(map(_is_section, lines)):
        return " ".join(lines), []
    return "", lines


def _is_section(line: str) -> bool:
    return len(line) <= _SECTION_LINE and bool(_LETTER.search(line))


def _remove_aside(parts: _Parts, bulleted: Sequence[str], form: TextForm, rules: Rules) -> None:
    """Remove the block that is not the reporter's; without a last line, the list behind its first.

    A list is known by its bullets, which some tools do not print.
    """
    first, last = form.aside
    lines = parts.rest
    start = next((i for i, line in enumerate(lines) if first and re.fullmatch(first, line)), None)
    if start is None:
        return
    filled = [i for i in range(start, len(lines)) if lines[i]][: _ASIDE_LINES + 1]
    ends = [i for i in filled if re.fullmatch(last, lines[i])]
    items = {i for i in filled if lines[i] != bulleted[i] or rules.widgets.line_rule(lines[i])}
    end = ends[0] if ends else _last_in_row(filled, items)
    span = [line for line in lines[start : end + 1] if line]
    parts.removed.append(Removed(form.aside_rule, "\n".join(span)))
    parts.rest[start : end + 1] = [""] * (end + 1 - start)


def _last_in_row(indices: Sequence[int], members: Collection[int]) -> int:
    """Return the last of the leading indices that are members; the first one counts as one."""
    end = indices[0]
    for i in indices[1:]:
        if i not in members:
            break
        end = i
    return end


def _split_captions(after: Sequence[str], rules: Rules) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the captions, each with an empty image address, and the lines that are none."""
    captions: list[str] = []
    rest = list(after)
    for i, line in enumerate(rules.widgets.article_part(after)):
        following = after[i + 1] if i + 1 < len(after) else ""
        if _EMAIL.fullmatch(following) and _is_caption(f"{line} {following}", rules):
            captions.append(f"{line} {following}")
            rest[i] = rest[i + 1] = ""
        elif _is_caption(line, rules):
            captions.append(line)
            rest[i] = ""
    return [("", line) for line in captions], rest


def _is_caption(line: str, rules: Rules) -> bool:
    return any(re.fullmatch(pattern, line, re.DOTALL) for pattern in rules.caption)


def _split_bylines(
    lines: Sequence[str], form: TextForm, rules: Rules
) -> tuple[list[str], list[str], list[str]]:
    """Return the lines before the body with authors, those with their addresses, and the others."""
    bylines: list[str] = []
    emails: list[str] = []
    rest = list(lines)
    if not form.byline:
        return bylines, emails, rest
    for i, line in enumerate(lines):
        if not line or rules.widgets.line_rule(line):
            continue
        if re.fullmatch(form.byline, line):
            bylines.append(line)
        elif _EMAIL.fullmatch(line):
            emails.append(line)
        else:
            break
        rest[i] = ""
    return bylines, emails, rest


def _split_deck(lines: Sequence[str], form: TextForm, rules: Rules) -> tuple[list[str], list[str]]:
    """Return the lines of the deck, if there is one, and the other lines."""
    if not form.deck:
        return [], list(lines)
    at = _deck(lines, rules)
    return [lines[i] for i in at], ["" if i in at else line for i, line in enumerate(lines)]


def _deck(lines: Sequence[str], rules: Rules) -> list[int]:
    """Return the indices of the first lines that are headings, if a sentence follows them."""
    block: list[int] = []
    for i, line in enumerate(lines):
        if not line or rules.widgets.line_rule(line):
            continue
        if rules.widgets.section_at(lines, i):
            return []
        if not _is_heading(line):
            return block if len(block) <= _DECK_LINES else []
        block.append(i)
    return []


def _is_heading(line: str) -> bool:
    """Whether a line is short and does not end a sentence."""
    return len(line) <= _DECK_LINE and not _SENTENCE_END.search(line)


def _remove_sections_within(parts: _Parts, form: TextForm, rules: Rules) -> None:
    """Remove the lists of other articles that stand within the report, and not what follows them.

    The report ends with its tail: a list before that is followed by more of it, if a sentence is.
    """
    lines, widgets = parts.rest, rules.widgets
    end = next((i for i, line in enumerate(lines) if widgets.tail_rule(line)), len(lines))
    tails = [i for i in range(end) if form.tail and re.fullmatch(form.tail, lines[i])]
    reports = [i for i in range(tails[-1] if tails else 0) if is_report(lines[i])]
    at = 0
    while reports and at < reports[-1]:
        rule = widgets.section_at(lines, at) if lines[at] else ""
        if not rule:
            at += 1
            continue
        behind = reports[bisect_right(reports, at)]
        parts.removed.append(Removed(rule, "\n".join(filter(None, lines[at:behind]))))
        lines[at:behind] = [""] * (behind - at)
        at = behind


def _split_tail(parts: _Parts, form: TextForm, rules: Rules) -> list[str]:
    """Remove what is behind the body and under no widget rule; return the tags printed there."""
    tags: list[str] = []
    outside: list[str] = []
    sections = 0
    end = _end_of_body(parts.rest, form, rules)
    for i, line in enumerate(list(parts.rest)):
        is_noise = rules.widgets.is_noise(line)
        sections += bool(is_noise and rules.widgets.section_at(parts.rest, i))
        # Tags may stand behind the list of related articles, but not behind other lists.
        if sections <= 1 and _TAGS.fullmatch(line):
            tags += line.replace("#", " #").split()
        elif line and i > end and not sections and not is_noise:
            outside.append(line)
        else:
            continue
        parts.rest[i] = ""
    if outside:
        parts.removed.append(Removed(OUTSIDE, "\n".join(outside)))
    return tags


def _end_of_body(lines: Sequence[str], form: TextForm, rules: Rules) -> int:
    """Return the index of the last tail line before the widgets' sections; past all for none.

    It is the last because the reporter's text may go on behind a line that looks like a tail.
    """
    part = rules.widgets.article_part(lines)
    return max(
        (i for i, line in enumerate(part) if form.tail and re.fullmatch(form.tail, line)),
        default=len(lines),
    )


def _with_bullets_of_noise(
    lines: Sequence[str], bulleted: Sequence[str], rules: Rules
) -> tuple[str, ...]:
    """Return the lines that are not empty; those that widget rules remove are kept as printed."""
    blocks: list[str] = []
    in_section = False
    for i, (line, printed) in enumerate(zip(lines, bulleted, strict=True)):
        in_section = in_section or bool(rules.widgets.section_at(lines, i))
        if line:
            is_noise = in_section or rules.widgets.is_noise(line)
            blocks.append(printed if is_noise else line)
    return tuple(blocks)
