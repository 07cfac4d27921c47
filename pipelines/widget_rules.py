"""Widget noise: named rules take it out of the body, and everything taken out is kept under its rule's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.model.article import Removed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


#: Kinds of elements remembered for an outlet; a hostile page can't fill the memory with ids.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetRule:
    """One kind of noise an outlet prints around its articles.

    ``css`` names elements that are taken out of a page before its body is read. ``line`` is a
    pattern; a block that it matches whole is dropped. ``section`` is a pattern too; the block that
    it matches whole and everything behind it is dropped, up to the next section's block. Patterns
    see cleaned text.
    """

    name: str
    css: str = ""
    line: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Widgets:
    """An outlet's rules, compiled once; ``css`` is one selector for all their elements."""

    rules: tuple[WidgetRule, ...] = ()
    css: str = field(init=False, default="")
    _lines: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)
    _sections: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)
    _any: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)
    _plain: bool = field(init=False, repr=False, compare=False, default=False)
    _elements: dict[tuple[str | None, ...], str] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "css", ", ".join(rule.css for rule in self.rules if rule.css))
        # A combinator, a pseudo-class or another attribute makes an element's place matter.
        plain = re.fullmatch(r"(?:[\w.#-]|\[(?:id|class)\b[^\]]*\]|, )*", self.css)
        object.__setattr__(self, "_plain", plain is not None)
        object.__setattr__(self, "_lines", _alternatives((r.name, r.line) for r in self.rules))
        object.__setattr__(
            self, "_sections", _alternatives((r.name, r.section) for r in self.rules)
        )
        patterns = [
            pattern for rule in self.rules for pattern in (rule.line, rule.section) if pattern
        ]
        object.__setattr__(
            self, "_any", re.compile("|".join(f"(?:{p})" for p in patterns)) if patterns else None
        )

    def rule_of(self, element: tuple[str | None, ...], matches: Callable[[str], bool]) -> str:
        """Name of the rule whose elements this one is among; ``element`` is its tag, id and class.

        Asking an element whether it matches costs more than the reading of it, so the answer is
        remembered where the rules look at nothing but tag, id and class.
        """
        known = self._elements.get(element) if self._plain else None
        if known is None:
            known = next(rule.name for rule in self.rules if rule.css and matches(rule.css))
            if len(self._elements) < _REMEMBERED:
                self._elements[element] = known
        return known

    def is_noise(self, block: str) -> bool:
        """Whether a rule drops this block, or a rule's section starts with it."""
        return self._any is not None and self._any.fullmatch(block) is not None

    def line_rule(self, block: str) -> str:
        """Name of the rule that drops this block on its own, or ``""``."""
        match = self._lines.fullmatch(block) if self._lines else None
        return (match.lastgroup or "") if match else ""

    def section_rule(self, block: str) -> str:
        """Name of the rule whose section starts with this block, or ``""``."""
        match = self._sections.fullmatch(block) if self._sections else None
        return (match.lastgroup or "") if match else ""

    def article_part(self, blocks: Sequence[str]) -> Sequence[str]:
        """The blocks before the first trailing section."""
        end = next((i for i, block in enumerate(blocks) if self.section_rule(block)), len(blocks))
        return blocks[:end]


def _alternatives(patterns: Iterable[tuple[str, str]]) -> re.Pattern[str] | None:
    named = [f"(?P<{name}>{pattern})" for name, pattern in patterns if pattern]
    return re.compile("|".join(named)) if named else None


def sift(blocks: Sequence[str], widgets: Widgets) -> tuple[tuple[str, ...], tuple[Removed, ...]]:
    """Part text blocks into what is kept and what the rules remove; neighbours of one rule become one span.

    Without a block that a rule matches whole, the blocks come back as they are.
    """
    kept: list[str] = []
    removed: list[Removed] = []
    section = previous = ""
    for block in blocks:
        # as most are: asked once, not by each kind of rule
        if not section and not widgets.is_noise(block):
            kept.append(block)
            previous = ""
            continue
        section = widgets.section_rule(block) or section
        rule = section or widgets.line_rule(block)
        if not rule:
            kept.append(block)
        elif rule == previous:
            removed[-1] = Removed(rule, f"{removed[-1].text}\n{block}")
        else:
            removed.append(Removed(rule, block))
        previous = rule
    return tuple(kept), tuple(removed)
