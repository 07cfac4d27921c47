"""``outlet new``: an outlet from nothing but pages of it; CONTRIBUTING's walk; what is invalid or taken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from crawler.outlets import outlet_named
from tests.support.crawling.crawls import HASTE
from tests.support.mock_site.routes import Answer
from tests.support.mock_site.server import LoopbackSite, MockSite
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.crawler.authoring.conftest import Authoring

HOST = "news.example.kr"
PAGE = """<html lang="ko"><head><meta charset="utf-8">
<title>{headline} - 예시일보</title>
<link rel="canonical" href="https://news.example.kr/article/{number}">
<link rel="alternate" type="application/rss+xml" href="/feeds/all.xml">
<meta property="og:site_name" content="예시일보"><meta property="og:title" content="{headline}">
<meta property="og:description" content="{first}">
<meta property="article:published_time" content="2026-11-0{day}T09:10:00+09:00"></head>
<body><div class="menu"><a href="/">처음으로</a></div>
<h1 class="title">{headline}</h1><p class="dates">입력 2026-11-0{day} 09:10</p>
<p class="byline">한누리 기자</p><div class="sub_title">책은 모두 팔만 권</div>
<div class="article-body"><p>{first} 주민들은 반가워했다. 도서관은 밤 열 시까지 문을 연다.</p>
<p>책은 모두 팔만 권이고, 사흘에 걸쳐 제자리로 돌아왔다.</p></div></body></html>"""
FACTS = {
    1: ("마을 도서관이 다시 문을 열었다", "오늘 아침 마을 도서관이 여섯 달 만에 다시 문을 열었다."),
    2: ("우체국이 오래된 엽서를 내놓았다", "별섬 우체국이 주인을 찾지 못한 엽서를 처음 공개했다."),
}


def write_pages(folder: Path) -> list[Path]:
    """Save two pages of one template, which state their own addresses."""
    paths = []
    for number, (headline, first) in FACTS.items():
        path = folder / f"page-{number}.html"
        text = PAGE.format(headline=headline, first=first, number=100 + number, day=number)
        path.write_text(text, "utf-8")
        paths.append(path)
    return paths


def in_folder(folder: Path, words: Sequence[str]) -> list[str]:
    """Return a command's words, those that name pages as paths: verbs run in the checkout."""
    return [str(folder / word) if word.endswith((".html", ".pdf")) else word for word in words]


def test_the_walk_of_contributing_makes_an_outlet_from_nothing(
    authoring: Authoring, tmp_path: Path
) -> None:
    write_pages(tmp_path)
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    commands = [line.split() for line in re.findall(r"^ *\$ sacho (.+)$", text, re.M)]
    live = [words for words in commands if "--live" in words]
    assert [words[:3] for words in live] == [["outlet", "check", "example"]]
    walk = [words for words in commands if words not in live]
    assert walk[0][:3] == ["outlet", "new", "example"]
    for words in walk:
        said = authoring.call(*in_folder(tmp_path, words))
        assert said.code == 0, (words, said)
    found = json.loads(authoring.call("outlet", "check", "example", "--json").out)
    assert (found["faults"], found["notes"]) == ([], [])
    assert [each["golden"] for each in found["fixtures"]] == ["equal", "equal"]


