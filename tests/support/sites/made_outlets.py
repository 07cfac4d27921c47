"""Outlets of our own making, as many as a test wants, each on a host of its own, and one server of them all."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crawler.model.channels import Channel, Sitemap
from crawler.outlets.etoday import OUTLET as ETODAY
from tests.support.crawling.crawls import HASTE, Crawls
from tests.support.mock_site import etoday, feeds
from tests.support.mock_site.catalogue import BETWEEN, Catalogue
from tests.support.mock_site.routes import PLAIN, XML, Answer
from tests.support.mock_site.server import LoopbackSite
from tests.support.mock_site.story import KST
from tests.support.processes.cli import ROOT, Workspace
from tests.support.processes.schedules import wait_over_midnight

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from crawler.model.outlet import Outlet
    from tests.support.mock_site.story import Story
    from tests.support.processes.cli import CommandResult

#: The package of the outlets, in the folder that `state_outlets` writes it to.
PACKAGE = "made_outlets_of_test"
_MODULE = """from tests.support.sites.made_outlets import made_outlet

OUTLET = made_outlet({name!r}, {listed_at!r})
"""


def host_of(name: str) -> str:
    """Return the host of an outlet's articles."""
    return f"www.{name}.example"


def made_outlet(name: str, listed_at: str) -> Outlet:
    """Return an outlet with Etoday's pages, all articles in one sitemap on the host ``listed_at``."""
    host = host_of(name)
    return replace(
        ETODAY,
        name=name,
        title=f"{name} 신문",
        hosts=(host,),
        image_hosts=(),
        articles=(r"/news/view/(?P<id>\d+)/?",),
        canonical=f"https://{host}/news/view/{{id}}",
        channels=(Channel("sitemap", (Sitemap(f"https://{listed_at}/{name}/sitemap.xml"),)),),
        page_title="",
        per_day=0,
        text=None,
    )


def state_outlets(folder: Path, listed_at: dict[str, str]) -> dict[str, str]:
    """Write the modules of outlets; return the environment in which they are known."""
    package = folder / "project" / PACKAGE
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    for name, host in listed_at.items():
        (package / f"{name}.py").write_text(_MODULE.format(name=name, listed_at=host))
    return {"PYTHONPATH": f"{ROOT}:{folder / 'project'}", "OUTLET_MODULES": PACKAGE}


class MadeSites(LoopbackSite):
    """The sites of made outlets, each with so many articles.

    ``listed_at`` is the host of an outlet's sitemap if that is not its own; ``padding`` are bytes
    that each page of an outlet has besides.
    """

    def __init__(
        self,
        articles: dict[str, int],
        *,
        listed_at: dict[str, str] | None = None,
        padding: dict[str, int] | None = None,
        robots: str = "User-agent: *\nAllow: /\n",
        **served: Any,
    ) -> None:
        self.hosts_by_name = {name: host_of(name) for name in articles}
        self.listed_at = self.hosts_by_name | (listed_at or {})
        hosts = {*self.hosts_by_name.values(), *self.listed_at.values()}
        super().__init__("etoday", sorted(hosts), **served)
        self.catalogues = {
            name: Catalogue("etoday", number, seed, datetime.now(KST) - timedelta(hours=1), BETWEEN)
            for seed, (name, number) in enumerate(articles.items(), 1)
        }
        self.robots = robots
        self._padding = padding or {}

    def answer(self, host: str, target: str) -> Answer:
        """Answer as the outlet of the host does; every host has the sitemaps of all."""
        if target == "/robots.txt":
            return Answer(200, PLAIN, self.robots.encode())
        listed = re.fullmatch(r"/(\w+)/sitemap\.xml", target)
        if listed is not None:
            return self._sitemap(listed[1])
        name = host.split(".")[1]
        found = re.fullmatch(r"/news/view/(\d+)", target)
        story = self.catalogues[name].story(found[1]) if found is not None else None
        if story is None:
            return Answer(404, PLAIN, b"not found\n")
        page = etoday.render(story, "desktop-2020")
        filler = f"<!--{'가' * (self._padding.get(name, 0) // 3)}-->"
        body = page.replace("</body>", f"{filler}</body>").encode()
        # Packed, a page of one letter would have no size on the wire.
        return Answer(200, body=body, encoded=bool(self._padding.get(name)))

    def _sitemap(self, name: str) -> Answer:
        stories = self.catalogues[name].newest(None)
        host = self.hosts_by_name[name]
        page = feeds.news_sitemap(stories, name, lambda story: _address(host, story))
        return Answer(200, XML, page.encode())

    def ids(self, name: str) -> list[str]:
        """Return the ids of an outlet's articles."""
        return self.catalogues[name].ids()

    def times(self, name: str) -> list[float]:
        """Return when each request to an outlet's host came, in order."""
        host = self.hosts_by_name[name]
        return [entry.started for entry in list(self.log) if entry.host == host]


