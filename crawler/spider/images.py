"""Which pictures of articles are requested, and which were: for the spider."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crawler.httpclient.errors import RequestRefused
from crawler.httpclient.request import check_url, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set

    from scrapy.settings import BaseSettings

    from crawler.model.outlet import Outlet

_log = logging.getLogger(__name__)

#: In IMAGE_HOSTS: pictures of every host are archived.
EVERY_HOST = "*"


class Images:
    """The pictures to request; each is requested once in a crawl.

    Those of a page's first ``IMAGES_PER_ARTICLE`` are taken whose hosts the outlet names as its
    own or its pictures', or ``IMAGE_HOSTS`` names: a page must not be able to send a crawl
    anywhere. ``hosts`` is None if every host is allowed. ``under_way`` are those requested and not
    yet answered.
    """

    def __init__(self, outlet: Outlet, settings: BaseSettings) -> None:
        named = {host.lower() for host in settings.getlist("IMAGE_HOSTS")}
        self.hosts: frozenset[str] | None = None
        if EVERY_HOST not in named:
            self.hosts = frozenset({*outlet.hosts, *outlet.image_hosts, *named})
        self.under_way: set[str] = set()
        self._most = settings.getint("IMAGES_PER_ARTICLE")
        self._waiting: deque[str] = deque()
        self._seen: set[str] = set()

    def add(
        self, urls: Iterable[str], captured: Callable[[Iterable[str]], Set[str] | None]
    ) -> None:
        """Add an article's pictures; ``captured`` returns those that have a capture already."""
        allowed = [url for url in dict.fromkeys(urls) if self._is_allowed(url)]
        if len(allowed) > self._most:
            _log.info(
                "an article has %d images; the first %d (IMAGES_PER_ARTICLE) are archived",
                len(allowed),
                self._most,
            )
        new = set(allowed[: self._most]) - self._seen
        known = captured(new) if new else None
        if known is not None:
            self._seen |= new
            self._waiting.extend(sorted(new - known))

    def take(self) -> str | None:
        """Return the next picture to request, None if none is left."""
        if not self._waiting:
            return None
        url = self._waiting.popleft()
        self.under_way.add(url)
        return url

    def done(self, url: str) -> None:
        """Take note that a picture has its answer."""
        self.under_way.discard(url)

    def _is_allowed(self, url: str) -> bool:
        """Return whether a picture may be requested; log why not, if its address is at fault."""
        try:
            check_url(url)
        except RequestRefused as refusal:
            _log.warning("image: %s", refusal)
            return False
        if self.hosts is None or urlsplit(url).hostname in self.hosts:
            return True
        _log.info("image %s: its host is none of the outlet's and IMAGE_HOSTS", shortened(url))
        return False
