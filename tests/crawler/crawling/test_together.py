"""``crawl A B C``: several outlets in one process, each a crawl of its own."""

from __future__ import annotations

import json
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from archive.index.database import Index
from archive.index.writers.leases import Leases, outlet_lease
from tests.support.databases import s3_server
from tests.support.databases.postgres import new_database
from tests.support.faults.killed_crawls import kill_crawls_of_many, line
from tests.support.processes.cli import Workspace
from tests.support.processes.schedules import wait_for
from tests.support.processes.workers import rows_of
from tests.support.sites.made_outlets import MadeSites, ManyCrawls

THREE = {"north": 12, "south": 12, "west": 12}
DONE = ("succeeded", 0)


def test_each_outlet_is_a_crawl_of_its_own(tmp_path: Path) -> None:
    with MadeSites(THREE) as sites:
        many = ManyCrawls(tmp_path, sites)
        said = many.run()
        assert said.code == 0, said
        assert many.fetched() == many.published()
        assert many.endings() == {name: [DONE] for name in THREE}
        for name in THREE:
            balance = "discovered or due 12 = stored 12 + unchanged 0 + failed 0 + skipped 0"
            assert f"{name}: {balance} + pending 0" in said.out
        assert said.err == ""
        assert len(many.crawls.segments()) == 3
        assert many.workspace.rows("leases") == []
        many.crawls.check_captures()
        runs = many.workspace.rows("runs")
        assert [json.loads(row["counts"]) for row in runs] == [
            {row["outlet"]: {"new": 12}} for row in runs
        ]


