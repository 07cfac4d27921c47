"""Classify the change between two successive revisions of an article."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.differences.comparison import CONTENT_FIELDS, compare
from archive.differences.word_diff import Size, diff, size_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from archive.model.article import Article


class ChangeClass(StrEnum):
    """The kinds of change of an article, most important first.

    The first three concern the whole article and make no revision: its page was found gone, that
    was confirmed, and it is back.
    """

    MISSING = "missing"
    DELETION = "deletion"
    REAPPEARANCE = "reappearance"
    CORRECTION = "correction"
    HEADLINE = "headline"
    RELABEL = "relabel"
    SUBHEADLINE = "subheadline"
    BODY = "body"
    BYLINE = "byline"
    IMAGES = "images"
    METADATA = "metadata"
    TIME_ONLY = "time_only"


#: The class of a change of a field. The headline has rules of its own; the times count only if
#: nothing else changed.
_CLASS_OF = {
    "subheadlines": ChangeClass.SUBHEADLINE,
    "body": ChangeClass.BODY,
    "authors": ChangeClass.BYLINE,
    "dateline": ChangeClass.BYLINE,
    "images": ChangeClass.IMAGES,
    "section": ChangeClass.METADATA,
    "tags": ChangeClass.METADATA,
}
_TIMES = frozenset({"published_at", "modified_at"})
_ORDER = list(ChangeClass)

_OPEN, _CLOSE = r"[\[【<〈《(〔［＜（]\s*", r"\s*[\]】>〉》)〕］＞）]"
_STAGE = r"(?:속보|상보|종합|\d{1,2}보)"
#: Labels of the stage of a report: [속보], [1보], (종합), (종합2보), [속보·종합]. Other labels
#: ([단독], [포토]) are words of the headline. From general usage, not seen on an outlet's page
#: (confidence C).
_LABEL = re.compile(rf"{_OPEN}({_STAGE}(?:[\s·ㆍ,/]*{_STAGE})*){_CLOSE}")
_NOTICE = r"(?:정정|반론|추후)(?:\s?(?:·|ㆍ|및)\s?(?:정정|반론|추후))*\s?보도문?"
#: A notice of correction: its title, alone or at the start of a line, or a sentence in which such
#: notices are worded. News about corrections is worded otherwise: 정정보도를 청구했다, 오류를
#: 바로잡았다, "정정합니다"라고 말했다. From general usage too (confidence C).
_CORRECTION = re.compile(
    rf"{_OPEN}(?:{_NOTICE}|정정|바로\s?잡습니다|바로\s?잡음){_CLOSE}"
    rf"|^\W*{_NOTICE}\s*(?:$|[:：|])|(?:정정|반론|추후)\s?보도문$"
    r"|(?:바로\s?잡(?:습|았습)|정정(?:합|했|하였)(?:습)?|바로\s?잡아\s?드립)니다"
    r"(?!\.?\s?[”\"’']\s?(?:라|고|며|는|면))"
    r"|언론중재위원회의?\s[^.]{0,15}에\s따른\s것입니다"
)


@dataclass(frozen=True, slots=True)
class Change:
    """The classes of a change, most important first; ``body`` is how much of the body changed."""

    classes: tuple[ChangeClass, ...] = ()
    body: Size | None = None

    def as_values(self) -> dict[str, Any]:
        """Return the change as in index and export: ``classes`` and the figures of `Size`.

        The figures are null if the body did not change.
        """
        figures: dict[str, Any] = dict.fromkeys(Size.__slots__)
        if self.body is not None:
            figures = asdict(self.body)
        return {"classes": [str(name) for name in self.classes]} | figures


def classify(old: Article, new: Article, fields: Collection[str] = CONTENT_FIELDS) -> Change:
    """Return the change from one revision to the next; only differences in ``fields`` count."""
    changed = [name for name in fields if getattr(old, name) != getattr(new, name)]
    found = {_CLASS_OF[name] for name in changed if name in _CLASS_OF}
    if "headline" in changed:
        found |= _headline_classes(old.headline, new.headline)
    if _notices(new, changed) - _notices(old, changed):
        found.add(ChangeClass.CORRECTION)
    if changed and _TIMES.issuperset(changed):
        found.add(ChangeClass.TIME_ONLY)
    body = size_of(diff(old.text, new.text)) if "body" in changed else None
    return Change(tuple(sorted(found, key=_ORDER.index)), body)


def _headline_classes(old: str, new: str) -> set[ChangeClass]:
    """Return the classes of a change of the headline: of its words, of its labels, or both."""
    old_words, old_labels = split_headline(old)
    new_words, new_labels = split_headline(new)
    found: set[ChangeClass] = set()
    if old_words != new_words:
        found.add(ChangeClass.HEADLINE)
    if old_labels != new_labels:
        found.add(ChangeClass.RELABEL)
    # If both are equal, a label was moved, or its brackets are others.
    return found or {ChangeClass.RELABEL}


def changed_fields(
    old: Article, old_layouts: Sequence[str], new: Article, new_layouts: Sequence[str]
) -> tuple[str, ...]:
    """Return the fields that differ between two stored revisions that were read by these layouts.

    A field that one layout does not print is no change, unless no other field differs: then the
    change was seen in a layout that both have.
    """
    if len(new_layouts) != 1:
        old_layouts = ()  # they can't be the same single layout
    changed = compare(old, old_layouts, new).changed or CONTENT_FIELDS
    return tuple(name for name in changed if getattr(old, name) != getattr(new, name))


def change_between(
    old: Article, old_layouts: Sequence[str], new: Article, new_layouts: Sequence[str]
) -> Change:
    """Classify the change between two stored revisions."""
    return classify(old, new, changed_fields(old, old_layouts, new, new_layouts))


def split_headline(headline: str) -> tuple[str, tuple[str, ...]]:
    """Return the words of a headline, and its stage labels in order, without brackets."""
    labels = tuple("".join(label.split()) for label in _LABEL.findall(headline))
    return " ".join(_LABEL.sub(" ", headline).split()), labels


def _notices(article: Article, fields: Collection[str]) -> Counter[str]:
    """Return the correction notices in the fields, without white space."""
    lines: list[str] = []
    if "headline" in fields:
        lines.append(article.headline)
    for name in ("subheadlines", "body"):
        if name in fields:
            lines += getattr(article, name)
    notices: Counter[str] = Counter()
    for line in lines:
        notices.update("".join(match[0].split()) for match in _CORRECTION.finditer(line))
    return notices