def test_each_fact_is_as_the_pages_have_it_and_what_they_lack_is_listed(
    authoring: Authoring, tmp_path: Path
) -> None:
    said = authoring.call("outlet", "new", "example", *write_pages(tmp_path))
    assert said.code == 0, said
    outlet = outlet_named("example")
    (layout,) = outlet.layouts
    assert (outlet.title, outlet.hosts) == ("예시일보", (HOST,))
    assert outlet.articles == (r"/article/(?P<id>\d+)",)
    assert outlet.canonical == f"https://{HOST}/article/{{id}}"
    assert outlet.page_title == " - 예시일보$"
    assert (layout.body, layout.headline) == (("div.article-body",), ("h1.title",))
    assert (layout.times, layout.bylines) == (("p.dates",), ("p.byline",))
    assert layout.subheadlines == ("div.sub_title",)
    weaker = (("subheadlines", "C"), ("bylines", "C"))
    assert (layout.confidence, layout.less_sure) == ("A", weaker)
    (channel,) = outlet.channels
    assert [source.url for source in channel.sources] == [f"https://{HOST}/feeds/all.xml"]
    assert "articles a day" in outlet.unknown
    assert layout.seen == ()
    folder = authoring.package / "fixtures" / "example"
    first = json.loads((folder / "page-1.json").read_bytes())
    assert first["url"] == f"https://{HOST}/article/101"
    assert first["article"]["headline"] == FACTS[1][0]
    assert first["article"]["authors"] == [{"name": "한누리", "role": "기자"}]
    path = authoring.package / "example.py"
    for words in (("check", "--quiet"), ("format", "--check")):
        command = [sys.executable, "-m", "ruff", *words, "--config", ROOT / "pyproject.toml", path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done


def test_what_the_pages_do_not_show_is_not_made_up(authoring: Authoring, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><body><p>짧은 글</p></body></html>", "utf-8")
    path.with_suffix(".json").write_text(f'{{"url": "https://{HOST}/about"}}')
    said = authoring.call("outlet", "new", "example", path)
    assert said.code == 1
    outlet = outlet_named("example")
    assert (outlet.title, outlet.articles, outlet.canonical) == ("", (), "")
    assert (outlet.layouts[0].body, outlet.channels) == ((), ())
    known = {
        "title",
        "articles and canonical",
        "body",
        "headline",
        "deck",
        "times",
        "tags",
        "channels",
    }
    assert known <= set(outlet.unknown)


def test_a_text_of_a_page_is_no_code_of_the_file(authoring: Authoring, tmp_path: Path) -> None:
    (path, _) = write_pages(tmp_path)
    evil = '예시"); raise SystemExit("\\'
    path.write_text(path.read_text("utf-8").replace('"예시일보"', f"'{evil}'"), "utf-8")
    assert authoring.call("outlet", "new", "example", path).code == 0
    assert outlet_named("example").title == evil


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("new", "example"), "say what to do"),
        (("new", "example", "nothing.html"), "there is no such file"),
        (("new", "example", "page-1.pdf"), "neither an address nor a saved page"),
        (("new", "mk", "page-1.html"), "there is an outlet mk already"),
        (("new", "Ex-ample", "page-1.html"), "a name has small letters"),
        (("new", "example", "taken.html"), "www.mk.co.kr is a host of mk already"),
        (("new", "example", "bare.html"), "a page states no address of its own"),
    ],
)
def test_what_is_invalid_or_taken_makes_no_file(
    authoring: Authoring, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    write_pages(tmp_path)
    (tmp_path / "bare.html").write_text("<p>글</p>")
    (tmp_path / "taken.html").write_text("<p>글</p>")
    (tmp_path / "taken.json").write_text('{"url": "https://www.mk.co.kr/news/it/11111111"}')
    said = authoring.call("outlet", *in_folder(tmp_path, words))
    assert said.code == 2
    assert sentence in said.err
    assert [path.name for path in authoring.package.iterdir()] == ["__init__.py"]


def test_an_address_is_fetched_by_the_rules_of_a_crawl(tmp_path: Path) -> None:
    package = tmp_path / "project" / "fetched_outlets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    with MockSite("etoday", 3, more_hosts=("www.made.example",)) as site:
        places = {
            f"{host}:{port}": f"{ip}:{real}"
            for (host, port), (ip, real) in site.endpoints().items()
        }
        settings = HASTE | {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(places)}
        workspace = Workspace(
            tmp_path,
            {
                "PYTHONPATH": f"{ROOT}:{tmp_path / 'project'}",
                "OUTLET_MODULES": "fetched_outlets",
                "SSL_CERT_FILE": str(site.ca_file),
                "CONTACT": "desk@example.org",
            },
        )
        address = f"https://www.made.example/news/view/{site.ids()[-1]}"
        options = [word for pair in settings.items() for word in ("-s", "=".join(pair))]
        said = workspace.run("outlet", "new", "made", address, *options)
        asked = [entry.path for entry in site.log]
    assert said.code == 0, said
    # robots.txt first, and again for its list of sitemaps; the page once; nothing else but lists.
    assert asked[0] == "/robots.txt"
    assert asked.count(address.removeprefix("https://www.made.example")) == 1
    text = (package / "made.py").read_text("utf-8")
    assert 'r"/news/view/(?P<id>\\d+)"' in text
    assert 'canonical="https://www.made.example/news/view/{id}"' in text
    golden = json.loads((package / "fixtures" / "made" / "page-1.json").read_bytes())
    assert datetime.fromisoformat(golden["captured_at"]).tzinfo is not None
    assert golden["article"]["headline"] == site.story(site.ids()[-1]).headline
    assert not workspace.archive.exists()


ADDRESS = f"https://{HOST}/article/101"
FEED = f"""<rss version="2.0"><channel><title>예시일보</title><link>/</link>
<description>예시일보</description><item><title>기사</title><link>{ADDRESS}</link></item></channel></rss>"""
MAP = f"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>{ADDRESS}</loc></url></urlset>"""


class SiteOfLists(LoopbackSite):
    """A site whose robots.txt names a sitemap, with a feed and a sitemap at well-known places."""

    def answer(self, host: str, target: str) -> Answer:
        """Answer, with a page that is no feed at one of the well-known places of feeds."""
        pages = {
            "/robots.txt": f"User-agent: *\nAllow: /\nSitemap: https://{host}/maps/news.xml\n",
            "/article/101": PAGE.format(headline=FACTS[1][0], first=FACTS[1][1], number=101, day=1),
            "/rss": FEED,
            "/sitemap.xml": MAP,
            "/feed": "<html><body>목록</body></html>",
        }
        page = pages.get(target)
        return Answer(404) if page is None else Answer(200, body=page.encode())


def test_channels_are_those_that_robots_txt_the_page_and_well_known_places_name(
    tmp_path: Path,
) -> None:
    package = tmp_path / "project" / "listed_outlets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    with SiteOfLists("example", (HOST,)) as site:
        places = {f"{h}:{p}": f"{ip}:{real}" for (h, p), (ip, real) in site.endpoints().items()}
        settings = HASTE | {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(places)}
        environment = {
            "PYTHONPATH": f"{ROOT}:{tmp_path / 'project'}",
            "OUTLET_MODULES": "listed_outlets",
            "SSL_CERT_FILE": str(site.ca_file),
            "CONTACT": "desk@example.org",
        }
        options = [word for pair in settings.items() for word in ("-s", "=".join(pair))]
        workspace = Workspace(tmp_path, environment)
        said = workspace.run("outlet", "new", "example", ADDRESS, *options)
    assert said.code == 0, said
    text = (package / "example.py").read_text("utf-8")
    names = re.findall(r' Channel\(\n +"(\w+)"', text)
    assert names == ["sitemap", "feed", "sitemap_2", "feed_2"]
    channels = re.findall(r'# B: (.+)\n +Channel\(\n +"\w+",\n +\((\w+)\("(.+)"\),\)', text)
    assert channels == [
        ("robots.txt names it", "Sitemap", f"https://{HOST}/maps/news.xml"),
        ("a page links it as its feed", "Feed", f"https://{HOST}/feeds/all.xml"),
        ("it answered with 1 entries", "Sitemap", f"https://{HOST}/sitemap.xml"),
        ("it answered with 1 entries", "Feed", f"https://{HOST}/rss"),
    ]
