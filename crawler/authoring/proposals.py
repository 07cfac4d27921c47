"""Propose the selectors of a page's fields: each with why, and how sure that is.

A selector is proposed only if it finds the field on every page given. B: the page's own head states
the same; A: so on two pages or more; C: nothing but the form of the page speaks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.authoring.candidates import (
    best,
    bodies,
    bylines,
    decks,
    headlines,
    published,
    tags,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from crawler.authoring.candidates import Candidate, SamplePage
    from crawler.model.layout import Confidence


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source for a field of a layout, why it is proposed, and how sure that is."""

    field: str
    source: str
    why: str
    confidence: Confidence


def propose(pages: Sequence[SamplePage]) -> dict[str, Proposal]:
    """Return the proposals by field, as far as they are found.

    The fields are body, headline, published, subheadlines, times, bylines and tags. The pages are
    of one layout; it may have pages without a deck or tags.
    """
    found: dict[str, Proposal] = {}
    for field, (candidates, agreeing, plain) in _FINDERS.items():
        by_page = [list(candidates(page)) for page in pages]
        if field in _OPTIONAL:
            by_page = list(filter(None, by_page))
        first = best(by_page)
        if first is not None:
            why = agreeing if first.agrees else plain
            found[field] = Proposal(field, first.selector, why, _rating(first, len(by_page)))
    return found


def _rating(found: Candidate, pages: int) -> Confidence:
    if not found.agrees:
        return "C"
    return "A" if pages > 1 else "B"


_Finder = tuple["Callable[[SamplePage], Iterable[Candidate]]", str, str]
#: By field: what finds its candidates, and why one is proposed with and without the head's word.
_FINDERS: dict[str, _Finder] = {
    "body": (
        bodies,
        "it holds the text that the page's head begins",
        "of all elements it holds the most text of its own",
    ),
    "headline": (
        headlines,
        "its text is the headline that the page's head states",
        "it is the page's highest heading",
    ),
    "published": (
        published,
        "",
        "it holds a time, and the page states or prints none",
    ),
    "subheadlines": (
        decks,
        "its text is what the page's head describes the article by",
        "its name is one that decks have",
    ),
    "times": (
        times,
        "its time is the one that the page's head states",
        "it prints a day and a clock",
    ),
    "bylines": (
        bylines,
        "it names whom the page's head names",
        "it names people with their roles",
    ),
    "tags": (
        tags,
        "its links are keywords that the page's head states",
        "each of its links begins with #",
    ),
}
#: Fields that a page may lack.
_OPTIONAL = ("subheadlines", "tags")
