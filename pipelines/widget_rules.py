"""Rules that find widget noise in pages, and the removal of it from text blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from archive.model.article import Removed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence


#: The most kinds of elements that are cached for an outlet: a hostile page may hold any number.
_REMEMBERED = 4096
#: How many blocks are remembered, each of at most so many characters: a page's are asked several
#: times.
_BLOCKS, _LONGEST_BLOCK = 256, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetRule:
    """One kind of noise that an outlet prints around its articles.

    ``css`` selects elements that are removed from a page before its body is read, ``body_css``
    those that are removed from the body's container alone: a page is searched for each selector,
    and an advertisement elsewhere is no part of the article. ``line`` is a
    pattern; a block that it matches whole is removed. ``section`` is a pattern too; the block that
    it matches whole and all blocks after it are removed, until the block of another rule's section.
    Where a sentence follows it at once, it is a sub-heading: lists begin with a title.
    Patterns are applied to cleaned text, to an item of a list with and without its bullet.

    In the container of a body a section's heading may be a sub-heading of the reporter's. There it
    is removed only with the links to other articles that follow it, or up to the block that
    ``until`` matches whole; where ``is_tail``, the heading is one that no reporter writes, and all
    that follows it in its element is removed.
    """

    name: str
    css: str = ""
    body_css: str = ""
    line: str = ""
    section: str = ""
    until: str = ""
    is_tail: bool = False

    @property
    def selectors(self) -> tuple[str, ...]:
        """The selectors of its elements."""
        return tuple(filter(None, (self.css, self.body_css)))


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The patterns of rules, compiled; None where no rule has one."""

    lines: re.Pattern[str] | None
    sections: re.Pattern[str] | None
    tails: re.Pattern[str] | None
    in_tails: re.Pattern[str] | None
    any: re.Pattern[str] | None


#: The most blocks between a section's heading and the block that ends it.
_LONGEST_SECTION = 60
#: What text renderings print before an item of a list; patterns are written without it.
_BULLET = "(?:[•*+-] )?"
_SENTENCE = re.compile(r"[다요]\.[”\"’')]*$")
#: Characters of the shortest sentence that shows a heading to be the reporter's: titles and the
#: comments of readers are shorter, or end otherwise.
_LEAST_SENTENCE = 30


