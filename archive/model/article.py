"""The article: what was read out of a capture, and the contract of every field."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

#: The zone the outlets print. Korea has had one offset and no daylight saving since 1988, longer
#: than any of them has a site.
KST = timezone(timedelta(hours=9), "KST")

#: What the name of a site begins with of which nobody wrote an outlet; the domain follows.
SITE_PREFIX = "site:"

#: The flag of an article that is not free to read, or of which the page prints the beginning only.
PAYWALLED = "paywalled"
#: The rule of the removed notice that stands behind the teaser of such an article.
PAYWALL_RULE = "paywall"
#: The flag of an article whose page states the addresses of two articles as its own.
ADDRESSES_DISAGREE = "addresses_disagree"


class Precision(StrEnum):
    """How exactly a time was stated."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Author:
    """A person who signed the article; photographers of a caption are not among them.

    ``name`` as printed without the role, ``role`` as printed (기자, 특파원 …) or ``""``, ``email``
    or ``""``.
    """

    name: str
    role: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of the article.

    ``caption`` and ``credit`` together are the printed line; ``url`` may be unknown.
    """

    url: str = ""
    caption: str = ""
    credit: str = ""


#: The layout of an article that was read from a text rendering of its page, whichever tool made it.
TEXT_LAYOUT = "text"
#: The layout of an article that no layout read, but a tool for pages of any site.
GENERIC_LAYOUT = "generic"


class Quality(StrEnum):
    """How an article was read: by a layout of its outlet, or by a tool for pages of any site."""

    LAYOUT = "layout"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Removed:
    """Text that a widget rule took out of the page: the rule's name and the text, lines kept."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One reading of one article page. Facts the page does not hold are empty, never guessed.

    ``article_id`` is the outlet's own id, or ``content-<16 hex>`` made from outlet, headline and
    minute of publication where no address is known. ``url`` is the canonical address or ``""``;
    ``aliases`` are other addresses it was captured under. Text is NFC with single spaces.
    ``subheadlines`` are deck lines, not part of ``body``; ``body`` holds one paragraph an item, as
    printed, dateline included; ``dateline`` is its place. Times are aware (+09:00) with the printed
    string beside them (``…_raw``) and their precision. ``language`` is an ISO 639-1 code or ``""``.
    ``layout`` names the page template (or text form) it was read by. ``flags`` are notices an
    outlet prints about the text, by rule name (``machine_translated``), and what the reading found
    out about the page: `PAYWALLED`, `ADDRESSES_DISAGREE`.
    """

    outlet: str
    headline: str
    article_id: str = ""
    url: str = ""
    aliases: tuple[str, ...] = ()
    subheadlines: tuple[str, ...] = ()
    authors: tuple[Author, ...] = ()
    dateline: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    published_raw: str = ""
    published_precision: Precision | None = None
    modified_at: datetime | None = None
    modified_raw: str = ""
    modified_precision: Precision | None = None
    body: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    language: str = ""
    layout: str = ""
    flags: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()

    @property
    def text(self) -> str:
        """The body as one string, paragraphs joined by a blank line."""
        return "\n\n".join(self.body)

    @property
    def quality(self) -> Quality:
        """How the article was read."""
        return Quality.GENERIC if self.layout == GENERIC_LAYOUT else Quality.LAYOUT

    @property
    def identity_is_content(self) -> bool:
        """Whether the id was made from the content because no address is known."""
        return is_of_content(self.article_id)


def is_of_content(article_id: str) -> bool:
    """Return whether the id was made from the content because no address is known."""
    return article_id.startswith("content-")


def content_key(article: Article) -> str:
    """Return an article id made of its content, which every layout prints.

    It is ``content-`` and 16 hex digits of the hash of outlet, headline and minute.

    ``""`` where the headline or the minute of publication is unknown.
    """
    if not article.headline or article.published_at is None:
        return ""
    return _content_key(article.outlet, article.headline, article.published_at)


@lru_cache(maxsize=1024)  # asked three times while an article is placed
def _content_key(outlet: str, headline: str, published: datetime) -> str:
    # Equal times of different zones share a place in the cache, so the zone is made the same.
    minute = published.astimezone(KST).isoformat(timespec="minutes")
    seen = f"{outlet}\x00{headline}\x00{minute}".encode()
    return "content-" + hashlib.sha256(seen).hexdigest()[:16]
