"""Crawls at the same time: of one outlet into one index, and of two outlets into one archive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sqlalchemy import update

from archive.index.database import Index
from archive.index.schema import leases
from archive.index.writers.leases import Leases
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.processes.cli import ROOT
from tests.support.processes.schedules import wait_for

if TYPE_CHECKING:
    from pathlib import Path


#: A process that runs a verb, and renews its leases every half second.
_RENEWS_OFTEN = """
import sys
from archive.index.writers import leases
leases.RENEWAL = 0.5
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""


def together(*starts: tuple[Crawls, tuple[str, ...]]) -> list[str]:
    """Start crawls at once and wait for all; what each printed. All must end well."""
    running = [
        crawls.start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for crawls, args in starts
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * len(running), said
    return [out.decode() for out, _ in said]


def test_one_crawl_of_an_outlet_at_a_time(tmp_path: Path) -> None:
    with site_of_today("newspim", 30, latency=0.2) as site:
        crawls = Crawls.into(tmp_path, site)
        one = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}  # so that it outlasts the other's start
        running = [
            crawls.start(settings=one, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=120) for process in running]
        assert sorted(process.returncode for process in running) == [0, 1], said
        (refused,) = (
            err.decode()
            for process, (_, err) in zip(running, said, strict=True)
            if process.returncode
        )
        assert "newspim is being crawled since " in refused
        assert "only one run of an outlet is possible at a time" in refused
        assert "Traceback" not in refused
        assert crawls.fetched() == Counter(site.ids())
        # the other never was one
        assert {row["ending"] for row in crawls.workspace.rows("runs")} == {"succeeded"}
        assert crawls.workspace.rows("leases") == []
        assert crawls.run().code == 0


def test_a_crawl_asks_no_host_that_a_crawl_of_another_outlet_is_asking(tmp_path: Path) -> None:
    with site_of_today("newspim", 6) as site:
        crawls = Crawls.into(tmp_path, site)
        with Index(crawls.workspace.index_url) as index:
            other = Leases(index, ["outlet other", "host www.newspim.com"], "other")
            assert other.take() is None
            refused = crawls.run()
            assert (refused.code, site.log) == (1, [])
            assert "www.newspim.com is being crawled since " in refused.err
            assert f"(process {os.getpid()})" in refused.err
            assert "one run of a host, whichever outlet it is for, is possible at a" in refused.err
            with index.writing() as connection:
                connection.exec_driver_sql("UPDATE leases SET holder = 'otherboot/pid:[1] 7 9'")
            assert "KST (another machine); only one run" in crawls.run().err
            other.release()
            assert crawls.run().code == 0
            assert crawls.workspace.rows("leases") == []


def test_a_crawl_that_lost_its_leases_asks_for_nothing_more(tmp_path: Path) -> None:
    """As one that was halted, and was taken for dead meanwhile."""
    with site_of_today("newspim", 200, latency=0.1) as site:
        crawls = Crawls.into(tmp_path, site)
        one = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
        words = [sys.executable, "-c", _RENEWS_OFTEN, *crawls.command(**one)]
        running = subprocess.Popen(
            words, cwd=ROOT, env=crawls.workspace.environment(), stderr=subprocess.PIPE
        )
        wait_for(lambda: len(crawls.fetched()) > 3)
        with Index(crawls.workspace.index_url) as index, index.writing() as rows:
            assert rows.execute(update(leases).values(run_id="other")).rowcount > 1
        _, err = running.communicate(timeout=120)
        assert running.returncode == 1
        assert "were not renewed for too long" in err.decode()
        assert len(crawls.fetched()) < 200
        assert {row["run_id"] for row in crawls.workspace.rows("leases")} == {"other"}


def test_two_crawls_of_two_outlets_share_an_archive(tmp_path: Path) -> None:
    with ExitStack() as stack:
        sites = [stack.enter_context(site_of_today(name, 60)) for name in ("etoday", "newspim")]
        both = [Crawls.into(tmp_path, site) for site in sites]
        for out in together(*((crawls, ()) for crawls in both)):
            figures = tally(out)
            assert (figures["discovered"], figures["stored"]) == (60, 60)
        assert [crawls.fetched() for crawls in both] == [Counter(site.ids()) for site in sites]
        assert sorted(both[0].revisions()) == sorted(sites[0].ids() + sites[1].ids())
        assert [path.suffix for path in both[0].segments()] == [".gz", ".gz"]
        both[0].check_captures()


def test_a_crawl_keeps_its_delay_from_the_last_request_of_the_one_before(tmp_path: Path) -> None:
    delay = 3.0  # longer than it takes to start a crawl
    with site_of_today("newspim", 1) as site:
        crawls = Crawls.into(tmp_path, site)
        assert crawls.run().code == 0
        number, last = len(site.log), max(entry.ended for entry in site.log)
        crawls.make_due("1 = 1")
        paced = {"DOWNLOAD_DELAY": str(delay), "DOWNLOAD_DELAY_JITTER": "0"}
        assert crawls.run("-a", "discover=no", **paced).code == 0
        assert len(site.log) > number
        assert site.log[number].started - last >= delay