@dataclass(frozen=True, slots=True)
class Widgets:
    """The rules of an outlet; ``css`` and ``body_css`` are selectors for all elements.

    The patterns are compiled when a page is first read by them: most commands know all outlets and
    read pages of few.
    """

    rules: tuple[WidgetRule, ...] = ()
    css: str = field(init=False, default="")
    body_css: str = field(init=False, default="")
    _compiled: list[_Patterns] = field(init=False, repr=False, compare=False, default_factory=list)
    _noise: dict[str, bool] = field(init=False, repr=False, compare=False, default_factory=dict)
    _plain: bool = field(init=False, repr=False, compare=False, default=False)
    _elements: dict[tuple[str | None, ...], str] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        css = ", ".join(rule.css for rule in self.rules if rule.css)
        body_css = ", ".join(rule.body_css for rule in self.rules if rule.body_css)
        # With a combinator, a pseudo-class or another attribute the element's position matters.
        plain = re.fullmatch(r"(?:[\w.#-]|\[(?:id|class)\b[^\]]*\]|, )*", f"{css}, {body_css}")
        object.__setattr__(self, "css", css)
        object.__setattr__(self, "body_css", body_css)
        object.__setattr__(self, "_plain", plain is not None)

    @property
    def _patterns(self) -> _Patterns:
        if not self._compiled:
            self._compiled.append(_compile(self.rules))
        return self._compiled[0]

    @property
    def tails(self) -> re.Pattern[str] | None:
        """What finds the text of a heading whose rule ``is_tail``, its bullet left out."""
        return self._patterns.in_tails

    def rule_of(self, element: tuple[str | None, ...], matches: Callable[[str], bool]) -> str:
        """Return the name of the rule that selects an element.

        ``element`` are its tag, id and class; ``matches`` says whether a selector matches it. The
        answer is cached where the rules depend on nothing else, because ``matches`` is slow.
        """
        known = self._elements.get(element) if self._plain else None
        if known is None:
            known = next(rule.name for rule in self.rules if any(map(matches, rule.selectors)))
            if len(self._elements) < _REMEMBERED:
                self._elements[element] = known
        return known

    def is_noise(self, block: str) -> bool:
        """Return whether a rule removes this block, or a section of a rule starts with it."""
        known = self._noise.get(block)
        if known is not None:
            return known
        pattern = self._patterns.any
        known = pattern is not None and pattern.fullmatch(block) is not None
        if len(block) <= _LONGEST_BLOCK:
            if len(self._noise) >= _BLOCKS:
                self._noise.clear()
            self._noise[block] = known
        return known

    def line_rule(self, block: str) -> str:
        """Return the name of the rule that removes this block, or ``""``."""
        return _matching_group(self._patterns.lines, block)

    def section_rule(self, block: str) -> str:
        """Return the name of the rule whose section starts with this block, or ``""``."""
        return _matching_group(self._patterns.sections, block)

    def tail_rule(self, block: str) -> str:
        """Return the name of the rule whose tail starts with this block, or ``""``."""
        return _matching_group(self._patterns.tails, block)

    def end_of(self, name: str, blocks: Sequence[str], start: int) -> int:
        """Return the index behind the block that ends a rule's section, ``start`` if none does."""
        until = next(rule.until for rule in self.rules if rule.name == name and rule.section)
        if not until:
            return start
        last = min(len(blocks), start + _LONGEST_SECTION)
        ends = (i + 1 for i in range(start, last) if re.fullmatch(until, blocks[i]))
        return next(ends, start)

    def article_part(self, blocks: Sequence[str]) -> Sequence[str]:
        """Return the blocks before the first section of a rule."""
        headings = (i for i in range(len(blocks)) if self.section_at(blocks, i))
        return blocks[: next(headings, len(blocks))]

    def section_at(self, blocks: Sequence[str], at: int) -> str:
        """Return the name of the rule whose section starts with a block, or ``""``.

        A heading that a sentence follows is the reporter's, unless no reporter writes it.
        """
        rule = self.section_rule(blocks[at])
        if not rule or self.tail_rule(blocks[at]):
            return rule
        behind = (blocks[i] for i in range(at + 1, len(blocks)))
        following = next(filter(None, behind), "")
        return "" if is_report(following) else rule


def is_report(block: str) -> bool:
    """Whether a block ends with a sentence, and is longer than a title."""
    return len(block) >= _LEAST_SENTENCE and _SENTENCE.search(block) is not None


def _matching_group(pattern: re.Pattern[str] | None, block: str) -> str:
    """Return the name of the group that matches the whole block, ``""`` for none."""
    match = pattern and pattern.fullmatch(block)
    if not match:
        return ""
    return match.lastgroup or ""


def _compile(rules: Sequence[WidgetRule]) -> _Patterns:
    patterns = [text for rule in rules for text in (rule.line, rule.section) if text]
    whole = "|".join(f"(?:{text})" for text in patterns)
    tails = [(rule.name, rule.section) for rule in rules if rule.is_tail]
    return _Patterns(
        lines=_alternatives((rule.name, rule.line) for rule in rules),
        sections=_alternatives((rule.name, rule.section) for rule in rules),
        tails=_alternatives(tails),
        # A search for what may stand before them would take ten times as long.
        in_tails=re.compile("|".join(text for _, text in tails)) if tails else None,
        any=re.compile(f"{_BULLET}(?:{whole})") if patterns else None,
    )


def _alternatives(patterns: Iterable[tuple[str, str]]) -> re.Pattern[str] | None:
    named = [f"(?P<{name}>{pattern})" for name, pattern in patterns if pattern]
    if not named:
        return None
    return re.compile(f"{_BULLET}(?:{'|'.join(named)})")


