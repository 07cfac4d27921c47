"""Where an outlet's articles are found: feeds, sitemaps, list pages and id walks, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.model.layout import Confidence


@dataclass(frozen=True, slots=True)
class Feed:
    """An RSS 2.0, RSS 1.0 (RDF) or Atom feed."""

    url: str


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap, with or without the news namespace, or an index of sitemaps."""

    url: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A feed, a sitemap, an index of sitemaps or a list page: what it is shows when it is read."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """An HTML list of articles, newest first.

    ``url`` holds ``{page}``, which counts from ``first`` by ``step``; without ``{page}`` the list
    has one page. Selectors: ``item`` is the element of one article, ``""`` if it is not known;
    ``link`` (its ``href`` is the address), ``title`` (``""``: the link's text) and ``date`` lie in
    it. Without ``item``, a title belongs to the link after it and a date to the link before it.
    ``holder`` is an element that is present even if the list is empty: a page without it is not the
    list.
    """

    url: str
    link: str
    item: str = ""
    title: str = ""
    date: str = ""
    holder: str = ""
    first: int = 1
    step: int = 1

    @property
    def paged(self) -> bool:
        """Whether the list has further pages."""
        return "{page}" in self.url

    def page_url(self, number: int) -> str:
        """Return the address of the list's ``number``-th page, from 0."""
        return self.url.replace("{page}", str(self.first + number * self.step))


@dataclass(frozen=True, slots=True)
class Anchor:
    """A known article: the number that is its id, and the day of its publication (KST)."""

    number: int
    day: date


def anchors(*lines: str) -> tuple[Anchor, ...]:
    """Return the anchors that lines name: ``761574 2013-07-12, 1855543 2020-02-12``."""
    pairs = (pair.split() for line in lines for pair in line.split(","))
    return tuple(Anchor(int(number), date.fromisoformat(day)) for number, day in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RisingIds:
    """Ids that are one integer, rising with time, with no date in it.

    ``anchors`` are known articles in rising order. ``daily`` is an upper bound of the articles of a
    day, used to search beyond the last anchor.
    """

    anchors: tuple[Anchor, ...]
    daily: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyIds:
    """Ids that are the day, YYYYMMDD, and a number of ``digits`` digits, counted from 1.

    The numbers of a day stay under ``most``.
    """

    digits: int
    most: int

    def day_of(self, article_id: str) -> date | None:
        """Return the day that an id states, None if it states none."""
        if len(article_id) != 8 + self.digits:
            return None
        try:
            return datetime.strptime(article_id[:8], "%Y%m%d").date()  # noqa: DTZ007  (a day only)
        except ValueError:
            return None


IdWalk = RisingIds | DailyIds
Source = Feed | Sitemap | ListPage | Listing


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to discover articles, under its name in statistics and reports.

    ``sources`` together are the channel; a ``walk`` enumerates ids instead, for days that no list
    reaches. ``instead_of`` names the channel that this one replaces when that is dead; other
    channels are always requested. ``whole`` is whether it names every article of the outlet, as far
    back as it goes. ``confidence`` rates what is known of its sources.
    """

    name: str
    sources: tuple[Source, ...] = ()
    walk: IdWalk | None = None
    instead_of: str = ""
    whole: bool = False
    confidence: Confidence = "C"
