"""What of other hosts belongs to articles: their pictures, styles, and redirects to them.

A web archive holds it in any order, before the article's page too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archive.http.message import MessageError, parse_head
from archive.warc.redirects import is_redirect, redirect_target
from crawler.outlets import outlet_of, outlet_of_related

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet import Outlet
    from pipelines.page import Page

#: Addresses that are remembered in one replay, and those of one article.
_MOST = 200_000
_MOST_OF_PAGE = 200
_PAGES = ("text/html", "application/xhtml+xml")


class Held(NamedTuple):
    """The address of an exchange that may belong to an article, and where it leads if it does."""

    url: str
    target: str


class Belongings:
    """Knows the addresses that belong to the articles read so far."""

    def __init__(self) -> None:
        self._wanted: dict[str, Outlet] = {}
        self._leading: dict[str, Outlet] = {}
        self._redirects: list[Held] = []

    def add(self, page: Page, outlet: Outlet) -> None:
        """Take note of what belongs to an article, whose page was read with its styles."""
        if page.article is None or len(self._wanted) >= _MOST:
            return
        pictures = [image.url for image in page.article.images if image.url]
        of_page = [*pictures, *page.styles][:_MOST_OF_PAGE]
        self._wanted.update((url, outlet) for url in of_page)

    def outlet_of(self, exchange: Exchange) -> Outlet | None:
        """Return the outlet to which an exchange of another host belongs, None if to none."""
        found = self._outlet_at(exchange.url)
        if found is None and is_redirect(exchange.head):
            target = redirect_target(exchange.head, exchange.url)
            found = self._outlet_behind(target)
        return found

    def hold(self, exchange: Exchange) -> Held | None:
        """Return what must be known of an exchange to tell later if it belongs to an article.

        None if it never will: the pages of other hosts belong to none. A redirect is taken note of.
        """
        if is_redirect(exchange.head):
            redirect = Held(exchange.url, redirect_target(exchange.head, exchange.url))
            if redirect.target and len(self._redirects) < _MOST:
                self._redirects.append(redirect)
            return redirect
        return None if _is_page(exchange) else Held(exchange.url, "")

    def follow_redirects(self) -> None:
        """Find out what belongs to articles by redirects, over any number of them."""
        is_new = True
        while is_new:
            is_new = False
            for one in self._redirects:
                is_new = self._follow(one) or is_new

    def has(self, held: Held) -> bool:
        """Return whether what is held belongs to an article."""
        return self._outlet_at(held.url) is not None

    def _follow(self, redirect: Held) -> bool:
        """Take note of one redirect; return whether anything is known by it that was not."""
        before = self._outlet_at(redirect.url)
        behind = self._outlet_behind(redirect.target)
        if before is not None and redirect.target not in self._wanted:
            self._wanted[redirect.target] = before
            return True
        if before is None and behind is not None:
            self._leading[redirect.url] = behind
            return True
        return False

    def _outlet_at(self, url: str) -> Outlet | None:
        return outlet_of_related(url) or self._wanted.get(url) or self._leading.get(url)

    def _outlet_behind(self, target: str) -> Outlet | None:
        """Return the outlet to whose article a redirect leads, over others that lead there."""
        outlet = outlet_of(target)
        if outlet is not None and outlet.identify(target) is not None:
            return outlet
        return self._leading.get(target)


def _is_page(exchange: Exchange) -> bool:
    """Whether the exchange is a document that a person visits, not what belongs to one."""
    media_type = exchange.media_type
    if exchange.head:
        try:
            media_type = parse_head(exchange.head).get("Content-Type")
        except MessageError:
            return True
    return media_type.partition(";")[0].strip().lower() in _PAGES
