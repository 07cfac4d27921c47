"""What passes between discovery and whoever fetches: a question, an answer read, and how far it may go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.discovery.coverage import ChannelFault
    from crawler.discovery.entries import DiscoveredLink
    from crawler.model.channels import Source


class PagingEnd(StrEnum):
    """Why a list was not paged further; the values are counter names."""

    OLDER = "older"
    EMPTY = "empty"
    REPEATED = "repeated"
    LIMIT = "limit"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far discovery goes.

    ``feed_days`` and ``list_days``: how old articles can be that feeds and lists are asked for;
    older days are walked. ``recent_days``: how far lists are paged when no dates are given.
    ``pages`` of one list, ``sitemaps`` of one crawl that indexes name, ``sitemap_depth`` of indexes
    in indexes.
    """

    feed_days: int = 3
    list_days: int = 14
    recent_days: int = 1
    pages: int = 1000
    sitemaps: int = 200
    sitemap_depth: int = 3


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """One address to fetch for a channel: the ``page``-th of a list, or a sitemap ``depth`` indexes down."""

    channel: str
    source: Source
    url: str
    page: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What an answer gave: new and repeated articles inside the window; ``fault`` if it was wrong.

    Both can be: what a feed held before it was cut is true.
    """

    links: tuple[DiscoveredLink, ...] = ()
    fault: ChannelFault | None = None
