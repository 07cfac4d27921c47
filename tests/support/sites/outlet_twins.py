"""All outlets on loopback, made of their files and fixtures: pages under many ids, and the lists of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crawler.authoring.fixtures import fixture_files, fixture_folder
from crawler.model.channels import Feed, ListPage, Sitemap
from crawler.offline.files import read_file
from tests.support.mock_site import feeds
from tests.support.mock_site.routes import PLAIN, XML, Answer
from tests.support.mock_site.server import LoopbackSite
from tests.support.mock_site.story import KST, Story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.model.exchange import Exchange
    from crawler.model.outlet import Outlet

ROBOTS = b"User-agent: *\nAllow: /\n"
_STEP = re.compile(r"\s*>\s*|\s+")
_TAG, _ID, _CLASS = (re.compile(form) for form in (r"^[a-z0-9]+", r"#([\w-]+)", r"\.([\w-]+)"))


@dataclass(frozen=True, slots=True)
class TwinArticle:
    """An article of an outlet: its canonical address, and its page."""

    article_id: str
    url: str
    page: bytes


class OutletTwins(LoopbackSite):
    """The hosts of outlets, each with so many articles, which all of its channels list."""

    def __init__(self, outlets: Iterable[Outlet], articles: int) -> None:
        self.articles = {each.name: list(articles_of(each, articles)) for each in outlets}
        self._answers = {
            without_scheme(article.url): Answer(200, body=article.page)
            for known in self.articles.values()
            for article in known
        }
        for outlet in outlets:
            self._answers |= dict(_lists(outlet, self.articles[outlet.name]))
        hosts = [key.partition("/")[0] for key in self._answers]
        hosts += [host for outlet in outlets for host in outlet.hosts]
        super().__init__("all", dict.fromkeys(hosts))

    def answer(self, host: str, target: str) -> Answer:
        """Answer with an article, a list of articles, or robots.txt."""
        if target == "/robots.txt":
            return Answer(200, PLAIN, ROBOTS)
        return self._answers.get(host + target, Answer(404, PLAIN, b"not found\n"))


def without_scheme(url: str) -> str:
    """Return an address as the server knows it: host, path and query."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def articles_of(outlet: Outlet, count: int) -> Iterator[TwinArticle]:
    """Yield articles with the outlet's fixtures as pages, in turn, each with an id of its own."""
    pages = list(_pages(outlet))
    for number in range(count):
        exchange = pages[number % len(pages)]
        address = outlet.identify(exchange.url)
        assert address is not None, exchange.url
        own = _another_id(address.article_id, number)
        there = outlet.identify(exchange.url.replace(address.article_id, own))
        assert there is not None, own
        assert there.article_id == own, there
        page = exchange.body.replace(address.article_id.encode(), own.encode())
        yield TwinArticle(own, there.url, page)


def _pages(outlet: Outlet) -> Iterator[Exchange]:
    """Yield the saved pages of an outlet, which were not saved with their heads."""
    for path in fixture_files(fixture_folder(outlet.name)):
        (given,) = read_file(path)
        exchange = given.exchange
        if exchange is not None and exchange.has_address and not exchange.head:
            yield exchange


def _another_id(article_id: str, number: int) -> str:
    """Return an id of the same form with another number at its end, in digits or letters."""
    end = f"{number:02}"
    return article_id[: -len(end)] + "".join(map(_alike, article_id[-len(end) :], end))


def _alike(letter: str, digit: str) -> str:
    """Return what stands for a digit where an id has that letter or digit."""
    if letter.isdigit():
        return digit
    return chr(ord("A" if letter.isupper() else "a") + int(digit))


def _lists(outlet: Outlet, articles: list[TwinArticle]) -> Iterator[tuple[str, Answer]]:
    """Yield the address, without its scheme, and the answer of each source of each channel."""
    now = datetime.now(KST)
    stories = [
        Story(
            article.article_id, f"기사 {article.article_id}", ("본문",), now - timedelta(minutes=n)
        )
        for n, article in enumerate(articles)
    ]
    urls = {article.article_id: article.url for article in articles}

    def address(story: Story) -> str:
        return urls[story.article_id]

    for channel in outlet.channels:
        for source in channel.sources:
            if isinstance(source, Feed):
                page = feeds.rss(stories, outlet.title, "/", address)
                yield without_scheme(source.url), Answer(200, XML, page.encode())
            elif isinstance(source, Sitemap):
                page = feeds.news_sitemap(stories, outlet.title, address)
                yield without_scheme(source.url), Answer(200, XML, page.encode())
            elif isinstance(source, ListPage):
                yield from _list_pages(source, stories, urls)


def _list_pages(
    source: ListPage, stories: list[Story], urls: dict[str, str]
) -> Iterator[tuple[str, Answer]]:
    """Yield a first page with all articles, and an empty second one where there are more."""
    items = "".join(_item(source, story, urls[story.article_id]) for story in stories)
    for number, inside in enumerate((items, "") if "{page}" in source.url else (items,)):
        page = str(source.first + number * source.step)
        body = f"<html><body>{_nested(source.holder, inside)}</body></html>"
        url = source.url.replace("{page}", page)
        yield without_scheme(url), Answer(200, body=body.encode())


def _item(source: ListPage, story: Story, url: str) -> str:
    """Return an item's markup; its element is the last of its selector, the holder's are around it."""
    link = _nested(source.link, story.headline).replace("<a", f'<a href="{url}"')
    title = _nested(source.title, story.headline) if source.title else ""
    day = _nested(source.date, f"{story.published:%Y-%m-%d %H:%M}") if source.date else ""
    return _nested(_STEP.split(source.item)[-1] or "div", title + link + day)


def _nested(selector: str, inside: str) -> str:
    """Return elements that a selector of tags, ids and classes selects, around a text."""
    for step in reversed(list(filter(None, _STEP.split(selector)))):
        tag, own = _TAG.match(step), _ID.search(step)
        name = tag[0] if tag else "div"
        attributes = f' id="{own[1]}"' if own else ""
        classes = " ".join(_CLASS.findall(step))
        attributes += f' class="{classes}"' if classes else ""
        inside = f"<{name}{attributes}>{inside}</{name}>"
    return inside
