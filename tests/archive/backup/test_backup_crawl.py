"""A backup made during a crawl: restored elsewhere it is whole, and the crawl continues there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.backup.inventory import read
from tests.support.archives.traces import articles, wrong
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.faults.fork_server import ForkServer, RequestLog
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

_ARTICLES = 80
#: Seconds between two requests: the crawl must not be at its end before its backups are.
_DELAY = "0.05"


def test_a_backup_of_a_running_crawl_is_whole_and_the_crawl_goes_on_from_it(tmp_path: Path) -> None:
    with site_of_today("etoday", _ARTICLES) as site:
        request_log = site.log = RequestLog()
        crawls = Crawls.into(tmp_path / "desk", site)
        crawls.workspace.folder.mkdir()
        with ForkServer(request_log) as fork_server:
            fork_server.start(
                crawls.command(DOWNLOAD_DELAY=_DELAY),
                crawls.workspace.environment(),
                tmp_path / "said",
                0.05,
            )
            # the first while the first pages are written, the second on top of it
            for number in (15, 30):
                assert fork_server.arrived(number)
                result = crawls.workspace.call("backup", tmp_path / "backup")
                assert (result.code, result.err) == (0, "")
            running = fork_server.over(0) is False
            assert fork_server.code() == 0, (tmp_path / "said").read_text("utf-8")
        known = read(tmp_path / "backup")
        assert known is not None
        assert running
        assert any(name.endswith(".open") for name in known.files)
        other = Crawls(site, Workspace(tmp_path / "other", crawls.workspace.settings))
        result = other.workspace.call("restore", tmp_path / "backup")
        assert result.code == 0, result.err
        assert re.search("was left open: [0-9]+ records? indexed", result.out)
        assert wrong(other.workspace) == []
        found = articles(other.workspace)
        assert found.items() <= articles(crawls.workspace).items()
        assert len(found) < _ARTICLES
        result = other.run()
        assert result.code == 0, result.err
        assert tally(result.out)["failed"] == 0
        assert articles(other.workspace) == articles(crawls.workspace)
        other.check_captures()
