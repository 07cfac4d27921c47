"""A backup made during a crawl: restored elsewhere it is whole, and the crawl continues there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.backup.inventory import read
from tests.support.cli import Desk
from tests.support.crawling import Crawls, tally, twin_of_today
from tests.support.faults.nursery import Arrivals, Nursery
from tests.support.removing import articles, wrong

if TYPE_CHECKING:
    from pathlib import Path

_ARTICLES = 40
#: Seconds between two requests: the crawl must not be at its end before its backups are.
_DELAY = "0.05"


def test_a_backup_of_a_running_crawl_is_whole_and_the_crawl_goes_on_from_it(tmp_path: Path) -> None:
    with twin_of_today("etoday", _ARTICLES) as twin:
        arrivals = twin.log = Arrivals()
        crawls = Crawls.into(tmp_path / "desk", twin)
        crawls.desk.folder.mkdir()
        with Nursery(arrivals) as nursery:
            nursery.start(
                crawls.command(DOWNLOAD_DELAY=_DELAY),
                crawls.desk.environment(),
                tmp_path / "said",
                0.05,
            )
            # the first while the first pages are written, the second on top of it
            for number in (15, 30):
                assert nursery.arrived(number)
                said = crawls.desk.call("backup", tmp_path / "backup")
                assert (said.code, said.err) == (0, "")
            running = nursery.over(0) is False
            assert nursery.code() == 0, (tmp_path / "said").read_text("utf-8")
        known = read(tmp_path / "backup")
        assert known is not None
        assert running
        assert any(name.endswith(".open") for name in known.files)
        other = Crawls(twin, Desk(tmp_path / "other", crawls.desk.settings))
        said = other.desk.call("restore", tmp_path / "backup")
        assert said.code == 0, said.err
        assert re.search("was left open: [0-9]+ records? indexed", said.out)
        assert wrong(other.desk) == []
        found = articles(other.desk)
        assert found.items() <= articles(crawls.desk).items()
        assert len(found) < _ARTICLES
        said = other.run()
        assert said.code == 0, said.err
        assert tally(said.out)["failed"] == 0
        assert articles(other.desk) == articles(crawls.desk)
        other.check_captures()
