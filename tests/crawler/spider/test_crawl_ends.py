"""Crawls that cannot start or continue: message, exit status and a sound archive."""

from __future__ import annotations

import json
import re
import resource
import socket
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.documents import KNOWN
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def crawls(tmp_path: Path) -> Iterator[Crawls]:
    with site_of_today("etoday", 60) as site:
        yield Crawls.into(tmp_path, site)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nobody"], f"no outlet 'nobody'; known: {KNOWN}"),
        ([], "name one outlet"),
        (["etoday", "etoday"], "is named twice"),
        (["etoday", "-a", "since=yesterday"], "'yesterday' is not a valid date"),
        (["etoday", "-a", "since=2023-02-30"], "'2023-02-30' is not a valid date"),
        (["etoday", "-a", "since=2023-09-02", "-a", "until=2023-09-01"], "lies after until"),
        (["etoday", "-a", "until=2023-09-01"], "until= needs since="),
        (["etoday", "-a", "limit=0"], "at least 1"),
        (["etoday", "-a", "limit=many"], "at least 1"),
        (["etoday", "-a", "limit="], "NAME=VALUE"),
        (["etoday", "-a", "depth=3"], "since, until, url, limit"),
        (
            ["etoday", "-a", "url=https://www.newspim.com/news/view/20230915999901"],
            "not the address of an article",
        ),
        (["etoday", "-a", "url=file:///etc/passwd"], "not the address of an article"),
        (["https://example.org/news/1"], "no outlet has the host of https://example.org/news/1"),
        (["www.etoday.co.kr/news/view/1", "-a", "url=x"], "name one"),
        (["www.etoday.co.kr/news"], "not the address of an article"),
        (["etoday", "--sinse", "2023-09-01"], "unknown option --sinse"),
    ],
)
def test_invalid_usage_is_reported_and_changes_nothing(
    tmp_path: Path, arguments: list[str], named: str
) -> None:
    workspace = Workspace(tmp_path, {"CONTACT": "desk@example.org"})
    said = workspace.run("crawl", *arguments)
    assert (said.code, said.out) == (2, "")
    assert named in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_without_a_contact_a_live_crawl_does_not_begin(tmp_path: Path) -> None:
    said = Workspace(tmp_path).run("crawl", "etoday")
    assert said.code != 0
    assert "CONTACT" in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_a_crawl_says_so_within_a_minute_and_can_be_run_again(
    crawls: Crawls,
) -> None:
    for _ in range(2):
        said = crawls.workspace.run("crawl", "etoday", env={"CONTACT": "desk@example.org"})
        assert said.code == 1
        assert "Traceback" not in said.err
        assert "no channel of etoday listed articles" in said.sentences[-1]
        assert "does not resolve" in said.sentences[-1]
        assert set(tally(said.out).values()) == {0}
    assert crawls.segments() == []
    said = crawls.run()
    assert said.code == 0, said
    assert sorted(crawls.revisions()) == crawls.site.ids()


@pytest.mark.parametrize("kind", ["status", "html", "empty", "reset"])
def test_when_all_channels_are_dead_the_crawl_fails_and_says_so(crawls: Crawls, kind: str) -> None:
    crawls.site.fault(r"rss|sitemap|section|flash", kind)
    said = crawls.run(RETRY_TIMES="0")
    assert said.code == 1
    assert "no channel of etoday listed articles" in said.sentences[-1]
    assert "Traceback" not in said.err
    assert crawls.fetched() == {}
    crawls.check_captures()
    crawls.site.heal()
    assert crawls.run().code == 0
    assert sorted(crawls.revisions()) == crawls.site.ids()


def test_each_crawl_of_an_outage_fails_though_it_walks_ids_that_are_known(tmp_path: Path) -> None:
    with site_of_today("newspim", 20) as site:
        crawls = Crawls.into(tmp_path, site)
        assert crawls.run().code == 0
        since = (
            f"since={crawls.site.story(crawls.site.ids()[-1]).published.astimezone(KST):%Y-%m-%d}"
        )
        crawls.site.fault(r"\.com/(?!robots)", "status", status=503)
        asked = [crawls.run("-a", since, RETRY_TIMES="0", RETRY_AFTER_MAX="1") for _ in range(3)]
        assert [said.code for said in asked] == [1, 1, 1]
        assert "no channel of newspim listed articles" in asked[-1].sentences[-1]
        crawls.site.heal()
        crawls.site.publish(1)
        assert crawls.run().code == 0
        assert sorted(crawls.revisions()) == crawls.site.ids()


def test_one_live_channel_is_enough(crawls: Crawls) -> None:
    crawls.site.fault(r"rss|sitemap|flash", "status", status=500)
    said = crawls.run(RETRY_TIMES="0")
    assert said.code == 0, said
    assert sorted(crawls.revisions()) == crawls.site.ids()


@pytest.mark.sqlite_only(reason="the index fills the disk as well")
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_full_disk_is_reported_and_the_crawl_completes_once_there_is_room(
    crawls: Crawls, share: float
) -> None:
    """RLIMIT_FSIZE stands for the disk: no file of the process may grow beyond it."""
    whole = Crawls.into(_made(crawls.workspace.folder / "whole"), crawls.site)
    assert whole.run().code == 0
    sizes = [path.stat().st_size for path in (*whole.segments(), whole.workspace.index)]
    limit = int(share * max(sizes))
    process = crawls.start(
        stdout=-1,
        stderr=-1,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    out, err = (stream.decode() for stream in process.communicate(timeout=120))
    assert process.returncode == 1, (out, err)
    assert "Traceback" not in err
    assert "run the same command again" in err
    again = crawls.run()
    assert again.code == 0, again
    assert crawls.revisions() == whole.revisions()
    assert {path.suffix for path in crawls.segments()} == {".gz"}
    crawls.check_captures()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("robots_known", [False, True])
def test_a_host_that_cannot_be_reached_is_told_of_once(crawls: Crawls, robots_known: bool) -> None:
    if robots_known:
        assert crawls.run("-a", "limit=1").code == 0
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{closed.getsockname()[1]}"
        places = {f"{host}:{port}": nowhere for host, port in crawls.site.endpoints()}
        said = crawls.run(RESOLVER_MAP=json.dumps(places), RETRY_TIMES="0", ROBOTS_RETRY_AFTER="0")
    assert said.code == 1
    lines = [line for line in said.sentences if re.search(r"\] (WARNING|ERROR): ", line)]
    told = Counter(re.findall(r"([\w.]+) at 127.0.0.1 port \d+ refuses", "\n".join(lines)))
    assert {"www.etoday.co.kr", "rss.etoday.co.kr"} <= told.keys()
    assert set(told.values()) == {1}, said.err
    # Nor is one article after the other named, but the host with their number.
    failed = tally(said.out)["failed"]
    about = [line for line in said.sentences if line.startswith("www.etoday.co.kr: failed/")]
    assert [line.endswith(f" ({failed} articles)") for line in about] == [True] * bool(failed)
    assert "etoday.co.kr/news/view" not in said.err
    assert (failed > 20) is robots_known
