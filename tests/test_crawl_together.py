"""Crawls at the same time: of one outlet into one index, and of two outlets into one archive."""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.crawling import Crawls, books, twin_of_today
from tests.twin.server import Twin
from tests.twin.story import KST

if TYPE_CHECKING:
    from pathlib import Path


def together(*starts: tuple[Crawls, tuple[str, ...]]) -> list[str]:
    """Start crawls at once and wait for all; what each printed. All must end well."""
    running = [crawls.start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for crawls, args in starts]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * len(running), said
    return [out.decode() for out, _ in said]


@pytest.mark.parametrize("walk", [False, True])
def test_two_crawls_of_one_outlet_share_its_articles(tmp_path: Path, walk: bool) -> None:
    now = datetime.now(KST)
    with Twin("newspim", 96, clock=now, between=timedelta(minutes=30), latency=0.02) as twin:
        if walk:  # the lists are dead, so the numbers of yesterday are all there is to go by
            twin.fault(r"/news/lists|rss|sitemap", "status", status=404)
        crawls, day = Crawls.into(tmp_path, twin), now.date() - timedelta(days=1)
        args = ("-a", f"since={day}", "-a", f"until={day}")
        said = together((crawls, args), (crawls, args))
        wanted = [a for a in twin.ids() if twin.story(a).published.date() == day]
        assert set(crawls.revisions()) == set(wanted)
        fetched = crawls.fetched()
        assert {article_id: fetched[article_id] for article_id in wanted} == dict.fromkeys(wanted, 1)
        assert max(fetched.values()) == 1
        for out in said:
            books(out)
        told = Counter(row["source"] for row in crawls.desk.rows("outcomes") if row["outcome"] == "new")
        assert told == Counter(map(twin.address, wanted))
        assert set(crawls.outcomes().values()) <= {"new", "skipped/http_status"}
        assert {path.suffix for path in crawls.segments()} == {".gz"}
        crawls.check_captures()


def test_two_crawls_of_two_outlets_share_an_archive(tmp_path: Path) -> None:
    with ExitStack() as stack:
        twins = [stack.enter_context(twin_of_today(name, 60)) for name in ("etoday", "newspim")]
        both = [Crawls.into(tmp_path, twin) for twin in twins]
        for out in together(*((crawls, ()) for crawls in both)):
            figures = books(out)
            assert (figures["discovered"], figures["stored"]) == (60, 60)
        assert [crawls.fetched() for crawls in both] == [Counter(twin.ids()) for twin in twins]
        assert sorted(both[0].revisions()) == sorted(twins[0].ids() + twins[1].ids())
        assert [path.suffix for path in both[0].segments()] == [".gz", ".gz"]
        both[0].check_captures()
