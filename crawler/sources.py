"""Where an outlet's articles are found, and what reading such a place gives, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.layout import Confidence


class Reason(StrEnum):
    """Why a source gave nothing to go by; the values are counter names."""

    UNREACHABLE = "unreachable"
    STATUS = "status"
    EMPTY = "empty"
    NOT_XML = "not_xml"
    UNSAFE = "unsafe"
    BROKEN = "broken"
    WRONG_SHAPE = "wrong_shape"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TOO_MANY = "too_many"


class SourceError(ValueError):
    """A source answered wrongly. ``partial`` is what could be read before the damage: true as far as it goes."""

    def __init__(self, reason: Reason, sentence: str, partial: tuple[Entry, ...] = ()) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.partial = partial


@dataclass(frozen=True, slots=True)
class Entry:
    """One address as a source prints it (made absolute), not yet told to be an article's.

    ``published_at`` and ``modified_at`` are aware KST; None where the source states none that can be read.
    """

    url: str
    title: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An article that a channel names: ``url`` is canonical, ``alias`` as printed.

    A ``candidate`` is an id that a walk counted up to: that there is no such article is no failure.
    """

    article_id: str
    url: str
    channel: str
    alias: str = ""
    title: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None
    candidate: bool = False


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

    Without ``{page}`` it is one page. Selectors: ``item`` holds one article, where that is known; ``link`` (its
    ``href``), ``title`` (without: the link's text) and ``date`` lie in it. Without ``item`` a title belongs to the
    link after it, a date to the link before it. ``holder`` is there even when the list has no items: without it
    the page is not the list.
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

    ``anchors`` are known articles in rising order; ``daily`` is the most articles a day, to look beyond the last.
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

    ``sources`` together are the channel. ``walk`` counts ids instead, for days that no list reaches. ``instead_of``
    names the channel whose death it stands in for; otherwise it is always asked. ``whole``: it names every article of
    the outlet, as far back as it goes.
    """

    name: str
    sources: tuple[Source, ...] = ()
    walk: IdWalk | None = None
    instead_of: str = ""
    whole: bool = False


class WindowError(ValueError):
    """The dates asked for contradict each other; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days asked for, KST, both included; an open end is None. Without any: what is new."""

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since is None and self.until is not None:
            raise WindowError("until= needs since=: without it there is no first day to stop at")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise WindowError(f"since={self.since} lies after until={self.until}")

    def excludes(self, published: date | None, modified: date | None = None) -> bool:
        """Whether an article of these dates is surely outside: nothing is published after it was changed."""
        if published is not None:
            return self.before(published) or (self.until is not None and published > self.until)
        return modified is not None and self.before(modified)

    def before(self, day: date) -> bool:
        """Whether a day lies before the window."""
        return self.since is not None and day < self.since


def parse_day(text: str) -> date:
    """Read ``2023-09-01``.

    :raises WindowError: it is no such date.
    """
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise WindowError(f"{text!r} is no date; write it as 2023-09-01")


def days(first: date, last: date) -> Iterator[date]:
    """Each day from the last back to the first: what is newest is wanted first."""
    while last >= first:
        yield last
        last -= timedelta(days=1)
