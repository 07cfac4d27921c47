"""Redirects as Scrapy follows them, and no address told of where we came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.redirect import RedirectMiddleware

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class NamelessRedirectMiddleware(RedirectMiddleware):
    """Scrapy's RedirectMiddleware without its search for a spider middleware that sets Referer, and its warning.

    Settings and stats are Scrapy's.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to build it, but for the signal on which it searches."""
        redirects = cls(crawler.settings)
        redirects.crawler = crawler
        return redirects

    def handle_referer(self, request: Request, response: Response) -> None:  # noqa: ARG002  (Scrapy's)
        """Take out whatever the request had."""
        request.headers.pop("Referer", None)
