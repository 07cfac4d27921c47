"""Where an outlet's articles are found, and what reading such a place gives, as values."""

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
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap, with or without the news namespace, or an index of such."""

    url: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """An HTML list, newest first. ``url`` holds ``{page}``, which counts from ``first`` by ``step``.

    Without ``{page}`` it is one page. Selectors: ``item`` holds one article, where that is known;
    ``link`` (its ``href``), ``title`` (without: the link's text) and ``date`` lie in it. Without
    ``item`` a title belongs to the link after it, a date to the link before it. ``holder`` is there
    even when the list has no items: without it the page is not the list.
    """

    url: str
    confidence: Confidence
    link: str
    item: str = ""
    title: str = ""
    date: str = ""
    holder: str = ""
    first: int = 1
    step: int = 1

    @property
    def paged(self) -> bool:
        """Whether there are further pages."""
        return "{page}" in self.url

    def page_url(self, number: int) -> str:
        """The address of the list's ``number``-th page, from 0."""
        return self.url.replace("{page}", str(self.first + number * self.step))


@dataclass(frozen=True, slots=True)
class Anchor:
    """A known article: on which day which id."""

    number: int
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RisingIds:
    """Ids that are one integer, rising with time, without a date in it.

    ``anchors`` are known articles in rising order; ``daily`` is the most articles a day, to look
    beyond the last.
    """

    anchors: tuple[Anchor, ...]
    daily: int
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyIds:
    """Ids that are the day, YYYYMMDD, and a number of ``digits`` digits that starts at 1 and stays under ``most``."""

    digits: int
    most: int
    confidence: Confidence

    def day_of(self, article_id: str) -> date | None:
        """The day an id states, None if it states none."""
        if len(article_id) != 8 + self.digits:
            return None
        try:
            return datetime.strptime(article_id[:8], "%Y%m%d").date()  # noqa: DTZ007  (a day has no time zone)
        except ValueError:
            return None


IdWalk = RisingIds | DailyIds
Source = Feed | Sitemap | ListPage


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to learn of articles, under the name it has in stats and report.

    ``sources`` together are the channel. ``walk`` counts ids instead, for days that no list
    reaches. ``instead_of`` names the channel whose death it stands in for; otherwise it is always
    asked. ``whole``: it names every article of the outlet, as far back as it goes.
    """

    name: str
    sources: tuple[Source, ...] = ()
    walk: IdWalk | None = None
    instead_of: str = ""
    whole: bool = False
