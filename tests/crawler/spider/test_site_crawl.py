"""A site of which nobody wrote an outlet is archived from a list, a feed or a sitemap; the pages are made up here."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from crawler.model.outlet import OutletError
from crawler.model.site import looks_like_article, site_at, site_named
from crawler.outlets import new_site
from tests.support.databases.postgres import without_index
from tests.support.processes.cli import ROOT, Workspace
from tests.support.processes.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = {"CONTACT": "desk@example.org", "DOWNLOAD_DELAY": "0", "ALLOW_LOOPBACK": "1"}
TEXT = (
    "구름시립 기록관은 올해 모은 편지 {number}통을 다음 달부터 누구나 볼 수 있게 한다고 밝혔다.",
    "편지는 지난 10년 동안 시민 300여 명이 맡긴 것으로, 기록관 직원들이 한 통씩 읽고 차례를 만들었다.",
    "관장은 “편지를 쓴 사람이 누구인지 모르는 것이 많다”며 아는 사람은 연락해 달라고 말했다.",
)
ROBOTS = "User-agent: *\nDisallow: /news/closed-letters-of-the-archive-5\n"


def article(number: int) -> str:
    paragraphs = "".join(f"<p>{line.format(number=number)}</p>" for line in TEXT)
    return (
        f"<html lang=ko><head><title>편지 {number}통 공개 - 구름신문</title>"
        f'<meta property="og:title" content="기록관, 편지 {number}통 공개">'
        f'<meta property="article:published_time" content="2026-11-2{number}T09:30:00+09:00">'
        f"</head><body><nav><a href=/>처음</a></nav><article><h1>기록관, 편지 {number}통 공개</h1>"
        f"{paragraphs}</article><footer>구름신문 안내</footer></body></html>"
    )


class Handler(BaseHTTPRequestHandler):
    """Serves the site; what was asked for is counted by the server."""

    server: Site

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self.server.began.set()
        if self.server.held is not None:
            self.server.held.wait(300)
        found = self.server.pages.get(self.path)
        kind, body = found if found is not None else ("text/html", "<html>없는 페이지입니다</html>")
        data = body.encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site(ThreadingHTTPServer):
    """A site on loopback with three articles, one that is forbidden, and one that is gone."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.began = threading.Event()
        #: Answers wait for it, if it is set.
        self.held: threading.Event | None = None
        self.url = f"http://127.0.0.1:{self.server_port}"
        named = [
            "/news/2026/11/21/one",
            "/news/letters-of-the-archive-2",
            "/view?no=10003",
            "/news/closed-letters-of-the-archive-5",
            "/news/2026/11/22/gone",
        ]
        self.named = named
        self.pages = {"/robots.txt": ("text/plain", ROBOTS), named[3]: ("text/html", article(5))}
        for number, path in enumerate(named[:3], 1):
            self.pages[path] = ("text/html", article(number))
        links = "".join(f'<li><a href="{path}">기사</a></li>' for path in named)
        others = '<a href="/about">안내</a><a href="https://other.example.org/news/2026/1/1/a">다른 곳</a>'
        self.pages["/news"] = ("text/html", f"<html><body>{others}<ul>{links}</ul></body></html>")
        items = "".join(f"<item><link>{self.url}{path}</link></item>" for path in named)
        self.pages["/feed"] = ("application/rss+xml", f"<rss><channel>{items}</channel></rss>")
        urls = "".join(f"<url><loc>{self.url}{path}</loc></url>" for path in named)
        self.pages["/map-1.xml"] = ("application/xml", f"<urlset>{urls}</urlset>")
        self.pages["/maps.xml"] = (
            "application/xml",
            f"<sitemapindex><sitemap><loc>{self.url}/map-1.xml</loc></sitemap></sitemapindex>",
        )


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("listed", ["/news", "/feed", "/maps.xml"])
def test_a_site_is_archived_and_read(site: Site, tmp_path: Path, listed: str) -> None:
    workspace = Workspace(tmp_path, settings={})
    words = [word for name, value in SETTINGS.items() for word in ("-s", f"{name}={value}")]
    command = ("crawl", *words, "--site", f"{site.url}{listed}")
    said = workspace.run(*command)
    assert "3" in said.out, said
    rows = workspace.rows("articles")
    assert {row["outlet"] for row in rows} == {"site:127.0.0.1"}
    assert len(rows) == 3, said
    assert {row["quality"] for row in workspace.rows("revisions")} == {"generic"}
    assert site.asked[site.named[3]] == 0, "robots.txt forbids it"
    assert site.asked[site.named[4]] == 1
    outcomes = Counter(row["outcome"] for row in workspace.rows("captures") if row["outlet"])
    assert outcomes["new"] == 3

    before = Counter(site.asked)
    again = workspace.run(*command)
    assert site.asked[site.named[0]] == before[site.named[0]], again
    assert len(workspace.rows("revisions")) == 3

    found = workspace.run("search", "기록관 outlet:site:127.0.0.1")
    assert "3 found" in found.out, found
    name = rows[0]["article_id"]
    shown = workspace.run("show", f"site:127.0.0.1/{name}")
    assert "기록관, 편지" in shown.out, shown
    by_address = workspace.run("show", rows[0]["url"])
    assert by_address.out == shown.out, by_address
    other = workspace.run("show", "https://example.org/news/1")
    assert other.code == 2
    assert "no outlet has the host of https://example.org/news/1" in other.err
    lines = workspace.run("export", "--outlet", "site:127.0.0.1", "-").out.splitlines()
    values = [json.loads(line) for line in lines]
    assert len(values) == 3
    assert {one["published_at"][:16] for one in values} == {
        f"2026-11-2{n}T09:30" for n in (1, 2, 3)
    }
    assert all(TEXT[1] in one["body"] for one in values)

    kept = [(r["number"], r["headline"], r["body"]) for r in workspace.rows("revisions")]
    captured = [(r["url"], r["outlet"], r["outcome"]) for r in workspace.rows("captures")]
    without_index(workspace.index)
    assert workspace.run("reindex").code == 0
    assert sorted(kept) == sorted(
        (r["number"], r["headline"], r["body"]) for r in workspace.rows("revisions")
    )
    assert sorted(captured) == sorted(
        (r["url"], r["outlet"], r["outcome"]) for r in workspace.rows("captures")
    )
    verified = workspace.run("verify")
    assert verified.code == 0, verified
    assert workspace.run("status").code == 0
    removed = workspace.run("remove", "--yes", "--reason", "test", rows[0]["url"])
    assert len(workspace.rows("articles")) == 2, removed


