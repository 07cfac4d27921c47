r"""What is measured of a reading, against what a page is known to say.

Words are what stands between blanks and punctuation (``\w+``, after NFC); a Korean particle is part
of its word. Precision, recall and F1 are those of the words of the body as a multiset, and means over
the pages. All else is counted: so many right of so many that are known.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.extraction.cases import Expected

_WORD = re.compile(r"\w+")
_BLANKS = re.compile(r"\s+")
_MAIL = re.compile(r"\S+@\S+")
#: What bylines have behind a name.
_ROLES = re.compile(r"(?:\s*(?:기자|특파원|논설위원|칼럼니스트|통신원|객원기자))?(?:\s*외 \d+명)?$")
#: How many more there are, where a gold names the first of several authors.
_OTHERS = re.compile(r"외 (\d+)명")
#: The least F1 of a caption's words with which it counts as found: credits stand in it or not.
_SAME_CAPTION = 0.9
#: A removed text of fewer characters is leaked only where it is a line of its own.
_LEAST_WITHIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a tool found on a page. A field is None if the tool never gives it."""

    body: tuple[str, ...] = ()
    headline: str | None = None
    deck: tuple[str, ...] | None = None
    published: str | None = None
    modified: str | None = None
    authors: tuple[str, ...] | None = None
    captions: tuple[str, ...] | None = None


#: A page from which nothing was read, by a tool that gives every field.
NOTHING = Reading(headline="", deck=(), published="", modified="", authors=(), captions=())


@dataclass(slots=True)
class Share:
    """So many right, of so many that are known."""

    right: int = 0
    of: int = 0

    def count(self, right: int, of: int = 1) -> None:
        """Add to it."""
        self.right += right
        self.of += of


@dataclass(slots=True)
class Score:
    """What was measured of one tool on one corpus."""

    pages: int = 0
    read: int = 0
    bodies: int = 0
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    foreign: int = 0
    shares: dict[str, Share] = field(default_factory=dict)

    def add(self, reading: Reading, expected: Expected) -> None:
        """Measure one page."""
        self.pages += 1
        self.read += bool(reading.body)
        if expected.body:
            found = body_scores(reading.body, expected.body)
            self.bodies += 1
            self.precision += found[0]
            self.recall += found[1]
            self.f1 += found[2]
            self.foreign += len(foreign_lines(reading, expected))
        for name, measure in _MEASURES.items():
            found_share = measure(reading, expected)
            if found_share is not None:
                self.shares.setdefault(name, Share()).count(*found_share)

    def values(self) -> dict[str, float]:
        """Return every figure by its name: means and shares from 0 to 1, lines as numbers."""
        found: dict[str, float] = {}
        if self.bodies:
            found["body_precision"] = self.precision / self.bodies
            found["body_recall"] = self.recall / self.bodies
            found["body_f1"] = self.f1 / self.bodies
            found["foreign_lines"] = self.foreign
        for name, share in self.shares.items():
            if share.of:
                found[name] = share.right / share.of
        return found


def words(lines: Iterable[str]) -> Counter[str]:
    """Return how often each word stands in the lines."""
    return Counter(_WORD.findall(unicodedata.normalize("NFC", "\n".join(lines))))


def body_scores(found: Iterable[str], wanted: Iterable[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the words found; all are 0 if none is right."""
    ours, theirs = words(found), words(wanted)
    common = (ours & theirs).total()
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / ours.total(), common / theirs.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def foreign_lines(reading: Reading, expected: Expected) -> list[str]:
    """Return the lines of the body of which less than half is in any field that the page has."""
    known = words(expected.all_lines())
    return [
        line
        for line in reading.body
        if (inside := words([line])) and (inside & known).total() * 2 < inside.total()
    ]


def compact(text: str) -> str:
    """Return a text without blanks, by which texts are compared: tools set them differently."""
    return _BLANKS.sub("", unicodedata.normalize("NFC", text).replace("\u200b", ""))


def name_alone(text: str) -> str:
    """Return a person's name as printed, without mail address and role."""
    return compact(_ROLES.sub("", _MAIL.sub("", text).strip(" ,()[]")))


def _headline(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    if reading.headline is None or not expected.headline:
        return None
    return int(compact(reading.headline) == compact(expected.headline)), 1


def _deck(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    if reading.deck is None or not expected.deck:
        return None
    return int(compact("".join(reading.deck)) == compact("".join(expected.deck))), 1


def _headings(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    if not expected.headings:
        return None
    text = compact("".join(reading.body))
    return sum(compact(each) in text for each in expected.headings), len(expected.headings)


def _widget_lines(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    """Return how many of the lines that are no part of the article stand in the body."""
    if not expected.removed:
        return None
    return len(widget_lines_kept(reading, expected)), len(_lines_of_widgets(expected))


def widget_lines_kept(reading: Reading, expected: Expected) -> list[str]:
    """Return the lines in the body, without blanks, that are no part of the article."""
    lines = [compact(line) for line in reading.body]
    text = "\n".join(lines)
    return [
        line
        for line in _lines_of_widgets(expected)
        if line in (text if len(line) >= _LEAST_WITHIN else lines)
    ]


def _lines_of_widgets(expected: Expected) -> list[str]:
    known = compact("".join(expected.all_lines()))
    removed = {compact(line) for line in expected.removed} - {""}
    return [line for line in removed if line not in known]


def _day(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    if reading.published is None or expected.published_day is None:
        return None
    found = _moment(reading.published)
    if found is None:
        return 0, 1
    local = found.astimezone(KST) if found.tzinfo else found
    return int(local.date() == expected.published_day), 1


def _published(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    return _minute(reading.published, expected.published)


def _modified(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    return _minute(reading.modified, expected.modified)


def _minute(found: str | None, wanted: datetime | None) -> tuple[int, int] | None:
    """Return whether a time is right to the minute; one without a zone is not."""
    if found is None or wanted is None:
        return None
    moment = _moment(found)
    if moment is None or moment.tzinfo is None:
        return 0, 1
    same = moment.replace(second=0, microsecond=0) == wanted.replace(second=0, microsecond=0)
    return int(same), 1


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _authors(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    if reading.authors is None or not expected.authors:
        return None
    found = {name_alone(each) for each in reading.authors} - {""}
    wanted = {name_alone(each) for each in expected.authors}
    others = sum(int(number) for each in expected.authors for number in _OTHERS.findall(each))
    named_all = wanted <= found and len(found) == len(wanted) + others
    return int(found == wanted or named_all), 1


def _captions(reading: Reading, expected: Expected) -> tuple[int, int] | None:
    if reading.captions is None or not expected.captions:
        return None
    kept = sum(
        any(body_scores([each], [wanted])[2] >= _SAME_CAPTION for each in reading.captions)
        for wanted in expected.captions
    )
    return kept, len(expected.captions)


#: The counts, by name: how many are right of how many; None where nothing is known of it.
_MEASURES: dict[str, Callable[[Reading, Expected], tuple[int, int] | None]] = {
    "headings": _headings,
    "widget_lines": _widget_lines,
    "headline": _headline,
    "deck": _deck,
    "published_day": _day,
    "published": _published,
    "modified": _modified,
    "authors": _authors,
    "captions": _captions,
}
