"""Leases of articles, clean stops, rolled-back transactions, the accounting of runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from archive.index.schema import runs
from archive.index.writers.leases import LAPSE
from archive.model.outcome import Reason
from tests.support.archives.frontier import (
    HOUR,
    NOON,
    FrontierIndex,
    address,
    changed,
    failed,
    leased_ids,
    link,
    links,
    new,
    skipped,
    unchanged,
    unparsed,
)


def test_what_is_rolled_back_is_not_settled(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1)])
    run.lease(1)
    before = at.row("1")

    def deposit() -> None:
        with at.index.writing() as connection:
            connection.execute(
                insert(runs).values(id="a", verb="crawl", started_at=NOON, counts={})
            )
            assert run.settle(connection, [new("1", etag='"a"')]) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        deposit()
    assert at.row("1") == before
    with at.index.reading() as connection:
        assert connection.execute(runs.select()).all() == []
    assert at.settle(run, new("1")) == 1


def test_a_result_of_nothing_known_is_refused(at: FrontierIndex) -> None:
    run = at.run()
    with pytest.raises(ValueError, match="etoday: '9' is not in the frontier"):
        at.settle(run, new("9"))


def test_a_lease_is_one_runs_until_it_lapses(at: FrontierIndex) -> None:
    a, b = at.run("a"), at.run("b")
    a.discover(links([1, 2]))
    assert leased_ids(a) == ["1", "2"]
    at.set_holder("a")
    at.clock.turn(LAPSE - timedelta(seconds=1))
    assert b.lease(2) == []
    at.renew("a")
    at.clock.turn(LAPSE - timedelta(seconds=1))
    assert b.lease(2) == []
    assert b.leased_by_others() == {"1", "2"}
    at.clock.turn(timedelta(seconds=1))
    assert b.leased_by_others() == set()
    assert a.lease(2) == []  # on their way, however late
    assert b.due_count() == 2
    assert leased_ids(b, 1) == ["1"]
    # The late answers: of what another run fetches now nothing counts, of what nobody does a page
    # counts.
    assert at.settle(a, new("1"), failed("2")) == 0
    assert at.settle(a, new("2")) == 1
    assert at.settle(b, new("1")) == 1
    assert at.settle(a, new("1")) == 1
    assert [at.row(n).state for n in "12"] == ["due", "due"]


def test_a_clean_stop_gives_back_what_was_taken(at: FrontierIndex) -> None:
    a, b = at.run("a"), at.run("b")
    a.discover(links(range(5)))
    assert leased_ids(a, 3) == ["0", "1", "2"]
    assert b.release() == 0
    assert a.release() == 3
    assert leased_ids(b) == ["0", "1", "2", "3", "4"]
    assert a.release("b") == 5


def test_the_accounting_of_a_run(at: FrontierIndex) -> None:
    old, run = at.run("old"), at.run("run")
    old.discover(links([100, 101, 102]))
    assert leased_ids(old, 1) == ["100"]
    at.settle(old, new("100"))
    run.discover(links(range(10)))
    assert run.balance().pending == 10
    visits = run.lease(9)
    assert run.balance().missing == tuple(sorted(visit.url for visit in visits))
    at.settle(
        run,
        new("101"),
        changed("102"),
        unchanged("0"),
        failed("1"),
        failed("2", Reason.DNS),
        unparsed("3", Reason.NO_LAYOUT),
        skipped("4", Reason.ROBOTS),
    )
    balance = run.balance()
    assert balance.failed == {"dns": 1, "no_layout": 1, "timeout": 1}
    assert (balance.discovered, balance.stored, balance.unchanged, balance.skipped) == (
        12,
        2,
        1,
        {"robots": 1},
    )
    assert (balance.pending, balance.missing, balance.is_even) == (
        3,
        (address(5), address(6)),
        False,
    )
    run.release()
    balance = run.balance()
    assert (balance.pending, balance.missing, balance.is_even) == (5, (), True)
    assert old.balance() == run.balance("old")
    assert (old.balance().discovered, old.balance().stored, old.balance().is_even) == (3, 3, True)


def test_a_second_visit_in_one_run_does_not_hide_what_it_stored(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1)])
    run.lease(1)
    at.settle(run, new("1"))
    at.clock.turn(HOUR)
    run.lease(1)
    at.settle(run, unchanged("1"))
    assert (run.balance().stored, run.balance().unchanged) == (1, 0)
    at.clock.turn(5 * HOUR)
    later = at.run("b")
    later.lease(1)
    at.settle(later, unchanged("1"))
    assert (later.balance().stored, later.balance().unchanged, later.balance().is_even) == (
        0,
        1,
        True,
    )
