"""What discovery exchanges with the spider: requests to sources, their results, and limits."""

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

    ``feed_days`` and ``list_days`` are the ages in days up to which feeds and lists are requested;
    older days need an id walk. ``recent_days`` is how far lists are paged when no window is given.
    ``pages`` limits the pages of one list, ``sitemaps`` the sitemaps that indexes name in one
    crawl, ``sitemap_depth`` the nesting of indexes, ``articles`` those that all channels together
    name in the window. An outlet may make a list or an index for every address without an end; what
    is known of an article takes some 250 bytes of memory until the crawl ends.
    """

    feed_days: int = 3
    list_days: int = 14
    recent_days: int = 1
    pages: int = 1000
    sitemaps: int = 200
    sitemap_depth: int = 3
    articles: int = 500_000


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """One address to fetch for a channel.

    ``page`` is the number of a list's page, from 0; ``depth`` counts the indexes above a sitemap.
    """

    channel: str
    source: Source
    url: str
    page: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What a response gave: articles inside the window, new and repeated; ``fault`` if it failed.

    Both are set for a feed that was cut short: what it holds before the cut is valid.
    """

    links: tuple[DiscoveredLink, ...] = ()
    fault: ChannelFault | None = None
