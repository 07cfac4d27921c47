"""What an outlet's hosts answer to an address, faults aside: article pages, feeds, lists, robots.txt, 404."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.support.mock_site import etoday, feeds, newspim
from tests.support.mock_site.story import Story
from tests.support.mock_site.words import ETODAY_SECTIONS, NEWSPIM_SECTIONS

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.fault_server.scripts import Script
    from tests.support.mock_site.catalogue import Catalogue

HTML = "text/html; charset=utf-8"
XML = "text/xml; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
PER_PAGE = 20
HOSTS = {
    "etoday": (
        "www.etoday.co.kr",
        "m.etoday.co.kr",
        "web1.etoday.co.kr",
        "rss.etoday.co.kr",
        "etoday.co.kr",
    ),
    "newspim": (
        "www.newspim.com",
        "newspim.com",
        "m.newspim.com",
        "search.newspim.com",
        "gam.newspim.com",
        "rss.newspim.com",
    ),
}
#: The role of a story that only stands for a planted address.
PLANTED = "planted"
NAMES = {"etoday": "이투데이", "newspim": "뉴스핌"}


@dataclass(slots=True)
class Answer:
    """What goes back: status, media type, body before any content-encoding, and extra header fields.

    ``encoded`` bodies are sent as they are, ``chunked`` ones without a length. ``manner`` names how
    it is put on the wire where that is not the ordinary way (see faults); ``amount`` is that
    manner's number. Of the manner ``raw`` nothing is sent but what ``script`` writes; the connection
    is closed then, unless the answer ``keeps`` it.
    """

    status: int
    media_type: str = HTML
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    changed: datetime | None = None
    encoded: bool = False
    manner: str = ""
    amount: float = 0.0
    chunked: bool = False
    script: Script | None = None
    keeps: bool = False


@dataclass(slots=True)
class Routes:
    """The site of one outlet, faults aside.

    ``robots`` is every host's robots.txt (``None``: there is none); feeds hold ``feed_size``
    articles; ``soft_404`` answers 200 for pages that are not there; ``planted`` are addresses that
    every feed and list holds besides its articles, as they are.
    """

    outlet: str
    catalogue: Catalogue
    feed_size: int = 30
    robots: str | None = "User-agent: *\nAllow: /\nCrawl-delay: 1\n"
    soft_404: bool = False
    planted: list[str] = field(default_factory=list)

    def answer(self, host: str, target: str) -> Answer:
        """Answer a GET of ``target`` (path and query) on ``host``."""
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/robots.txt":
            if self.robots is None:
                return Answer(404, PLAIN, b"not found\n")
            return Answer(200, PLAIN, self.robots.encode())
        if host == "etoday.co.kr":
            return Answer(301, headers=[("Location", f"https://www.etoday.co.kr{target}")])
        article_id = self.article_id(parts.path, query)
        if article_id:
            return self._article(host, article_id)
        found = (self._etoday if self.outlet == "etoday" else self._newspim)(
            host, parts.path, query
        )
        return found or self.missing()

    def article_id(self, path: str, query: dict[str, str]) -> str:
        """Tell which article the address means, ``""`` if none."""
        if self.outlet == "etoday":
            if path in ("/news/section/newsview.php", "/news/flashnews/flash_view"):
                return query.get("idxno", "")
            match = re.fullmatch(r"/news/view/(\d+)/?", path)
        else:
            match = re.fullmatch(r"/news/view/(\d{14})/?", path)
        return match[1] if match else ""

    def missing(self, status: int = 404) -> Answer:
        """Answer for a page that is not there."""
        page = feeds.not_found(NAMES[self.outlet]).encode()
        return Answer(200 if self.soft_404 else status, body=page)

    def address(self, story: Story) -> str:
        """Give the article's address on the main host."""
        if story.role == PLANTED:
            return story.article_id
        return etoday.address(story) if self.outlet == "etoday" else newspim.address(story)

    def _article(self, host: str, article_id: str) -> Answer:
        story = self.catalogue.story(article_id)
        if story is None:
            status = self.catalogue.gone(article_id)
            return (
                self.missing(status)
                if status != 200
                else self._html(feeds.deleted(NAMES[self.outlet]))
            )
        if self.outlet == "etoday":
            page = etoday.render(story, "mobile" if host.startswith("m.") else "desktop-2020")
        else:
            page = newspim.render(story, "desktop-2026")
        return Answer(200, body=page.encode(), changed=story.modified or story.published)

    def _alias(self, story: Story) -> str:
        """Give the address as feeds print it: some mobile, some of Etoday's with a tracking parameter."""
        address = self.address(story)
        if story.role == PLANTED:
            return address
        number = int(story.article_id)
        if number % 7 == 0:
            return address.replace("//www.", "//m.")
        if self.outlet == "etoday" and number % 5 == 0:
            return f"{address}?trc=rss_fixture"
        return address

    def _etoday(self, host: str, path: str, query: dict[str, str]) -> Answer | None:
        name, link = NAMES["etoday"], "https://www.etoday.co.kr"
        if host == "rss.etoday.co.kr":
            if path == "/eto/etoday_news_all.xml":
                return self._feed(feeds.rss(self._newest(self.feed_size), name, link, self._alias))
            for words, feed in ETODAY_SECTIONS.values():
                if path == f"/eto/{feed}_news.xml":
                    stories = self._newest(self.feed_size, section=words)
                    return self._feed(feeds.rss(stories, f"{name} {words}", link, self._alias))
            return None
        if path == "/":
            return self._html(feeds.front_page(name, self._newest(PER_PAGE), self.address))
        if path == "/rss/news_sitemap":
            stories = self._newest(self.feed_size)
            return self._feed(feeds.news_sitemap(stories, name, self.address))
        if path == "/news/section/subsection":
            words = ETODAY_SECTIONS.get(query.get("MID", ""), ("", ""))[0]
            page = _number(query.get("page", "1"), 1)
            start = (page - 1) * PER_PAGE
            stories = self._newest(PER_PAGE, start, words) if words and page > 0 else []
            return self._html(feeds.etoday_list(stories, self.address))
        return None

    def _newspim(self, host: str, path: str, query: dict[str, str]) -> Answer | None:
        name, link = NAMES["newspim"], "https://www.newspim.com"
        if host == "rss.newspim.com":
            code = path.removeprefix("/news/category/")
            if code == "1" or code in NEWSPIM_SECTIONS:
                stories = self._newest(self.feed_size, section=NEWSPIM_SECTIONS.get(code, ""))
                return self._feed(feeds.rss(stories, f"{name} {code}", link, self._alias))
            return None
        if path == "/":
            return self._html(feeds.front_page(name, self._newest(PER_PAGE), self.address))
        if path in ("/sitemap/recent/all_1", "/sitemap/recent/all_2"):
            start = self.feed_size if path.endswith("2") else 0
            stories = self._newest(self.feed_size, start)
            return self._feed(feeds.news_sitemap(stories, name, self.address))
        if path in ("/news/lists/", "/news/lists"):
            code = query.get("category_cd", "")
            known = code == "1" or code in NEWSPIM_SECTIONS
            start = _number(query.get("page", "0"), 0)
            section = NEWSPIM_SECTIONS.get(code, "")
            stories = self._newest(PER_PAGE, start, section) if known else []
            return self._html(feeds.newspim_list(stories, self.address))
        if path == "/search":
            # What an item's date looks like and where pages begin to count is not known: our
            # choice.
            word, start = (
                query.get("searchword", ""),
                (_number(query.get("page", "1"), 1) - 1) * PER_PAGE,
            )
            found = [
                story for story in self.catalogue.newest(None) if word and word in story.headline
            ]
            return self._html(feeds.newspim_search(found[max(start, 0) :][:PER_PAGE], self.address))
        return None

    def _newest(self, count: int, start: int = 0, section: str = "") -> list[Story]:
        stories = self.catalogue.newest(count, start, section)
        extra = [
            Story(url, "기록", ("기록",), self.catalogue.now, role=PLANTED)
            for url in (self.planted if stories else ())
        ]
        return stories + extra

    def _feed(self, page: str) -> Answer:
        return Answer(200, XML, page.encode(), changed=self.catalogue.now)

    def _html(self, page: str) -> Answer:
        return Answer(200, HTML, page.encode())


def _number(value: str, otherwise: int) -> int:
    return int(value) if value.isdecimal() else otherwise
