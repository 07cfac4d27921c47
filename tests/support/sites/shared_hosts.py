"""Outlets whose feeds are on hosts that they share, on loopback: each publishes as long as it is told to."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support.mock_site.routes import HTML, PLAIN, XML, Answer
from tests.support.mock_site.server import LoopbackSite
from tests.support.mock_site.story import KST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.wire import Entry

MODULES = "papers"
_OUTLET = """
from crawler.model.channels import Channel, Feed
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet

OUTLET = Outlet(
    name="{name}",
    title="{name}",
    hosts=("{name}.example",),
    articles=(r"/news/(?P<id>\\d+)",),
    canonical="http://{name}.example/news/{{id}}",
    layouts=(Layout(name="page", confidence="A", body=("div.body",), headline=("h1",)),),
    channels=(Channel("feed", (Feed("http://{feeds}/{name}.xml"),), confidence="A"),),
)
"""
_TEXT = "마을 도서관이 여섯 달 만에 다시 문을 열었다. 주민들은 반가워했고, 아이들은 책장 사이를 뛰어다녔다."


class SharedHosts(LoopbackSite):
    """Outlets ``paper1`` and on, each with a host of its own, their feeds on ``hosts`` others.

    Each has ``articles`` of today; `publish` adds some.
    """

    def __init__(self, outlets: int, hosts: int, articles: int, latency: float = 0.0) -> None:
        self.feeds = {
            f"paper{number}": f"feeds{number % hosts}.example" for number in range(1, outlets + 1)
        }
        self._lock = threading.Lock()
        self._published: dict[str, list[datetime]] = {name: [] for name in self.feeds}
        own = [f"{name}.example" for name in self.feeds]
        super().__init__("all", [*own, *dict.fromkeys(self.feeds.values())], latency=latency)
        begin = datetime.now(KST) - timedelta(hours=3)
        for moments in self._published.values():
            moments += [begin + timedelta(seconds=n) for n in range(articles)]

    def write_outlets(self, folder: Path) -> Path:
        """Write the outlets' files as a package; return the folder that it is imported from."""
        package = folder / "project" / MODULES
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        for name, feeds in self.feeds.items():
            (package / f"{name}.py").write_text(_OUTLET.format(name=name, feeds=feeds), "utf-8")
        return package.parent

    def publish(self, outlet: str, number: int = 1) -> None:
        """Put up new articles of an outlet."""
        with self._lock:
            self._published[outlet] += [datetime.now(KST)] * number

    def urls(self) -> set[str]:
        """Return the addresses of all articles."""
        with self._lock:
            return {
                f"http://{name}.example/news/{number}"
                for name, moments in self._published.items()
                for number in range(1, len(moments) + 1)
            }

    def answer(self, host: str, target: str) -> Answer:
        """Answer with a feed, an article or robots.txt."""
        if target == "/robots.txt":
            return Answer(200, PLAIN, b"User-agent: *\nAllow: /\n")
        if host in self.feeds.values():
            return self._feed(target.strip("/").removesuffix(".xml"))
        return self._article(host.removesuffix(".example"), target.rpartition("/")[2])

    def fetched(self) -> list[str]:
        """Return the addresses of the articles that were asked for and answered, in order."""
        return [one.url for one in self.requests() if "/news/" in one.path and one.status == 200]

    def overlaps(self) -> list[tuple[Entry, Entry]]:
        """Return pairs of requests to one host of which one began before the other was answered."""
        pairs = [pair for host in self.hosts for pair in pairwise(self._asked(host))]
        return [(one, other) for one, other in pairs if other.started < one.ended]

    def shortest_gap(self) -> float:
        """Return the least mean time between the begins of five requests in a row to one host."""
        found = [
            (fifth.started - first.started) / 4
            for host in self.hosts
            for first, fifth in zip(self._asked(host), self._asked(host)[4:], strict=False)
        ]
        return min(found)

    def _asked(self, host: str) -> list[Entry]:
        its = [one for one in self.requests() if one.host == host]
        return sorted(its, key=lambda one: one.started)

    def _feed(self, outlet: str) -> Answer:
        with self._lock:
            moments = list(enumerate(self._published.get(outlet, ()), 1))
        items = "".join(
            f"<item><title>{outlet} {number}</title>"
            f"<link>http://{outlet}.example/news/{number}</link>"
            f"<pubDate>{format_datetime(moment)}</pubDate></item>"
            for number, moment in reversed(moments)
        )
        body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{outlet}</title>{items}</channel></rss>'
        return Answer(200, XML, body.encode())

    def _article(self, outlet: str, number: str) -> Answer:
        with self._lock:
            moments = self._published.get(outlet, [])
        if not number.isdecimal() or not 0 < int(number) <= len(moments):
            return Answer(404, PLAIN, b"not found\n")
        body = (
            '<!DOCTYPE html><html lang="ko"><head><meta charset="utf-8">'
            f'<meta property="article:published_time" content="{moments[int(number) - 1].isoformat()}">'
            f"</head><body><h1>{outlet} {number}호, 도서관이 다시 문을 열었다</h1>"
            f"<div class='body'><p>{_TEXT}</p><p>{outlet}의 {number}번째 소식이다.</p></div></body></html>"
        )
        return Answer(200, HTML, body.encode())
