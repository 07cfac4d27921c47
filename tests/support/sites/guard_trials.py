"""Crawls of an outlet whose answers lead into the machine's own network, door by door (F7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.mock_site.canary import Canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.support.mock_site.faults import Fault
    from tests.support.mock_site.server import MockSite

HOST = "https://www.etoday.co.kr"
#: 127.0.0.1 in every notation, and addresses that embed it.
HOSTS = (
    "127.0.0.1",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "00000000177.1",
    "0",
    "0.0.0.0",
    "127.0.0.1.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::1]",
    "[::1%25lo]",
    "[fe80::1%25lo]",
    "user:password@127.0.0.1",
    "www.etoday.co.kr@127.0.0.1",
    "127。0。0。1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.0.1",
    "[fd00::1]",
    "100.64.0.1",
)
#: Articles that are as they should be: without them a channel would have nothing to plant into.
_PLAIN = 2


@dataclass
class GuardTrial:
    """How a crawl ended whose answers lead inward by some doors.

    ``cases`` counts the addresses planted, door by door, ``unopened`` are the doors that hold an
    answer which the crawl never asked for, ``connections`` what the canaries took and what the
    outlet's proxy was asked to fetch of them, ``deaf`` the canaries that did not even take ours.
    """

    err: str
    cases: int
    outcomes: Counter[str]
    connections: int
    unopened: list[str]
    deaf: list[str]

    def wrong(self) -> list[str]:
        """Return what was not as it should be, each as a sentence."""
        found = [f"not opened: {name}" for name in self.unopened]
        found += [f"the canary at {address} counts nothing" for address in self.deaf]
        if self.connections:
            found.append(f"{self.connections} connections")
        if "Traceback" in self.err:
            found.append("a traceback")
        if any("internal_error" in outcome for outcome in self.outcomes):
            found.append("an internal error")
        if not self.outcomes["new"]:
            found.append("no article was stored")
        return found


@dataclass(frozen=True)
class Door:
    """A way by which an answer names an address.

    ``articles`` tells how many articles it takes for so many addresses; ``plant`` makes the site's
    answers name the addresses, and returns the faults that do it.
    """

    articles: Callable[[int], int]
    plant: Callable[[MockSite, Iterator[str], list[str]], list[Fault]]


def page_of(site: MockSite, article_id: str) -> str:
    """Return an article's page as it should be."""
    path = site.address(article_id).removeprefix(HOST)
    return site.routes.answer("www.etoday.co.kr", path).body.decode()


def with_pictures(page: str, addresses: Iterable[str]) -> str:
    """Return a page whose text begins with pictures from these addresses."""
    tags = "".join(f'<img src="{address}">' for address in addresses)
    return _with(page, 'itemprop="articleBody">', f'<div class="img_box_C">{tags}</div>')


def with_canonical(page: str, address: str) -> str:
    """Return a page that states an address as its own."""
    link = f'<link rel="canonical" href="{address}">'
    return _with(page, "<head>", f'{link}<meta property="og:url" content="{address}">')


def _with(page: str, after: str, more: str) -> str:
    """Return a page with more after its first such tag.

    :raises ValueError: there is none.
    """
    before, found, rest = page.partition(after)
    if not found:
        raise ValueError(f"the page has no {after}")
    return before + found + more + rest


def try_doors(
    folder: Path, names: Iterable[str], *, proxied: bool, listeners: int = 2
) -> GuardTrial:
    """Crawl an outlet whose answers name every address by these doors.

    With one listener in place of two the addresses have the port of 127.0.0.1's alone.
    """
    with Canary() as canary, Canary("::1") as other:
        ports = (canary.port, other.port)[:listeners]
        inward = [f"http://{host}:{port}/" for port in ports for host in HOSTS]
        doors = {name: DOORS[name] for name in names}
        articles = _PLAIN + sum(door.articles(len(inward)) for door in doors.values())
        hosts = [_robots_host(number) for number in range(len(inward))]
        with site_of_today("etoday", articles, feed_size=articles, more_hosts=hosts) as site:
            ids = iter(site.ids())
            planted = {name: door.plant(site, ids, inward) for name, door in doors.items()}
            crawls = Crawls.into(folder, site, proxied=proxied)
            said = crawls.run(
                ARCHIVE_IMAGES="1",
                IMAGE_HOSTS="*",
                IMAGES_PER_ARTICLE="1000",
                ALLOWED_PORTS=f"80,443,{canary.port},{other.port}",
                RETRY_TIMES="0",
                DOWNLOAD_TIMEOUT="60",  # on a busy machine, 5 s were over before all were answered
            )
            unopened = [
                name for name, faults in planted.items() if not all(fault.seen for fault in faults)
            ]
            counted = {one.address: one.knock() for one in (canary, other)}
            return GuardTrial(
                err=said.err,
                cases=len(doors) * len(inward),
                outcomes=Counter(crawls.outcomes().values()),
                connections=sum(max(0, number - 1) for number in counted.values())
                + len(asked_of_proxy(site)),
                unopened=unopened,
                deaf=[address for address, number in counted.items() if not number],
            )


