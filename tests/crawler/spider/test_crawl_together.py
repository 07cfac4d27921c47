"""Crawls at the same time: of one outlet into one index, and of two outlets into one archive."""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.support.crawls import Crawls, site_of_today, tally

if TYPE_CHECKING:
    from pathlib import Path


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
    with site_of_today("newspim", 60, latency=0.02) as site:
        crawls = Crawls.into(tmp_path, site)
        running = [crawls.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
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