def _address(host: str, story: Story) -> str:
    return f"https://{host}/news/view/{story.article_id}"


@dataclass(frozen=True)
class ManyCrawls:
    """One archive and index, and the made outlets that are crawled into them by one process."""

    folder: Path
    sites: MadeSites

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know the outlets and to trust their server."""
        stated = state_outlets(self.folder, self.sites.listed_at)
        return stated | {"SSL_CERT_FILE": str(self.sites.ca_file), "CONTACT": "desk@example.org"}

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder, self.environment)

    @property
    def crawls(self) -> Crawls:
        """What is asked of the archive and the index."""
        return Crawls(self.sites, self.workspace)  # type: ignore[arg-type]  # for its archive and index only

    def options(self, **settings: str) -> list[str]:
        """The options that lead a crawl to the sites."""
        places = {
            f"{host}:{port}": f"{ip}:{real}"
            for (host, port), (ip, real) in self.sites.endpoints().items()
        }
        led = {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(places)}
        every = led | HASTE | settings
        return [x for pair in every.items() for x in ("-s", "=".join(pair))]

    def command(self, names: Iterable[str] = (), *args: str, **settings: str) -> list[str]:
        """What comes after ``scrapy``: a crawl of these outlets, by default of all."""
        return ["crawl", *(names or self.sites.listed_at), *args, *self.options(**settings)]

    def run(self, names: Sequence[str] = (), *args: str, **settings: str) -> CommandResult:
        """Crawl to the end."""
        return self.workspace.run(*self.command(names, *args, **settings))

    def start(
        self,
        names: Sequence[str] = (),
        *args: str,
        settings: dict[str, str] | None = None,
        **how: Any,
    ) -> subprocess.Popen[bytes]:
        """Start a crawl and leave it running."""
        return self.workspace.start(*self.command(names, *args, **(settings or {})), **how)

    def schedule(self, *args: str, **settings: str) -> list[str]:
        """What comes after ``scrapy``: a scheduler of one job for each outlet, many to a process."""
        wait_over_midnight()
        jobs = self.folder / "jobs.toml"
        if not jobs.exists():
            tables = (f'[[job]]\noutlet = "{name}"\nevery = "1d"\n' for name in self.names)
            jobs.write_text("".join(tables))
        own = {"JOBS_FILE": str(jobs), "LOG_FOLDER": str(self.folder / "log")}
        many = {"JOBS_AT_ONCE": "10", "JOBS_TOGETHER": "10"}
        return ["schedule", *args, *self.options(**(own | many | settings))]

    @property
    def names(self) -> list[str]:
        """The outlets."""
        return [*self.sites.hosts_by_name]

    def fetched(self, since: int = 0) -> Counter[tuple[str, str]]:
        """How often each article's page was asked for, by outlet's host and id."""
        asked = ((entry.host, entry.path) for entry in list(self.sites.log)[since:])
        return Counter(
            (host, path.rpartition("/")[2])
            for host, path in asked
            if path.startswith("/news/view/")
        )

    def published(self) -> Counter[tuple[str, str]]:
        """Every article of the sites, once."""
        return Counter(
            (host, article_id)
            for name, host in self.sites.hosts_by_name.items()
            for article_id in self.sites.ids(name)
        )

    def endings(self) -> dict[str, list[tuple[str, int | None]]]:
        """Return how each outlet's runs ended, with their exit codes, in the order of their begin."""
        found: dict[str, list[tuple[str, int | None]]] = {}
        for row in sorted(self.workspace.rows("runs"), key=lambda row: row["started_at"]):
            found.setdefault(row["outlet"], []).append((row["ending"], row["exit_code"]))
        return found
