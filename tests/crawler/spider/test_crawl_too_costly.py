"""Crawls of pages that take too long to read: they are given up and kept, and the crawl goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import SETTLED, Crawls, site_of_today, tally
from tests.support.pages import page_of
from tests.support.sites import costly_pages
from tests.support.sites.costly_pages import MARK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.server import MockSite


def make_costly(site: MockSite, *article_ids: str) -> None:
    for article_id in article_ids:
        data, _ = page_of(article_id)
        body = data.decode().replace("<p>", f"<p>{MARK} ", 1)
        site.fault(f"/view/{article_id}", "answer", body=body, encoded=True)


def test_a_crawl_gives_it_up_and_visits_it_as_any_article(tmp_path: Path) -> None:
    with site_of_today("etoday", 12, age=SETTLED) as site:
        costly, other = site.ids()[:2]
        make_costly(site, costly, other)
        crawls = Crawls.into(tmp_path, site)
        process = crawls.start(
            env=costly_pages.environment(0.2), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = (stream.decode() for stream in process.communicate(timeout=120))
        assert process.returncode == 1, err
        assert err.count("unparsed/too_costly: reading it takes more than") == 2
        assert tally(out)["stored"] == 10
        assert "Traceback" not in err
        rows = crawls.frontier()
        assert (rows[costly]["reason"], rows[costly]["failures"]) == ("too_costly", 0)
        assert rows[costly]["visits"] == rows[site.ids()[5]]["visits"] == 1
        assert crawls.workspace.run("reindex").code == 0
        assert len(crawls.workspace.rows("articles")) == 12
        crawls.check_captures()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_crawl_that_reads(tmp_path: Path, number: int) -> None:
    """The page is given up at its limit, what is stored stays, and the same command goes on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with site_of_today("etoday", 12, age=SETTLED) as site:
        make_costly(site, site.ids()[0])
        crawls = Crawls.into(tmp_path, site)
        process = crawls.start(
            env=costly_pages.environment(2, fifo), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        costly_pages.wait_until_begun(fifo)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "same command" in err.decode()
        assert "Traceback" not in err.decode()
        crawls.check_captures()
        again = crawls.run()
        assert again.code == 0, again
        assert crawls.workspace.run("reindex").code == 0
        assert len(crawls.workspace.rows("articles")) == 12
