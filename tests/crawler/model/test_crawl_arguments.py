"""The arguments of crawls that have run: every reader of the history judges them alike."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from crawler.model.crawl_arguments import CrawlArguments

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("words", "finds_new", "is_backfill"),
    [
        (["etoday"], True, False),
        (["etoday", "-a", "limit=20"], True, False),
        (["etoday", "-a", "since=2026-11-08"], True, False),
        (["etoday", "-a", "since=2026-11-07"], True, True),
        (["etoday", "-a", "until=2026-11-20"], False, False),
        (["etoday", "-a", "since=2019-01-01", "-a", "until=2019-02-01"], False, True),
        (["etoday", "-a", "url=https://example.org/?since=2019-01-01"], False, True),
        (["etoday", "-a", "discover=no"], False, False),
        (["etoday", "-a", "since=nonsense"], True, False),
    ],
)
def test_words_say_what_a_crawl_asked_for(
    words: list[str], finds_new: bool, is_backfill: bool
) -> None:
    arguments = CrawlArguments.from_words(words)
    assert (arguments.finds_new, arguments.is_backfill(TODAY)) == (finds_new, is_backfill)


def test_the_caller_chooses_how_old_a_backfill_is() -> None:
    arguments = CrawlArguments.from_words(["-a", "since=2026-11-14"])
    assert arguments.is_backfill(TODAY, timedelta(days=7))
    assert not arguments.is_backfill(TODAY, timedelta(days=8))
