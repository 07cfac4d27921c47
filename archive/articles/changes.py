"""What kind of change lies between two neighbouring versions of an article."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.articles.comparison import CONTENT_FIELDS, compare
from archive.articles.word_diff import Size, diff, size_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from archive.model.article import Article


class ChangeClass(StrEnum):
    """All that can happen to an article, the weightiest first; what several of a change's classes are sorted by.

    The first two happen to the article as a whole and make no revision: its page is gone, and is
    there again.
    """

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


#: What a changed field makes of the change, but for the headline and for the times, which count
#: when nothing else does.
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
#: Labels that say how far a report has come: [속보], [1보], (종합), (종합2보), [속보·종합]. Others
#: ([단독], [포토]) are words of the headline. General usage; no outlet's page was seen with one
#: (confidence C).
_LABEL = re.compile(rf"{_OPEN}({_STAGE}(?:[\s·ㆍ,/]*{_STAGE})*){_CLOSE}")
_NOTICE = r"(?:정정|반론|추후)(?:\s?(?:·|ㆍ|및)\s?(?:정정|반론|추후))*\s?보도문?"
#: A notice of correction: its title, alone or at a line's head, or the sentence that such notices
#: are written in. News about corrections has other forms: 정정보도를 청구했다, 오류를 바로잡았다,
#: "정정합니다"라고 말했다. General usage as well: no outlet's page was seen with one (C).
_CORRECTION = re.compile(
    rf"{_OPEN}(?:{_NOTICE}|정정|바로\s?잡습니다|바로\s?잡음){_CLOSE}"
    rf"|^\W*{_NOTICE}\s*(?:$|[:：|])|(?:정정|반론|추후)\s?보도문$"
    r"|(?:바로\s?잡(?:습|았습)|정정(?:합|했|하였)(?:습)?|바로\s?잡아\s?드립)니다(?!\.?\s?[”\"’']\s?(?:라|고|며|는|면))"
    r"|언론중재위원회의?\s[^.]{0,15}에\s따른\s것입니다"
)


@dataclass(frozen=True, slots=True)
class Change:
    """The classes of a change in the order of their weight; ``body`` is the body's, where it changed."""

    classes: tuple[ChangeClass, ...] = ()
    body: Size | None = None

    def as_values(self) -> dict[str, Any]:
        """As the index keeps it and the export gives it: ``classes``, and the body's size or null for each figure."""
        figures: dict[str, Any] = dict.fromkeys(Size.__slots__)
        return {"classes": [str(name) for name in self.classes]} | (
            asdict(self.body) if self.body else figures
        )


def classify(old: Article, new: Article, fields: Collection[str] = CONTENT_FIELDS) -> Change:
    """Say what changed from one version to the next; ``fields`` are those whose difference counts."""
    changed = [
        name
        for name in CONTENT_FIELDS
        if name in fields and getattr(old, name) != getattr(new, name)
    ]
    found = {_CLASS_OF[name] for name in changed if name in _CLASS_OF}
    if "headline" in changed:
        (old_words, old_labels), (new_words, new_labels) = (
            parted_headline(old.headline),
            parted_headline(new.headline),
        )
        if old_words != new_words:
            found.add(ChangeClass.HEADLINE)
        if old_labels != new_labels:
            found.add(ChangeClass.RELABEL)
        # another place of the label, another kind of bracket
        if (old_words, old_labels) == (new_words, new_labels):
            found.add(ChangeClass.RELABEL)
    if _notices(new, changed) - _notices(old, changed):
        found.add(ChangeClass.CORRECTION)
    if changed and _TIMES.issuperset(changed):
        found.add(ChangeClass.TIME_ONLY)
    body = size_of(diff(old.text, new.text)) if "body" in changed else None
    return Change(tuple(sorted(found, key=_ORDER.index)), body)


def changed_fields(
    old: Article, old_layouts: Sequence[str], new: Article, new_layouts: Sequence[str]
) -> tuple[str, ...]:
    """The fields that differ between two stored versions read by these layouts; what one form lacks is no change.

    Unless nothing else is: then what made them two versions was seen in a form they share.
    """
    same = old_layouts if len(new_layouts) == 1 else ()
    changed = compare(old, same, new).changed or CONTENT_FIELDS
    return tuple(name for name in changed if getattr(old, name) != getattr(new, name))


def change_between(
    old: Article, old_layouts: Sequence[str], new: Article, new_layouts: Sequence[str]
) -> Change:
    """Classify the change between two stored versions."""
    return classify(old, new, changed_fields(old, old_layouts, new, new_layouts))


def parted_headline(headline: str) -> tuple[str, tuple[str, ...]]:
    """The headline's words, and its labels of the report's stage without brackets, in order."""
    labels = tuple("".join(label.split()) for label in _LABEL.findall(headline))
    return " ".join(_LABEL.sub(" ", headline).split()), labels


def _notices(article: Article, fields: Collection[str]) -> Counter[str]:
    """The correction notices in the fields, by their words."""
    lines: list[str] = [article.headline] if "headline" in fields else []
    for name in ("subheadlines", "body"):
        lines += getattr(article, name) if name in fields else ()
    return Counter(
        "".join(match[0].split()) for line in lines for match in _CORRECTION.finditer(line)
    )
