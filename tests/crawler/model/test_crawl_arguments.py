"""The arguments of crawls that have run: every reader of the history judges them alike."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from crawler.model.crawl_arguments import CrawlArguments, parse_arguments
from crawler.model.window import parse_days
from crawler.outlets import outlet_named

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
        (["etoday", "-a", "again=2026-11-01..2026-11-03"], False, True),
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


def test_days_to_visit_again() -> None:
    days = "2026-11-01..2026-11-03"
    assert parse_arguments([f"again={days}"], outlet_named("etoday")) == {"again": days}
    assert parse_days(days) == (date(2026, 11, 1), date(2026, 11, 3))
    assert parse_days("2026-11-01") == (date(2026, 11, 1), date(2026, 11, 1))


def test_names_that_begin_with_an_underscore_are_passed_on() -> None:
    words = ["_job=6487ec79947edab326d6db28a2d86511", "_visits=", "limit=3"]
    assert parse_arguments(words, outlet_named("etoday")) == {
        "_job": "6487ec79947edab326d6db28a2d86511",
        "_visits": "",
        "limit": "3",
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["again=2026-11-03..2026-11-01"], "the first day lies after the last"),
        (["again=yesterday"], "is not a valid date"),
        (["again=2026-11-01.."], "is not a valid date"),
        (["again=2026-11-01..2026-11-02..2026-11-03"], "is not a valid date"),
        (["again="], "give one of"),
        (["again=2026-11-01", "discover=no"], "cannot be used with"),
        (["again=2026-11-01", "since=2026-11-01"], "cannot be used with"),
    ],
)
def test_invalid_days_to_visit_again(words: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_arguments(words, outlet_named("etoday"))