def sift(blocks: Sequence[str], widgets: Widgets) -> tuple[tuple[str, ...], tuple[Removed, ...]]:
    """Return the blocks that remain, and those that the rules remove.

    Adjacent blocks that the same rule removes become one span.
    """
    section = ""
    rules: list[str] = []
    for at, block in enumerate(blocks):
        # Most blocks: one match instead of one for each kind of rule.
        if not section and not widgets.is_noise(block):
            rules.append("")
            continue
        section = widgets.section_at(blocks, at) or section
        rules.append(section or widgets.line_rule(block))
    return _sorted_out(blocks, rules)


def sift_lines(
    blocks: Sequence[str], widgets: Widgets
) -> tuple[tuple[str, ...], tuple[Removed, ...]]:
    """Return the blocks of a body's container that remain, and those that the rules remove.

    Removed are single lines, and the sections behind the last sentence of the article: where the
    end of the container is lost, all that a page prints below it is in it.
    """
    noise = [at for at, block in enumerate(blocks) if widgets.is_noise(block)]
    if not noise:  # most articles
        return tuple(blocks), ()
    rules = [""] * len(blocks)
    for at in noise:
        rules[at] = widgets.line_rule(blocks[at])
    _mark_last_sections(blocks, rules, widgets)
    return _sorted_out(blocks, rules)


def _mark_last_sections(blocks: Sequence[str], rules: list[str], widgets: Widgets) -> None:
    """Set the rules of the sections behind the last sentence of the article."""
    sentences = (at for at in range(len(blocks) - 1, -1, -1) if _SENTENCE.search(blocks[at]))
    section = ""
    for at in range(next(sentences, -1) + 1, len(blocks)):
        section = widgets.section_rule(blocks[at]) or section
        rules[at] = section or rules[at]


def _sorted_out(
    blocks: Sequence[str], rules: Iterable[str]
) -> tuple[tuple[str, ...], tuple[Removed, ...]]:
    """Return the blocks without a rule, and those with one, adjacent ones as one span."""
    kept: list[str] = []
    removed: list[Removed] = []
    for rule, found in groupby(zip(rules, blocks, strict=True), itemgetter(0)):
        texts = [block for _, block in found]
        if rule:
            removed.append(Removed(rule, "\n".join(texts)))
        else:
            kept += texts
    return tuple(kept), tuple(removed)


def sift_container(
    blocks: Sequence[str], linked: Collection[int], widgets: Widgets
) -> tuple[tuple[str, ...], tuple[Removed, ...]]:
    """Return the blocks of a body's container that remain, and those that the rules remove.

    ``linked`` are the indices of the blocks that are links to other articles: such a list is no
    part of the article. The rules for single lines are not applied. A container that begins with a
    section and holds no sentence is a container of sections.
    """
    if not linked and not any(map(widgets.is_noise, blocks)):  # nearly every article
        return tuple(blocks), ()
    if blocks and widgets.section_rule(blocks[0]) and not any(map(_SENTENCE.search, blocks)):
        return sift(blocks, widgets)
    kept: list[str] = []
    removed: list[Removed] = []
    at = 0
    while at < len(blocks):
        rule, end = _section(blocks, at, linked, widgets)
        if rule:
            removed.append(Removed(rule, "\n".join(blocks[at:end])))
            at = end
        else:
            kept.append(blocks[at])
            at += 1
    return tuple(kept), tuple(removed)


def _section(
    blocks: Sequence[str], at: int, linked: Collection[int], widgets: Widgets
) -> tuple[str, int]:
    """Return the rule that removes what begins with a block, and its end; ``""`` for none."""
    rule = widgets.section_rule(blocks[at]) if widgets.is_noise(blocks[at]) else ""
    start = at + 1 if rule and at not in linked else at
    end = start
    while end in linked:
        end += 1
    if end > start:
        return rule or "linked_articles", end
    if rule:
        end = widgets.end_of(rule, blocks, at + 1)
    return (rule, end) if rule and end > at + 1 else ("", at)
