"""Crawls of an outlet that answers as no server should, and what became of each answer."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from archive.model.article import KST
from crawler.discovery.requests import Limits
from tests.support.crawling.crawls import SETTLED, Crawls, site_of_today
from tests.support.fault_server.certificates import TLS_FAULTS
from tests.support.fault_server.endless_sources import list_page, sitemap_index
from tests.support.fault_server.kept_stats import KeptStats
from tests.support.fault_server.page_answers import answers
from tests.support.fault_server.source_answers import robots, sources
from tests.support.processes.cli import CommandResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.fault_server.source_answers import SourceAnswer
    from tests.support.mock_site.server import MockSite

_MAIN = "https://www.etoday.co.kr"
_UNREACHABLE = ("failed/robots_unreachable", "skipped/robots_unreachable")
#: Of a page that robots.txt allows: it is not there.
_ALLOWED = ("skipped/http_status",)
_DISALLOWED = ("skipped/robots", "failed/robots", *_UNREACHABLE)
KEPT_STATS = f"{KeptStats.__module__}.{KeptStats.__qualname__}"


@dataclass
class HostileCrawl:
    """A crawl of an outlet that gives each answer once, as it ended.

    ``wrong`` are the cases that ended otherwise than they should have, with what became of them;
    ``memory`` is the most that the crawl took, MiB, ``longest`` the longest of the answers to one
    request, in seconds, and ``held`` the most of that for which the crawl itself held one back.
    """

    code: int
    err: str
    stored: int
    plain: int
    memory: float
    longest: float
    held: float
    wrong: dict[str, str] = field(default_factory=dict)


def page_cases() -> int:
    """Return how many answers there are in place of a page, of robots.txt and of TLS."""
    return len(answers()) + len(robots()) + len(TLS_FAULTS)


def crawl_hostile_outlet(folder: Path, *, plain: int = 20, **settings: str) -> HostileCrawl:
    """Crawl an outlet with every answer, and ``plain`` articles as they should be."""
    hosts = {f"robots-{number}.example": name for number, name in enumerate(robots())}
    broken = {f"{fault.replace('_', '-')}.example": fault for fault in TLS_FAULTS}
    articles = len(answers()) + len(hosts) + len(broken) + plain
    with site_of_today(
        "etoday", articles, feed_size=articles, more_hosts=hosts, broken_tls=broken
    ) as site:
        ids = iter(site.ids())
        expected: dict[str, tuple[str, tuple[str, ...]]] = {}
        for answer, article_id in zip(answers(), ids, strict=False):
            site.fault(f"/view/{article_id}", "raw", script=answer.script, keeps=answer.keeps)
            expected[article_id] = (answer.name, answer.outcomes)
        for host, article_id in zip((*hosts, *broken), ids, strict=False):
            site.fault(f"/view/{article_id}", "private", to=f"https://{host}/page")
            expected[article_id] = _expected_of_host(site, host, hosts.get(host, ""))
        return _crawled(Crawls.into(folder, site), expected, plain, settings)


def crawl_hostile_sitemaps(
    folder: Path,
    *,
    plain: int = 20,
    more: Sequence[SourceAnswer] = (),
    **settings: str,
) -> HostileCrawl:
    """Crawl an outlet whose sitemap is an index of hostile ones; its feeds are as they should be.

    ``more`` are added to `sources`.
    """
    with site_of_today("etoday", plain) as site:
        every = (*sources(), *more)
        _plant_sources(site, every)
        # The server is busy with the long ones, and accepts no connection meanwhile.
        patient = {"CONNECT_TIMEOUT": settings.get("DOWNLOAD_TIMEOUT", "60")} | settings
        ended = _crawled(Crawls.into(folder, site), {}, plain, patient)
        ended.wrong |= _wrong_sources(site, every, ended.err)
        return ended


def crawl_endless_sources(
    folder: Path, *, branches: int, most: int = Limits().pages, plain: int = 20, **settings: str
) -> HostileCrawl:
    """Crawl an outlet whose list and sitemap lead on without an end; its feeds are as they should be.

    It has none of the articles that the list names. The sitemap is an index of so many further
    ones, and so is each of them. ``most`` is the limit of either.
    """
    with site_of_today("newspim", plain, age=SETTLED) as site:
        site.fault("/news/lists", "raw", script=list_page(datetime.now(KST)))
        site.fault("/sitemap/", "raw", script=sitemap_index(branches))
        limited = settings | {"MOST_PAGES": str(most)}
        ended = _crawled(Crawls.into(folder, site), None, plain, limited)
        ended.wrong |= {
            sentence: "not said" for sentence in ends(most, branches) if sentence not in ended.err
        }
        asked = Counter(entry.path.split("?")[0].rpartition("/")[0] for entry in site.requests())
        if asked["/news/lists"] != most:
            ended.wrong["pages of the list"] = str(asked["/news/lists"])
        if asked["/sitemap"] > most:
            ended.wrong["sitemaps"] = str(asked["/sitemap"])
        return ended


def ends(most: int, branches: int) -> tuple[str, str]:
    """Return what is said of a list and of so many branches that lead on without an end."""
    deep = f"sitemap indexes nest more than {Limits().sitemap_depth} deep"
    wide = f"indexes name more than {most} sitemaps"
    return f"the list goes on after {most} pages", deep if branches == 1 else wide


def _crawled(
    crawls: Crawls,
    expected: dict[str, tuple[str, tuple[str, ...]]] | None,
    plain: int,
    settings: dict[str, str],
) -> HostileCrawl:
    """Crawl; return how it ended, with the articles that should have ended otherwise.

    ``expected`` is None where the outlet names articles that it does not have.
    """
    held = crawls.workspace.folder / "held"
    keeping = {"STATS_CLASS": KEPT_STATS, "HELD_FILE": str(held)}
    result, memory = measured(crawls, **keeping, **settings)
    raw = [entry for entry in crawls.site.log if entry.fault == "raw" and entry.ended]
    return HostileCrawl(
        code=result.code,
        err=result.err,
        stored=len(crawls.revisions()),
        plain=plain,
        memory=memory,
        longest=max(entry.ended - entry.started for entry in raw),
        held=float(held.read_text("utf-8")),
        wrong={} if expected is None else _wrong_pages(crawls, expected),
    )


def _expected_of_host(site: MockSite, host: str, kind: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the right outcomes of an article that redirects to a host."""
    if not kind:
        return f"TLS of {host}", _UNREACHABLE
    script, allows = robots()[kind]
    site.fault(f"{host}/robots.txt", "raw", script=script)
    outcomes = {True: _ALLOWED, False: _DISALLOWED, None: _ALLOWED + _DISALLOWED}
    return f"robots.txt {kind}", outcomes[allows]