def asked_of_proxy(site: MockSite) -> list[str]:
    """Return the hosts that the site's proxy was asked for and that no outlet of that name has."""
    hosts = [entry.host.removesuffix(":443") for entry in site.strays()]
    return [host for host in hosts if not host.endswith(".etoday.co.kr")]


def _in_a_head(url: str) -> str:
    """Return an address whose UTF-8 is written in a response head, which takes Latin-1."""
    return url.encode().decode("latin-1")


def _redirects(status: int) -> Callable[[MockSite, Iterator[str], list[str]], list[Fault]]:
    def plant(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
        return [
            site.fault(f"/view/{next(ids)}", "private", to=_in_a_head(url), status=status)
            for url in inward
        ]

    return plant


def _refreshes(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
    """Refresh pages that are otherwise as they should be."""
    return [site.fault(f"/view/{next(ids)}", "refresh", to=url) for url in inward]


def _fields(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
    """Name each address in every field of a response head that holds one."""
    faults = []
    for url in map(_in_a_head, inward):
        article_id = next(ids)
        headers = [
            ("Refresh", f"0; url={url}"),
            ("Link", f'<{url}>; rel="canonical", <{url}>; rel="preload"'),
            ("Content-Location", url),
            ("Alt-Svc", f'h2="{url.removeprefix("http://").removesuffix("/")}"'),
        ]
        page = page_of(site, article_id)
        faults.append(site.fault(f"/view/{article_id}", "answer", body=page, headers=headers))
    return faults


def _canonical_links(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
    faults = []
    for url in inward:
        article_id = next(ids)
        page = with_canonical(page_of(site, article_id), url)
        faults.append(site.fault(f"/view/{article_id}", "answer", body=page))
    return faults


def _pictures(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
    article_id = next(ids)
    page = with_pictures(page_of(site, article_id), inward)
    return [site.fault(f"/view/{article_id}", "answer", body=page)]


def _redirected_pictures(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
    article_id = next(ids)
    own = [f"{HOST}/picture/{number}.jpg" for number in range(len(inward))]
    page = with_pictures(page_of(site, article_id), own)
    site.fault(f"/view/{article_id}", "answer", body=page)
    return _led_away(site, own, inward)


def _redirected_sitemaps(site: MockSite, _: Iterator[str], inward: list[str]) -> list[Fault]:
    own = [f"{HOST}/sitemap/{number}.xml" for number in range(len(inward))]
    _plant_index(site, own)
    return _led_away(site, own, inward)


def _led_away(site: MockSite, own: list[str], inward: list[str]) -> list[Fault]:
    """Redirect each of the outlet's addresses to one that is not."""
    return [
        site.fault(f"{url.removeprefix('https://')}$", "private", to=_in_a_head(to))
        for url, to in zip(own, inward, strict=True)
    ]


def _sitemap_index(site: MockSite, _: Iterator[str], inward: list[str]) -> list[Fault]:
    return [_plant_index(site, inward)]


def _plant_index(site: MockSite, urls: Iterable[str]) -> Fault:
    """Make the outlet's sitemap an index of these."""
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    index = f"<sitemapindex>{entries}</sitemapindex>"
    return site.fault("news_sitemap", "answer", body=index, media_type="application/xml")


def _entries(site: MockSite, _: Iterator[str], inward: list[str]) -> list[Fault]:
    site.plant(*inward)
    return []


def _robots_host(number: int) -> str:
    return f"robots-{number}.example"


def _robots_redirects(site: MockSite, ids: Iterator[str], inward: list[str]) -> list[Fault]:
    """Send each article to a host of its own, whose robots.txt is elsewhere."""
    faults = []
    for number, url in enumerate(inward):
        host = _robots_host(number)
        site.fault(f"/view/{next(ids)}", "private", to=f"https://{host}/page")
        faults.append(site.fault(f"^{host}/robots.txt", "private", to=_in_a_head(url)))
    return faults


def _robots_sitemaps(site: MockSite, _: Iterator[str], inward: list[str]) -> list[Fault]:
    lines = "".join(f"Sitemap: {url}\n" for url in inward)
    body = f"User-agent: *\nAllow: /\n\n{lines}"
    return [
        site.fault("^www.etoday.co.kr/robots.txt", "answer", body=body, media_type="text/plain")
    ]


def _none(_: int) -> int:
    return 0


def _one(_: int) -> int:
    return 1


def _one_each(addresses: int) -> int:
    return addresses


DOORS = {
    "redirect": Door(_one_each, _redirects(302)),
    "305 Use Proxy": Door(_one_each, _redirects(305)),
    "meta refresh": Door(_one_each, _refreshes),
    "response head": Door(_one_each, _fields),
    "canonical link": Door(_one_each, _canonical_links),
    "picture": Door(_one, _pictures),
    "redirect of a picture": Door(_one, _redirected_pictures),
    "redirect of a sitemap": Door(_none, _redirected_sitemaps),
    "sitemap index": Door(_none, _sitemap_index),
    "feeds, lists, sitemaps": Door(_none, _entries),
    "redirect of robots.txt": Door(_one_each, _robots_redirects),
    "Sitemap: of robots.txt": Door(_none, _robots_sitemaps),
}
