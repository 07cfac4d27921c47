"""A look at one page by hand: asked for by the rules of a crawl, and kept nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crawler.outlets import known_outlets
from tests.support.crawling.crawls import Crawls
from tests.support.documents import KNOWN
from tests.support.mock_site.server import MockSite
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.processes.cli import CommandResult


@pytest.fixture
def crawls(tmp_path: Path) -> Iterator[Crawls]:
    with MockSite("etoday", 3) as site:
        yield Crawls.into(tmp_path, site)


def look(crawls: Crawls, verb: str, *args: str) -> CommandResult:
    """Run one of the verbs with what leads a crawl to the mock site."""
    _, _, *led = crawls.command()
    return crawls.workspace.run(verb, *args, *led)


def test_fetch_prints_the_page_and_keeps_nothing(crawls: Crawls) -> None:
    article = crawls.site.ids()[0]
    result = look(crawls, "fetch", crawls.site.address(article))
    assert result.code == 0, result.err
    assert crawls.site.story(article).headline in result.out
    agents = {entry.header("User-Agent") for entry in crawls.site.requests()}
    assert [agent.startswith("Sacho/") and "desk@example.org" in agent for agent in agents] == [
        True
    ]
    assert not crawls.workspace.archive.exists()
    assert not crawls.workspace.index.exists()


def test_a_shell_has_the_page_of_an_address_or_a_file(crawls: Crawls, tmp_path: Path) -> None:
    article = crawls.site.ids()[0]
    result = look(
        crawls, "shell", "-c", "response.css('title::text').get()", crawls.site.address(article)
    )
    assert crawls.site.story(article).headline in result.out, result.err
    page = tmp_path / "page.html"
    page.write_text("<title>제 것</title>")
    assert (
        look(crawls, "shell", "-c", "response.css('title::text').get()", str(page)).out == "제 것\n"
    )
    assert not crawls.workspace.index.exists()


def test_a_page_that_does_not_come_is_a_sentence_and_exit_1(crawls: Crawls) -> None:
    article = crawls.site.ids()[0]
    crawls.site.fault(r"/news/view/", "reset")
    for verb in ("fetch", "parse"):
        result = look(crawls, verb, crawls.site.address(article), "-s", "RETRY_TIMES=0")
        assert result.code == 1
        assert f"{verb}: could not fetch" in result.sentences[-1]
        assert "Traceback" not in result.err
    crawls.site.heal()
    crawls.site.routes.robots = "User-agent: *\nDisallow: /\n"
    asked = len(crawls.site.requests())
    result = look(crawls, "fetch", crawls.site.address(article))
    assert result.code == 1
    assert "disallows" in result.err
    assert [entry.path for entry in crawls.site.requests()[asked:]] == ["/robots.txt"]


def test_a_real_host_is_not_asked_without_a_contact_nor_by_an_outlets_spider(
    crawls: Crawls,
) -> None:
    nobody = crawls.workspace.run("fetch", "https://www.etoday.co.kr/", env={"CONTACT": ""})
    assert nobody.code == 2
    assert "needs a CONTACT" in nobody.err
    guessed = crawls.workspace.run("shell", "-c", "1", "www.etoday.co.kr", env={"CONTACT": ""})
    assert (guessed.code, "needs a CONTACT" in guessed.err) == (2, True)
    spider = look(crawls, "fetch", "--spider", "etoday", "https://www.etoday.co.kr/")
    assert spider.code == 2
    assert "keeps what it fetches" in spider.err


def test_no_page_redirects_fetch_to_a_file(crawls: Crawls, tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("<title>secret</title>")
    crawls.site.fault(r"/news/view/", "private", to=secret.as_uri())
    result = look(crawls, "fetch", crawls.site.address(crawls.site.ids()[0]))
    assert "secret</title>" not in result.out


@pytest.mark.parametrize(
    ("verb", "address"), [("fetch", "http://[::1"), ("shell", "www.etoday.co.kr:99999")]
)
def test_what_can_be_no_address_is_wrong_usage(tmp_path: Path, verb: str, address: str) -> None:
    result = Workspace(tmp_path).run(verb, address)
    assert result.code == 2
    assert f"{address} is not a valid address (" in result.err
    assert "Traceback" not in result.err


def test_parse_prints_the_article_and_keeps_nothing(crawls: Crawls) -> None:
    article = crawls.site.ids()[0]
    result = look(crawls, "parse", crawls.site.address(article))
    assert result.code == 0, result.err
    item = json.loads(result.out)
    assert (item["outlet"], item["article_id"]) == ("etoday", article)
    assert item["headline"] == crawls.site.story(article).headline
    assert not crawls.workspace.archive.exists()
    assert not crawls.workspace.index.exists()


def test_parse_says_why_there_is_no_article(crawls: Crawls) -> None:
    crawls.site.fault(r"/news/view/", "login")
    result = look(crawls, "parse", crawls.site.address(crawls.site.ids()[0]))
    assert result.code == 1
    assert "unparsed/login_wall" in result.sentences[-1]
    assert "Traceback" not in result.err
    result = look(crawls, "parse", "https://nobody.example/1")
    assert result.code == 2
    assert "no outlet has the host" in result.err


@pytest.mark.parametrize("verb", ["runspider", "bench"])
def test_commands_of_scrapy_without_use_say_what_to_use(tmp_path: Path, verb: str) -> None:
    said = Workspace(tmp_path).call(verb, "one", "two")
    assert said.code == 2
    assert f"{verb} " in said.err
    assert "OUTLET_MODULES" in said.err or "bench.wire" in said.err


def test_check_names_the_valid_outlets(tmp_path: Path) -> None:
    said = Workspace(tmp_path).call("check")
    assert (said.code, said.out) == (0, f"{len(known_outlets())} valid outlets: {KNOWN}\n")


PARTS = "tests.support.crawling.user_parts"
#: What cannot be made, or raises, and the exit status.
RAISING = {
    "EXTENSIONS": (f'{{"{PARTS}.Unready": 1}}', f"{PARTS}.Unready: KeyError: 'UNREADY_TOKEN' (", 1),
    "SPIDER_MIDDLEWARES": (
        f'{{"{PARTS}.Listening": 1}}',
        f"{PARTS}.Listening: KeyError: 'LISTENING_TOKEN' (",
        1,
    ),
    "ADDONS": (
        f'{{"{PARTS}.UnreadyEarly": 1}}',
        f"{PARTS}.UnreadyEarly: KeyError: 'UNREADY_TOKEN' (",
        2,
    ),
    "SPIDER_LOADER_CLASS": (
        f"{PARTS}.UnreadyEarly",
        f"{PARTS}.UnreadyEarly has no method from_settings",
        2,
    ),
}


@pytest.mark.parametrize("verb", [("fetch",), ("shell", "-c", "1")])
@pytest.mark.parametrize("name", RAISING)
def test_a_component_that_raises_is_one_sentence(
    tmp_path: Path, verb: tuple[str, ...], name: str
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<title>one</title>")
    value, sentence, code = RAISING[name]
    said = Workspace(tmp_path).run(*verb, page.as_uri(), "-s", f"{name}={value}")
    assert said.code == code
    assert f"{name}: {sentence}" in said.sentences[-1]
    assert "Traceback" not in said.err
    assert name == "SPIDER_LOADER_CLASS" or "user_parts.py, line " in said.sentences[-1]
