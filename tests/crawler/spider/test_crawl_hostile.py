"""An outlet that answers as no server should: one outcome each, little memory, no long wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.fault_server.crawls import (
    HostileCrawl,
    crawl_endless_sources,
    crawl_hostile_outlet,
    crawl_hostile_sitemaps,
    page_cases,
)
from tests.support.fault_server.source_answers import sources

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 16
#: Of sitemaps of 50 MB, several at once.
LONG_TIMEOUT = 60


def check(ended: HostileCrawl, code: int, cases: int, timeout: int) -> None:
    print(f"{cases} cases, {ended.memory:.0f} MiB, longest {ended.longest:.1f} s")
    assert ended.wrong == {}
    assert ended.stored == ended.plain
    assert ended.code == code
    assert "Traceback" not in ended.err
    assert ended.memory < 300
    # A stalled answer lasts an hour; a busy machine is late.
    assert ended.longest < timeout + ended.held + 60


def test_every_hostile_answer_has_its_outcome_and_harms_no_other_page(tmp_path: Path) -> None:
    settings = {"DOWNLOAD_TIMEOUT": str(TIMEOUT), "RETRY_TIMES": "0"}
    check(crawl_hostile_outlet(tmp_path, **settings), 1, page_cases(), TIMEOUT)


@pytest.mark.parametrize("branches", [1, 9])
def test_sources_without_an_end_are_read_up_to_a_limit_that_is_said(
    tmp_path: Path, branches: int
) -> None:
    settings = {"DOWNLOAD_TIMEOUT": str(LONG_TIMEOUT), "RETRY_TIMES": "0"}
    ended = crawl_endless_sources(tmp_path, branches=branches, most=30, **settings)
    check(ended, 1, 2, LONG_TIMEOUT)


def test_of_every_hostile_sitemap_one_thing_is_said(tmp_path: Path) -> None:
    settings = {
        "DOWNLOAD_TIMEOUT": str(LONG_TIMEOUT),
        "RETRY_TIMES": "0",
        "CONCURRENT_REQUESTS_PER_DOMAIN": "8",
    }
    check(crawl_hostile_sitemaps(tmp_path, **settings), 0, len(sources()), LONG_TIMEOUT)
