"""Fetch pages of a site that is no outlet yet, its robots.txt and well-known lists of articles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from scrapy import Request
from scrapy.utils.datatypes import SequenceExclude
from scrapy.utils.spider import DefaultSpider

from crawler.discovery.entries import SourceError
from crawler.discovery.feeds import read_feed
from crawler.model.outlet_skeleton import Fact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy.http import Response

    from crawler.authoring.new_outlet import Gathered

_ROBOTS = "/robots.txt"
#: Where sites often have lists of their articles.
_WELL_KNOWN = ("/sitemap.xml", "/rss", "/rss.xml", "/feed")


class PagesSpider(DefaultSpider):
    """A spider of the pages that a person names, and of a few well-known addresses of their host.

    The arguments are attributes: ``addresses`` and what is ``gathered``.
    """

    addresses: tuple[str, ...]
    gathered: Gathered

    async def start(self) -> AsyncIterator[Request]:
        """Yield the requests, those of pages first."""
        for url in self.addresses:
            yield self._request(url, priority=1)
        for path in (_ROBOTS, *_WELL_KNOWN):
            yield self._request(urljoin(self.addresses[0], path))

    def _request(self, url: str, priority: int = 0) -> Request:
        return Request(
            url,
            callback=self.parse,
            dont_filter=True,
            priority=priority,
            cb_kwargs={"asked": url},
            meta={"handle_httpstatus_list": SequenceExclude(range(300, 400))},
        )

    def parse(self, response: Response, asked: str) -> None:
        """Note what an address answered."""
        if asked in self.addresses:
            self.gathered.pages.append(response.meta["exchange"])
        elif response.status != 200:
            return
        elif asked.endswith(_ROBOTS):
            self.gathered.robots = response.body.decode("utf-8", "replace")
        else:
            self._add_list(response, asked)

    def _add_list(self, response: Response, asked: str) -> None:
        """Note a well-known address if it answered with a feed or a sitemap."""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        try:
            found = read_feed(response.body, content_type, response.url, datetime.now(UTC))
        except SourceError:
            return
        kind = "Sitemap" if "sitemap" in asked else "Feed"
        number = len(found.entries) + len(found.sitemaps)
        why = f"it answered with {number} entries"
        self.gathered.channels.append((kind, Fact(value=asked, why=why, confidence="B")))
        # Their answers come in any order.
        places = [urljoin(self.addresses[0], path) for path in _WELL_KNOWN]
        self.gathered.channels.sort(key=lambda channel: places.index(channel[1].value))
