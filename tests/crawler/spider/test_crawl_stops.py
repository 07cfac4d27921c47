"""Stopped and killed crawls: the same command continues, nothing is lost or repeated."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import SETTLED, Crawls, site_of_today, tally
from tests.support.faults.fork_server import PATIENCE, RequestLog
from tests.support.faults.killed_crawls import kill_crawls, line
from tests.support.faults.limits import leave_memory

if TYPE_CHECKING:
    from pathlib import Path


def test_kills_at_any_moment_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    with site_of_today("etoday", 60) as site:
        tally = kill_crawls(tmp_path, site, kills=12, seed=20260901)
    print(line(tally))
    assert tally.kills == 12
    assert (tally.lost, tally.twice, tally.refetched, tally.unequal) == (0, 0, 0, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_crawl_in_order_and_the_same_command_goes_on(
    tmp_path: Path, number: int
) -> None:
    with site_of_today("newspim", 120, latency=0.1) as site:
        log = site.log = RequestLog()
        crawls = Crawls.into(tmp_path, site)
        one = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
        process = crawls.start(settings=one, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with log.changed:
            assert log.changed.wait_for(lambda: len(log) > 40, PATIENCE)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        said = err.decode()
        assert process.returncode == 1, said
        assert "Traceback" not in said
        assert "same command" in said
        left = tally(out.decode())["pending"]
        assert left > 0
        assert {path.suffix for path in crawls.segments()} == {".gz"}
        crawls.check_captures()
        assert {row["state"] for row in crawls.frontier().values()} == {"due"}
        stored = len(crawls.revisions())
        site.latency = 0.0
        again = crawls.run()
        assert again.code == 0, again
        assert tally(again.out)["stored"] == 120 - stored
        assert sorted(crawls.revisions()) == site.ids()
        assert max(crawls.fetched().values()) == 1
        crawls.check_captures()


def test_a_crawl_that_gets_no_more_memory_ends_with_one_sentence_and_loses_nothing(
    tmp_path: Path,
) -> None:
    with site_of_today("newspim", 80, age=SETTLED, latency=0.1) as site:
        log = site.log = RequestLog()
        # Their trees are larger than what other pages have left.
        more = "<p>기록은 그날 그대로 남아야 한다.</p>" * 50_000 + "</body>"
        large = {}
        for article_id in site.ids():
            page = site.routes.answer("www.newspim.com", f"/news/view/{article_id}").body.decode()
            large[article_id] = page.replace("</body>", more)
        crawls = Crawls.into(tmp_path, site)
        one = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
        process = crawls.start(settings=one, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with log.changed:
            assert log.changed.wait_for(lambda: len(log) > 30, PATIENCE)
        leave_memory(process.pid, 0)
        for article_id, body in large.items():
            site.fault(f"/news/view/{article_id}", "answer", body=body)
        out, err = process.communicate(timeout=PATIENCE)
        said = err.decode()
        assert process.returncode == 1, said
        assert "Traceback" not in said
        assert "may not use more memory" in said.splitlines()[-1]
        assert "unexpected exception" not in said
        assert tally(out.decode())["stored"] < 80
        site.heal()
        site.latency = 0.0
        again = crawls.run()
        assert again.code == 0, again
        assert sorted(crawls.revisions()) == site.ids()
        crawls.check_captures()