def _plant_sources(site: MockSite, every: Sequence[SourceAnswer]) -> None:
    """Make the outlet's sitemap an index of hostile ones."""
    urls = [f"{_MAIN}/sitemap/{number}.xml" for number in range(len(every))]
    for number, source in enumerate(every):
        site.fault(rf"/sitemap/{number}\.xml", "raw", script=source.script)
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    index = f"<sitemapindex>{entries}</sitemapindex>"
    site.fault("/news_sitemap", "answer", body=index, media_type="text/xml")


def _wrong_pages(
    crawls: Crawls, expected: dict[str, tuple[str, tuple[str, ...]]]
) -> dict[str, str]:
    """Return the articles with another outcome than they should have, or another's text."""
    wrong = {}
    recorded = Counter(row["source"] for row in crawls.workspace.rows("outcomes"))
    headlines = {name: told[-1]["headline"] for name, told in crawls.revisions().items() if told}
    for article_id, outcome in crawls.outcomes().items():
        name, outcomes = expected.get(article_id, (f"article {article_id}", ("new",)))
        if outcome not in outcomes:
            wrong[name] = outcome
        headline = crawls.site.story(article_id).headline
        if headlines.get(article_id, headline) != headline:
            wrong[name] = "the text of another article"
    repeated = {source: str(times) for source, times in recorded.items() if times != 1}
    return wrong | {f"outcomes of {source}": times for source, times in repeated.items()}


def _wrong_sources(site: MockSite, every: Sequence[SourceAnswer], err: str) -> dict[str, str]:
    """Return the sitemaps that were not asked for once, or of which another thing is said."""
    wrong = {}
    for number, source in enumerate(every):
        path = f"/sitemap/{number}.xml"
        asked = len(site.requests(path))
        found = [line for line in err.splitlines() if re.search(rf"sitemap \S*{path}: ", line)]
        said = " | ".join(found)
        if asked != 1 or len(found) != bool(source.said) or not re.search(source.said, said):
            wrong[f"sitemap: {source.name}"] = f"asked {asked} times; {said}"
    return wrong


#: Runs a command and writes down the most memory it took, KiB. A process of its own, since what is
#: told of a child begins with its parent's share, and the tests' process is large.
_WATCH = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def measured(crawls: Crawls, **settings: str) -> tuple[CommandResult, float]:
    """Crawl to the end; return what it said, and the most memory it took, MiB."""
    out, err, most = (crawls.workspace.folder / name for name in ("out", "err", "most"))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        under = [sys.executable, "-c", _WATCH, str(most)]
        code = crawls.start(settings=settings, stdout=stdout, stderr=stderr, under=under).wait()
    result = CommandResult(code, out.read_text("utf-8"), err.read_text("utf-8"))
    return result, int(most.read_text()) / 1024
