"""The frontier: articles are discovered, leased, settled and visited again."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from archive.frontier.revisit_policy import BACK_OFF
from archive.frontier.visits import FrontierLink, VisitResult
from archive.index.robots_store import RobotsTable
from archive.model.outcome import Reason
from tests.support.archives.frontier import (
    DAY,
    HOUR,
    MINUTE,
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
    utc,
)


def test_a_link_is_new_once(at: FrontierIndex) -> None:
    run = at.run()
    assert run.discover([link(1), link(2), link(1, channel="sitemap")]) == 2
    assert run.discover([link(1), link(2), link(3)]) == 1
    assert run.discover([]) == 0
    row = at.row("1")
    assert (row.url, row.channels, row.state, row.due_at) == (
        address(1),
        ["feed", "sitemap"],
        "due",
        utc(NOON),
    )
    assert run.known_ids(["1", "3", "4"]) == {"1", "3"}
    assert at.run(outlet="newspim").known_ids(["1"]) == set()


def test_a_known_article_gains_a_channel_and_a_time_and_keeps_the_rest(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1)])
    run.lease(1)
    at.settle(run, new("1", etag='"e"'))
    before = at.row("1")
    at.clock.turn(HOUR)
    run.discover([FrontierLink("1", "https://elsewhere/", NOON, "list")])
    run.discover([link(1, NOON + DAY, "list")])
    after = at.row("1")
    assert (after.channels, after.published_at) == (["feed", "list"], utc(NOON))
    assert {**before._mapping, "channels": 0, "published_at": 0} == {
        **after._mapping,
        "channels": 0,
        "published_at": 0,
    }


def test_the_longest_due_comes_first_and_a_second_visit_last(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link("visited")])
    run.lease(1)
    at.settle(run, new("visited"))
    at.clock.turn(2 * HOUR)
    run.discover(links([3, 1]))
    at.clock.turn(MINUTE)
    run.discover(links([2]))
    assert run.due_count() == 4
    assert leased_ids(run, 2) == ["3", "1"]
    assert leased_ids(run, 2) == ["2", "visited"]
    assert run.lease(5) == []
    assert run.due_count() == 0


def test_an_outlet_takes_its_own(at: FrontierIndex) -> None:
    at.run(outlet="newspim").discover([link(1)])
    assert at.run().lease(1) == []


def test_a_visit_carries_what_the_request_needs(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1, NOON)])
    run.lease(1)
    at.settle(run, new("1", etag='W/"a"', last_modified="Sun, 22 Nov 2026 03:00:00 GMT"))
    at.clock.turn(HOUR)
    (visit,) = run.lease(1)
    assert (visit.url, visit.visits, visit.failures, visit.published_at) == (
        address(1),
        1,
        0,
        utc(NOON),
    )
    assert (visit.etag, visit.last_modified) == ('W/"a"', "Sun, 22 Nov 2026 03:00:00 GMT")


def test_a_304_keeps_the_validators_and_an_unfinished_page_has_none(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1, NOON)])
    for wait, result, etag in (
        (HOUR, new("1", etag='"a"'), '"a"'),
        (5 * HOUR, unchanged("1"), '"a"'),
        (18 * HOUR, unparsed("1", Reason.NO_BODY), ""),
        (6 * DAY, changed("1", etag='"b"'), '"b"'),
    ):
        assert leased_ids(run) == ["1"]
        at.settle(run, result)
        assert at.row("1").etag == etag
        assert run.lease(1) == []
        at.clock.turn(wait - MINUTE)
        assert run.lease(1) == []
        at.clock.turn(MINUTE)


def test_what_seemed_gone_is_due_at_once_when_a_further_channel_names_it(at: FrontierIndex) -> None:
    """A feed lists an id later that a walk tried before the article was published."""
    run = at.run()
    run.discover([link(1, channel="id_walk"), link(2, channel="feed")])
    run.lease(9)
    at.settle(run, *(gone(number) for number in "12"))
    run.discover([link(1, channel="feed")])
    assert leased_ids(run) == []
    later = at.run("b")
    later.discover([link(1, channel="sitemap"), link(2, channel="feed")])
    assert leased_ids(later) == ["1"]
    at.settle(later, new("1"))
    due_at = at.row("1").due_at
    at.run("c").discover([link(1, channel="list")])
    assert at.row("1").due_at == due_at


def test_a_guessed_id_that_waits_after_an_outage_is_due_when_a_channel_names_it(
    at: FrontierIndex,
) -> None:
    run = at.run()
    run.discover([link(1, channel="id_walk"), link(2, channel="feed"), link(3, channel="id_walk")])
    run.lease(9)
    at.settle(run, failed("1", Reason.HOST_BUSY), failed("2"), new("3"))
    at.clock.turn(DAY)
    again = at.run("b")
    again.lease(9)
    at.settle(again, failed("1", Reason.HOST_BUSY), failed("2"), failed("3"))
    again.discover([link(1, channel="feed")])
    assert leased_ids(again) == [], "not within the run that it failed in"
    later = at.run("c")
    later.discover([link(number, channel="feed") for number in (1, 2, 3)])
    assert leased_ids(later) == [], "1 and 2 are known of the feed, 3 was stored"
    later.discover([link(number, channel="list") for number in (1, 2, 3)])
    assert leased_ids(later) == ["1", "2"]


def test_leased_by_others_returns_the_articles_of_other_runs(at: FrontierIndex) -> None:
    run, other = at.run("a"), at.run("b")
    run.discover(links(range(4)))
    mine, theirs = leased_ids(run, 2), leased_ids(other, 2)
    assert (run.leased_by_others(), other.leased_by_others()) == (set(theirs), set(mine))
    at.set_holder("b")
    at.clock.turn(DAY)
    assert run.leased_by_others() == set()


@pytest.mark.parametrize("source", ["discovery", "page", "nobody"])
def test_revisits_are_counted_from_publication_or_else_from_the_first_visit(
    at: FrontierIndex, source: str
) -> None:
    run = at.run()
    run.discover([link(1, NOON if source == "discovery" else None)])
    at.clock.turn(30 * MINUTE)
    counted_from = NOON + 30 * MINUTE if source == "nobody" else NOON
    visits = 0
    while leased_ids(run) == ["1"]:
        at.settle(run, new("1", published_at=NOON if source == "page" else None))
        visits += 1
        if (due_at := at.row("1").due_at) is None:
            break
        assert due_at - utc(counted_from) == (HOUR, 6 * HOUR, DAY, 7 * DAY)[visits - 1]
        at.clock.now = due_at
    row = at.row("1")
    assert (row.state, row.visits, row.due_at) == ("done", 5, None)
    at.clock.turn(1000 * DAY)
    run.discover([link(1, NOON)])
    assert run.lease(1) == []


def test_an_old_article_is_visited_once(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1, NOON - 7 * DAY)])
    run.lease(1)
    at.settle(run, new("1"))
    assert at.row("1").state == "done"


def test_a_publication_in_the_future_does_not_delay_revisits(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1, NOON + 9 * HOUR)])
    run.lease(1)
    at.settle(run, new("1"))
    assert at.row("1").due_at == utc(NOON + HOUR)


def test_failures_back_off_over_days_and_none_gives_up(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1)])
    for failures, wait in enumerate([*BACK_OFF, BACK_OFF[-1]]):
        (visit,) = run.lease(1)
        assert visit.failures == failures
        at.settle(run, failed("1", Reason.DNS if failures % 2 else Reason.LOGIN_WALL))
        at.clock.turn(wait - timedelta(seconds=1))
        assert run.lease(1) == []
        at.clock.turn(timedelta(seconds=1))
    assert leased_ids(run) == ["1"]
    at.settle(run, new("1"))
    assert (at.row("1").failures, at.row("1").reason) == (0, "")


ONE_ODD_ANSWER: list[dict[str, Any]] = [
    *({"reason": Reason.HTTP_STATUS, "status": status} for status in (401, 403, 404, 406, 410)),
    *({"reason": Reason.HTTP_STATUS, "status": status} for status in (418, 429, 451, 503, 999)),
    *(
        {"reason": reason, "status": 200}
        for reason in (
            Reason.REDIRECT_TO_FRONT,
            Reason.REDIRECT_ELSEWHERE,
            Reason.NOT_A_PAGE,
            Reason.NO_LAYOUT,
            Reason.SOFT_404,
            Reason.DELETED,
            Reason.BOT_CHALLENGE,
            Reason.LOGIN_WALL,
            Reason.ROBOTS,
            Reason.TOO_LARGE,
        )
    ),
]


@pytest.mark.parametrize("answer", ONE_ODD_ANSWER, ids=lambda a: f"{a['reason']}-{a['status']}")
def test_one_odd_answer_ends_no_article(at: FrontierIndex, answer: dict[str, Any]) -> None:
    run = at.run()
    run.discover(links(range(2)))
    run.lease(2)
    at.settle(run, new("1"), skipped("0", **answer))
    row = at.row("0")
    assert (row.state, row.failures) == ("due", 1)
    assert row.due_at > utc(NOON)
    at.clock.turn(DAY)
    assert "0" in leased_ids(run)
    at.settle(run, new("0"))
    assert at.row("0").first_visit_at == utc(NOON + DAY)


def gone(article_id: str, payload_digest: str = "") -> VisitResult:
    facts = {"status": 404, "payload_digest": payload_digest}
    return skipped(article_id, Reason.HTTP_STATUS, **facts)


def test_gone_is_believed_at_a_second_visit_if_others_were_served_in_between(
    at: FrontierIndex,
) -> None:
    run = at.run()
    run.discover(links(range(2)))
    run.lease(2)
    at.settle(run, gone("0"), failed("1"))
    at.clock.turn(6 * HOUR)
    assert leased_ids(run) == ["1", "0"]
    at.settle(run, gone("0"), failed("1"))
    assert at.row("0").state == "due", "the whole outlet may be out of order"
    at.clock.turn(HOUR)
    run.lease(2)
    at.settle(run, new("1"))
    at.clock.turn(6 * HOUR)
    assert leased_ids(run, 1) == ["0"]
    at.settle(run, gone("0"))
    assert at.row("0").state == "due", "only the whole run shows whether it was an outage"
    assert run.end_gone() == 1
    row = at.row("0")
    assert (row.state, row.due_at, row.gone_at) == ("dead", None, utc(NOON))
    at.clock.turn(1000 * DAY)
    assert leased_ids(run) == ["1"]


def test_gone_is_doubted_again_after_the_article_was_served(at: FrontierIndex) -> None:
    run = at.run()
    run.discover(links(range(2)))
    for result in (gone("0"), new("0"), gone("0")):
        run.lease(2)
        at.settle(run, result, new("1"))
        at.clock.turn(8 * DAY)
    assert (at.row("0").state, at.row("0").gone_at) == ("due", utc(NOON + 16 * DAY))


@pytest.mark.parametrize("reason", [Reason.BOT_CHALLENGE, Reason.REDIRECT_TO_FRONT])
def test_a_later_visit_that_meets_a_wall_does_not_end_the_revisits(
    at: FrontierIndex, reason: Reason
) -> None:
    run = at.run()
    run.discover([link(1, NOON)])
    run.lease(1)
    at.settle(run, new("1"))
    at.clock.turn(HOUR)
    run.lease(1)
    at.settle(run, skipped("1", reason, status=200))
    at.clock.turn(BACK_OFF[0])
    assert leased_ids(run) == ["1"]
    at.settle(run, unchanged("1"))
    assert at.row("1").due_at == utc(NOON + 6 * HOUR)


def look(at: FrontierIndex, name: str, *results: VisitResult) -> None:
    """Let a run of its own, seven hours after the one before, visit what is due."""
    at.clock.turn(7 * HOUR)
    run = at.run(name)
    run.lease(100)
    at.settle(run, *results)
    run.end_gone({"walk"})
    run.release()


def states(at: FrontierIndex) -> dict[str, str]:
    return {article_id: row.state for article_id, row in at.rows().items()}


def test_two_outages_end_no_article(at: FrontierIndex) -> None:
    at.run().discover(links(range(5)))
    look(at, "outage", *(gone(n) for n in "0123"), new("4"))
    look(at, "well", new("0"), unchanged("4"))
    look(at, "outage again", *(gone(n) for n in "123"), unchanged("4"))
    assert set(states(at).values()) == {"due"}
    assert {row.gone_at for row in at.rows().values()} == {None}
    look(at, "well again", *(new(n) for n in "0123"))
    assert all(at.row(n).first_visit_at for n in "0123")


def test_a_second_visit_in_an_outage_of_others_ends_nothing(at: FrontierIndex) -> None:
    at.run().discover(links(range(5)))
    look(at, "well", gone("0"), *(new(n) for n in "1234"))
    look(at, "outage", gone("0"), *(gone(n) for n in "123"), unchanged("4"))
    assert states(at)["0"] == "due"
    look(at, "well again", gone("0"), *(unchanged(n) for n in "1234"))
    assert states(at) == {"0": "dead"} | dict.fromkeys("1234", "due")


def test_one_page_for_many_articles_is_an_outage_though_most_are_served(at: FrontierIndex) -> None:
    at.run().discover(links(range(20)))
    well = [new(str(n)) for n in range(4, 20)]
    look(at, "same page", *(gone(n, "sha1:A") for n in "0123"), *well)
    look(at, "same page again", *(gone(n, "sha1:A") for n in "0123"), *well)
    assert set(states(at).values()) == {"due"}
    for name in ("other pages", "other pages again"):
        look(at, name, *(gone(n, f"sha1:{n}") for n in "0123"), *well)
    assert [n for n, state in states(at).items() if state == "dead"] == list("0123")


def test_guessed_ids_that_are_not_there_are_no_outage(at: FrontierIndex) -> None:
    guesses = [replace(link(n, channel="walk"), guessed=True) for n in range(10, 20)]
    at.run().discover([link(1), *guesses])
    idle = [gone(str(n), "sha1:A") for n in range(10, 20)]
    look(at, "first", *idle, new("1"))
    look(at, "second", *idle, unchanged("1"))
    assert states(at) == {"1": "due"} | {str(n): "dead" for n in range(10, 20)}


def test_articles_that_are_missing_already_are_no_outage(at: FrontierIndex) -> None:
    at.run().discover(links(range(10)))
    look(at, "first", *(gone(str(n)) for n in range(4)), *(new(str(n)) for n in range(4, 10)))
    look(at, "between", new("9"))
    look(at, "second", *(gone(str(n)) for n in range(4)))
    assert [n for n, state in states(at).items() if state == "dead"] == list("0123")


def test_a_run_that_crashed_ended_nothing(at: FrontierIndex) -> None:
    at.run().discover(links(range(2)))
    look(at, "first", gone("0"), new("1"))
    at.clock.turn(7 * HOUR)
    crashed = at.run("crashed")
    crashed.lease(2)
    at.settle(crashed, gone("0"), unchanged("1"))
    assert states(at)["0"] == "due"
    look(at, "next", gone("0"))
    assert states(at)["0"] == "dead"


def dead(at: FrontierIndex) -> None:
    """Let article 0 of the feed be found gone, confirmed at noon."""
    run = at.run("before")
    run.discover(links(range(2)))
    at.clock.now = NOON - 6 * HOUR
    run.lease(2)
    at.settle(run, gone("0"), new("1"))
    at.clock.now = NOON
    run.lease(2)
    at.settle(run, gone("0"), unchanged("1"))
    run.end_gone()
    assert at.row("0").state == "dead"


@pytest.mark.parametrize(
    ("after", "named", "revived"),
    [
        (MINUTE, link(0), False),
        (6 * HOUR, link(0), True),
        (MINUTE, link(0, channel="sitemap"), True),
        (HOUR, replace(link(0), modified_at=NOON + MINUTE), True),
        (HOUR, replace(link(0), modified_at=NOON - MINUTE), False),
        (DAY, replace(link(0, channel="id_walk"), guessed=True), False),
    ],
)
def test_a_channel_that_names_a_dead_article_revives_it(
    at: FrontierIndex, after: timedelta, named: FrontierLink, revived: bool
) -> None:
    at.clock.now = NOON - 6 * HOUR
    dead(at)
    at.clock.turn(after)
    run = at.run("after")
    run.discover([named])
    assert ("0" in leased_ids(run)) is revived
    if revived:
        at.settle(run, gone("0"))
        assert at.row("0").state == "due", "it is doubted anew"


def test_a_busy_server_is_asked_again_when_it_wants(at: FrontierIndex) -> None:
    run = at.run()
    run.discover(links(range(2)))
    run.lease(5)
    at.settle(
        run,
        skipped("0", Reason.HTTP_STATUS, status=503, retry_at=NOON + DAY),
        failed("1", Reason.HOST_BUSY),
    )
    rows = at.rows()
    assert (rows["0"].due_at, rows["0"].failures, rows["1"].failures) == (utc(NOON + DAY), 1, 0)


def test_our_own_fault_is_left_to_the_next_run(at: FrontierIndex) -> None:
    run = at.run()
    run.discover([link(1)])
    run.lease(1)
    at.settle(run, failed("1", Reason.INTERNAL_ERROR))
    assert run.lease(1) == []
    assert leased_ids(at.run("b")) == ["1"]


def test_robots_are_kept(at: FrontierIndex) -> None:
    shelf = RobotsTable(at.index)
    assert shelf.get("https://www.etoday.co.kr") is None
    shelf.put("https://www.etoday.co.kr", NOON, 503, b"")
    shelf.put("https://www.etoday.co.kr", NOON + DAY, 200, b"User-agent: *\r\n# \xb0\xa1\xff\x00")
    assert shelf.get("https://www.etoday.co.kr") == (
        utc(NOON + DAY),
        200,
        b"User-agent: *\r\n# \xb0\xa1\xff\x00",
    )
    assert shelf.get("http://www.etoday.co.kr") is None


@pytest.mark.sqlite_only(reason="it reads SQLite's plan of a query")
def test_no_query_reads_the_whole_table(at: FrontierIndex) -> None:
    asked: dict[str, Any] = {}

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        # leases has a row for each running job, and is read as a whole
        if not statement.startswith(("BEGIN", "INSERT")) and "leases" not in statement:
            asked.setdefault(statement, parameters[0] if many else parameters)

    run = at.run()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        run.discover(links(range(100)))
        run.discover([link(1, NOON, "list")])
        run.known_ids(["1"])
        at.settle(run, *(new(visit.article_id) for visit in run.lease(50)))
        run.lease(100)
        run.release_expired()
        run.release()
        run.due_count()
        run.balance()
        run.revive([Reason.ROBOTS])
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) > 15
    with at.index.reading() as connection:
        for statement, parameters in asked.items():
            steps = [
                row[3]
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
            assert any(
                re.search(r"SEARCH (frontier|refused) USING .*(outlet=\? AND|PRIMARY KEY)", step)
                for step in steps
            )
            assert not any(
                "SCAN frontier" in step or "SCAN refused" in step or "ORDER BY" in step
                for step in steps
            ), steps


def test_ten_thousand_links_take_no_longer_by_what_is_known(at: FrontierIndex) -> None:
    run = at.run()
    batch = [link(n, NOON) for n in range(10_000)]
    for new_ones in (10_000, 0):
        started = time.process_time()
        assert run.discover(batch) == new_ones
        assert time.process_time() - started < 10  # it takes half a second
    assert len(run.known_ids([str(n) for n in range(100_000)])) == 10_000