def test_what_only_sites_need_is_not_imported_without_them() -> None:
    program = (
        "import sys, crawler.outlets, crawler.extraction.judge; "
        "print([one for one in ('trafilatura', 'tldextract', 'requests') if one in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


def test_a_site_of_an_outlet_is_named_by_it() -> None:
    with pytest.raises(OutletError, match="crawl etoday"):
        new_site("https://www.etoday.co.kr/news/section/")


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org/", "https://[::1/"])
def test_what_is_no_address_is_a_sentence(url: str) -> None:
    with pytest.raises(OutletError, match="address of a site"):
        site_at(url)


@pytest.mark.parametrize("name", ["site:", "site:a/b", "site:www.example.org", "site:a b"])
def test_a_name_is_a_domain(name: str) -> None:
    with pytest.raises(OutletError):
        site_named(name)


def test_the_id_is_of_the_address_however_it_is_written() -> None:
    site = site_at("https://news.example.co.kr/list")
    assert site.name == "site:example.co.kr"
    ways = [
        "https://www.example.co.kr/a/big-story.html?b=2&a=1",
        "http://example.co.kr/a/big-story.html/?a=1&b=2&utm_source=x#top",
    ]
    ids = {address.article_id for way in ways if (address := site.identify(way)) is not None}
    assert len(ids) == 1
    assert ids.pop().startswith("big-story-")
    for other in ("https://example.co.kr/", "https://example.co.kr/a.jpg", "https://example.kr/a"):
        assert site.identify(other) is None


@pytest.mark.parametrize(
    ("path", "is_article"),
    [
        ("/news/2026/11/21/x", True),
        ("/view?no=12345", True),
        ("/the-mayor-opens-an-archive", True),
        ("/about", False),
        ("/tag/archive", False),
        ("/news?page=2", False),
    ],
)
def test_which_links_look_like_articles(path: str, is_article: bool) -> None:
    assert looks_like_article(f"https://example.org{path}") is is_article


@pytest.mark.sqlite_only(reason="with PostgreSQL a scheduler leaves its jobs to workers")
def test_a_job_crawls_a_site(site: Site, tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs(f'site = "{site.url}/feed"\nevery = "1d"')
    done = schedule.run("--once")
    assert done.code == 0, done
    assert len(schedule.workspace.rows("articles")) == 3
    (run,) = schedule.workspace.rows("runs")[-1:]
    assert (run["outlet"], run["verb"], run["exit_code"]) == ("site:127.0.0.1", "crawl", 0), run
    assert "site:127.0.0.1" in schedule.workspace.run("status").out


def test_one_of_two_crawls_of_a_site_at_once_is_refused(site: Site, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, settings={})
    words = [word for name, value in SETTINGS.items() for word in ("-s", f"{name}={value}")]
    site.held = threading.Event()
    first = workspace.start("crawl", *words, "--site", f"{site.url}/feed")
    assert site.began.wait(300)
    second = workspace.run("crawl", *words, "--site", f"{site.url}/news")
    site.held.set()
    assert first.wait(300) == 0
    assert second.code == 1
    assert "site:127.0.0.1 is being crawled since" in second.err
    assert len(workspace.rows("articles")) == 3
    assert max(site.asked[path] for path in site.named) == 1


def test_a_replay_reads_the_files_of_a_site_again(site: Site, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "first", settings={})
    words = [word for name, value in SETTINGS.items() for word in ("-s", f"{name}={value}")]
    assert workspace.run("crawl", *words, "--site", f"{site.url}/feed").code == 0
    other = Workspace(tmp_path / "other", settings={})
    files = sorted(workspace.archive.rglob("*.warc.gz"))
    done = other.run("replay", "--outlet", "site:127.0.0.1", *files)
    assert done.code == 0, done
    assert len(other.rows("articles")) == 3, done
    assert other.run("verify").code == 0