def test_arguments_hold_for_all(tmp_path: Path) -> None:
    with MadeSites(THREE) as sites:
        many = ManyCrawls(tmp_path, sites)
        said = many.run((), "-a", "limit=5")
        assert said.code == 0, said
        by_host = dict.fromkeys(sites.hosts_by_name.values(), 0)
        for (host, _), number in many.fetched().items():
            by_host[host] += number
        assert by_host == dict.fromkeys(sites.hosts_by_name.values(), 5)
        arguments = [json.loads(row["arguments"]) for row in many.workspace.rows("runs")]
        assert sorted(arguments) == [[name, "-a", "limit=5"] for name in sorted(THREE)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["hani", "hani"], "hani is named twice"),
        (["hani", "khann"], "no outlet 'khann' (did you mean khan?)"),
        (["hani", "khan", "-a", "url=https://www.hani.co.kr/arti/a/b/1.html"], "names one article"),
        (["hani", "https://www.khan.co.kr/article/1"], "crawl it alone"),
        (["hani", "khan", "--site", "https://a.example/"], "is all that names the site"),
        (["hani", "khan", "-o", "articles.jsonl"], "put %(name)s"),
        (["hani", "khan", "-s", "FORCE_CRAWLER_PROCESS=1"], "FORCE_CRAWLER_PROCESS"),
    ],
)
def test_what_makes_no_sense_for_several_is_refused(
    tmp_path: Path, words: list[str], sentence: str
) -> None:
    workspace = Workspace(tmp_path, {"CONTACT": "desk@example.org"})
    said = workspace.run("crawl", *words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert not workspace.index.exists()


def test_feeds_are_written_by_outlet(tmp_path: Path) -> None:
    with MadeSites(THREE) as sites:
        many = ManyCrawls(tmp_path, sites)
        said = many.run((), "-O", str(tmp_path / "%(name)s.jsonl"))
        assert said.code == 0, said
        for name in THREE:
            lines = (tmp_path / f"{name}.jsonl").read_text().splitlines()
            assert {json.loads(line)["outlet"] for line in lines} == {name}
            assert len(lines) == 12


def test_a_lease_that_another_holds_ends_only_its_crawl(tmp_path: Path) -> None:
    with MadeSites(THREE) as sites:
        many = ManyCrawls(tmp_path, sites)
        with Index(many.workspace.index_url) as index:
            assert Leases(index, [outlet_lease("south")], "another").take() is None
            said = many.run()
        assert said.code == 1
        (sentence,) = said.sentences
        assert "south is being crawled since" in sentence
        assert many.endings() == {"north": [DONE], "west": [DONE]}


def test_robots_out_of_reach_ends_only_its_crawl(tmp_path: Path) -> None:
    with MadeSites(THREE) as sites:
        many = ManyCrawls(tmp_path, sites)
        sites.fault(r"www\.south\.example/robots", "status", code=500)
        said = many.run(RETRY_TIMES="0")
        assert said.code == 1
        assert many.endings() == {"north": [DONE], "west": [DONE], "south": [("failed", 1)]}
        assert any(line.startswith("scrapy crawl: south: ") for line in said.sentences)
        assert not any(line.startswith("scrapy crawl: north") for line in said.sentences)


@pytest.mark.parametrize(
    ("where", "setting"),
    [
        ("InMiddleware", "DOWNLOADER_MIDDLEWARES"),
        ("InHandler", "EXTENSIONS"),
        ("InSignal", "EXTENSIONS"),
    ],
)
def test_a_bug_of_a_component_at_one_outlet_fails_only_its_crawl(
    tmp_path: Path, where: str, setting: str
) -> None:
    with MadeSites(THREE) as sites:
        many = ManyCrawls(tmp_path, sites)
        part = f"tests.support.crawling.bugs_of_one.{where}"
        said = many.run(**{setting: json.dumps({part: 700})})
        assert said.code == 1
        assert many.endings() == {"north": [DONE], "west": [DONE], "south": [("failed", 1)]}, said
        assert not any(line.startswith("scrapy crawl: north") for line in said.sentences)


def test_outlets_of_one_host_take_turns(tmp_path: Path) -> None:
    listed_at = {"north": "www.shared.example", "south": "www.shared.example"}
    with MadeSites(THREE, listed_at=listed_at) as sites:
        many = ManyCrawls(tmp_path, sites)
        said = many.run()
        assert said.code == 0, said
        runs = {row["outlet"]: row for row in many.workspace.rows("runs")}
        assert runs["south"]["started_at"] > runs["north"]["ended_at"]
        assert runs["west"]["started_at"] < runs["north"]["ended_at"]
        assert {row["ending"] for row in runs.values()} == {"succeeded"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_all_in_order_and_the_same_command_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    with MadeSites(dict.fromkeys(THREE, 60), latency=0.3) as sites:
        many = ManyCrawls(tmp_path, sites)
        one = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
        crawl = many.start(settings=one, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: all(len(sites.times(name)) > 8 for name in THREE))
        crawl.send_signal(number)
        out, err = crawl.communicate(timeout=120)
        assert crawl.returncode == 1, (out, err)
        assert err.decode().count("stopped before the end (shutdown)") == 3
        assert {path.suffix for path in many.crawls.segments()} == {".gz"}
        assert many.endings() == {name: [("stopped", 1)] for name in THREE}
        sites.latency = 0.0
        said = many.run()
        assert said.code == 0, said
        assert set(many.fetched()) == set(many.published())
        assert sum(many.fetched().values()) - len(many.fetched()) <= 3  # those under way
        many.crawls.check_captures()


def test_kills_of_all_at_any_moment_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    with MadeSites({"north": 60, "south": 61, "west": 62}) as sites:
        tally = kill_crawls_of_many(ManyCrawls(tmp_path, sites), kills=8, seed=20260903)
    print(line(tally))
    assert tally.kills == 8
    assert (tally.lost, tally.twice, tally.refetched) == (0, 0, 0)


def test_a_slow_outlet_and_one_of_long_pages_delay_no_other(tmp_path: Path) -> None:
    """One's pages come a byte at a time, another's have 5 MB each; a third keeps its pace."""
    with MadeSites({"north": 1000, "south": 20, "west": 5}, padding={"north": 5 * 2**20}) as sites:
        sites.fault(r"www\.south\.example/news", "slow", amount=0.05)
        many = ManyCrawls(tmp_path, sites)
        pace = {"DOWNLOAD_DELAY": "2", "DOWNLOAD_DELAY_JITTER": "0"}
        pace |= {"CONCURRENT_REQUESTS_PER_DOMAIN": "1", "DOWNLOAD_TIMEOUT": "600"}
        crawl = many.start(settings=pace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: len(sites.times("west")) == 7, patience=180)
        held_up = waited_for_a_core(crawl.pid)
        crawl.kill()
        crawl.wait()
        assert len(sites.times("north")) > 3  # one has come, and the next is asked for
        assert 0 < len(sites.times("south")) < 20
        # Its robots.txt and sitemap come as they come.
        gaps = [after - before for before, after in pairwise(sites.times("west")[2:])]
        assert sum(gaps) >= 2 * (len(gaps) - 1)
        print(f"median {median(gaps):.3f} s, held up {held_up / len(gaps):.3f} s of each")
        # What other processes of this machine held up is not the other outlets' doing.
        assert median(gaps) < 3 + held_up / len(gaps), (gaps, held_up)


def waited_for_a_core(process: int) -> float:
    """Return how many seconds a process's main thread was ready to run, and did not."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9


@pytest.mark.parametrize("names", [("north",), ("north", "south")])
def test_a_second_signal_ends_all_at_once_and_keeps_what_was_fetched(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Servers that do not answer must not hold the end up."""
    with MadeSites(dict.fromkeys(names, 40), latency=0.02) as sites:
        sites.fault("/news/view/.*[1357]$", "hang")
        many = ManyCrawls(tmp_path, sites)
        log = tmp_path / "crawl.log"
        told = {"LOG_FILE": str(log), "LOG_LEVEL": "INFO", "DOWNLOAD_TIMEOUT": "3600"}
        crawl = many.start((), settings=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: all(len(sites.times(name)) > 8 for name in names))
        crawl.send_signal(signal.SIGINT)
        wait_for(lambda: "Received SIGINT, shutting down gracefully" in log.read_text("utf-8"))
        crawl.send_signal(signal.SIGINT)
        out, err = crawl.communicate(timeout=120)  # the servers would hold it up for an hour
        assert crawl.returncode == 1, (out, err)
        assert "forcing unclean shutdown" in log.read_text("utf-8")
        assert b"Traceback" not in err
        assert err.decode().count("stopped before the end (shutdown)") == len(names)
        assert many.endings() == {name: [("stopped", 1)] for name in names}
        assert {path.suffix for path in many.crawls.segments()} == {".gz"}
        assert many.workspace.rows("leases") == []
        many.crawls.check_captures()
        sites.heal()
        said = many.run()
        assert said.code == 0, said
        assert {row["outlet"] for row in many.workspace.rows("articles")} == {*names}
        assert len(many.workspace.rows("articles")) == 40 * len(names)


def test_several_outlets_are_crawled_into_postgresql_and_s3(tmp_path: Path) -> None:
    with MadeSites({"north": 6, "south": 6}) as sites:
        many = ManyCrawls(tmp_path, sites)
        bucket, url = s3_server.new_bucket(), new_database()
        places = {"INDEX_URL": url, "ARCHIVE_URL": f"s3://{bucket}/a"}
        own = {"S3_ENDPOINT": s3_server.server(), "SPOOL_FOLDER": str(tmp_path / "spool")}
        workspace = Workspace(tmp_path, many.environment | places | own | s3_server.CREDENTIALS)
        said = workspace.run(*many.command())
        assert said.code == 0, said
        runs = rows_of(url, "SELECT outlet, ending, exit_code FROM runs ORDER BY outlet")
        assert [tuple(row.values()) for row in runs] == [("north", *DONE), ("south", *DONE)]
        assert [*(tmp_path / "spool").glob("*.warc.gz*")] == []
        again = workspace.run(*many.command())
        assert again.code == 0, again
        assert sum(many.fetched().values()) == len(many.published()) == 12
        verified = workspace.run("verify")
        assert verified.code == 0, verified
