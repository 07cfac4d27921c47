"""A crawl under a clock that was ahead: once the clock is right, everything it looked at is due again."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from archive.frontier.visits import REMOVED_COLUMNS
from archive.index.schema import frontier
from archive.model.outcome import Reason
from tests.support.archives.frontier import (
    DAY,
    HOUR,
    NOON,
    failed,
    leased_ids,
    links,
    new,
    skipped,
    utc,
)

if TYPE_CHECKING:
    from tests.support.archives.frontier import FrontierIndex

YEAR = timedelta(days=365)


@pytest.mark.parametrize("ahead", [2 * DAY, 40 * DAY, YEAR, 50 * YEAR])
def test_everything_is_due_when_the_clock_is_right_again(
    at: FrontierIndex, ahead: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    first = at.run("first")
    first.discover(links([1, 2, 3, 4, 5]))
    first.lease(5)
    at.settle(first, new("1"), new("2"), new("3"), failed("4"), failed("5"))
    first.release()
    at.clock.turn(ahead)
    wrong = at.run("wrong")
    wrong.discover(links([6, 7]))
    leased = sorted(leased_ids(wrong, 10))
    assert len(leased) >= 6
    at.settle(
        wrong,
        *(new(one) for one in leased if one not in ("4", "7")),
        failed("4"),
        skipped("7", Reason.HTTP_STATUS, status=404),
    )
    wrong.end_gone()
    wrong.release()
    at.clock.turn(HOUR - ahead)
    right = at.run("right")
    with caplog.at_level(logging.WARNING):
        assert sorted(leased_ids(right, 10)) == ["1", "2", "3", "4", "5", "6", "7"]
    assert "by a clock that was ahead" in caplog.text
    for number in range(1, 8):
        row = at.row(str(number))
        for moment in (row.visited_at, row.served_at, row.gone_at, row.discovered_at):
            assert moment is None or moment <= utc(NOON) + 2 * HOUR
    at.settle(right, *(new(str(number)) for number in range(1, 8)))
    assert leased_ids(at.run("next"), 10) == []


def test_a_right_clock_changes_nothing(at: FrontierIndex, caplog: pytest.LogCaptureFixture) -> None:
    run = at.run()
    run.discover(links([1, 2, 3]))
    run.lease(3)
    at.settle(run, new("1"), failed("2"), skipped("3", Reason.HTTP_STATUS, status=404))
    before = [at.row(str(number)) for number in (1, 2, 3)]
    run.release()
    assert leased_ids(at.run("next"), 10) == []
    assert [at.row(str(number)) for number in (1, 2, 3)] == before
    assert not caplog.messages


def test_a_removed_article_stays_removed(at: FrontierIndex) -> None:
    run = at.run()
    run.discover(links([1]))
    with at.index.writing() as connection:
        far = {"visited_at": utc(NOON) + YEAR}
        connection.execute(update(frontier).values(REMOVED_COLUMNS | far))
    assert leased_ids(at.run("next"), 10) == []
