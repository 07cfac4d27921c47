"""What a crawl's new articles came to: which count, and which answer is the commonest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from archive.index.schema import outcomes, runs
from archive.model.outcome import Reason
from archive.runs.new_articles import NewArticles, few_came_in, new_articles
from tests.support.archives.frontier import (
    DAY,
    FrontierIndex,
    failed,
    frontier_index,
    link,
    new,
    skipped,
    unchanged,
    unparsed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.frontier.visits import FrontierLink, VisitResult


@pytest.fixture
def at(tmp_path: Path) -> Iterator[FrontierIndex]:
    with frontier_index(tmp_path / "index.sqlite3") as made:
        yield made


def crawl(
    at: FrontierIndex,
    name: str,
    links: list[FrontierLink],
    results: list[VisitResult],
    detail: str = "",
) -> NewArticles:
    """Let a run discover articles and visit all that are due; return what it came to."""
    row = {
        "id": name,
        "verb": "crawl",
        "outlet": "etoday",
        "arguments": [],
        "job": "",
        "attempt": 0,
        "host": "",
        "version": "",
        "holder": "",
        "started_at": at.clock.now,
        "ending": "",
        "counts": {},
        "log": "",
    }
    run = at.run(name)
    run.discover(links)
    visits = {visit.article_id: visit.url for visit in run.lease(100)}
    at.settle(run, *results)
    rows = [
        {
            "run_id": name,
            "at": at.clock.now,
            "source": visits[result.article_id],
            "outlet": "etoday",
            "outcome": str(result.verdict.outcome),
            "reason": str(result.verdict.reason or ""),
            "detail": detail,
            "capture_id": None,
        }
        for result in results
    ]
    with at.index.writing() as connection:
        connection.execute(insert(runs).values(row))
        connection.execute(insert(outcomes), rows)
        return new_articles(connection, "etoday", name, {"walk"})


def refused(number: int, status: int = 403) -> VisitResult:
    return failed(str(number), Reason.HTTP_STATUS, status=status)


def test_more_than_half_of_at_least_four_is_blocked(at: FrontierIndex) -> None:
    links = [link(number) for number in range(5)]
    found = crawl(
        at, "a", links, [*map(refused, range(3)), new("3"), unparsed("4", Reason.NO_BODY)]
    )
    assert found == NewArticles(5, 4, "http_status", 3)
    assert found.blocked
    for visited, lost, blocked in ((4, 3, True), (4, 2, False), (3, 3, False), (9, 5, True)):
        assert NewArticles(visited, lost).blocked is blocked


def test_the_sentence_names_the_commonest_answer(at: FrontierIndex) -> None:
    links = [link(number) for number in range(4)]
    found = crawl(at, "a", links, [refused(number) for number in range(4)], "403; Server: x")
    assert found.sentence("etoday").startswith(
        "etoday is blocked: 4 of 4 new articles ended without an article, 4 of them by "
        "http_status (403; Server: x)."
    )


def test_an_article_is_new_until_it_is_served_or_a_day_old(at: FrontierIndex) -> None:
    crawl(at, "a", [link(number) for number in range(6)], [new("0"), *map(refused, range(1, 6))])
    at.clock.turn(DAY / 2)
    again = [unchanged("0"), *map(refused, range(1, 6))]
    assert crawl(at, "b", [], again) == NewArticles(5, 5, "http_status", 5)
    at.clock.turn(3 * DAY)
    assert crawl(at, "c", [], again) == NewArticles()


def test_what_was_guessed_or_not_asked_for_is_not_lost(at: FrontierIndex) -> None:
    guesses = [link(number, channel="walk") for number in range(4)]
    results = [skipped(str(n), Reason.HTTP_STATUS, status=404) for n in range(4)]
    others = [skipped("4", Reason.ROBOTS), skipped("5", Reason.NOT_AN_ARTICLE)]
    links = [*guesses, link(4), link(5)]
    assert crawl(at, "a", links, [*results, *others], "404; Server: x") == NewArticles()


def test_a_guess_that_is_refused_is_lost(at: FrontierIndex) -> None:
    links = [link(number, channel="walk") for number in range(4)]
    assert crawl(at, "a", links, [*map(refused, range(4))], "403").blocked


@pytest.mark.parametrize(
    ("counts", "few"),
    [
        ({}, False),
        ({"new": 4, "failed/http_status": 4}, False),
        ({"new": 1, "failed/http_status": 1, "skipped/redirect_to_front": 1}, True),
        ({"unchanged": 9, "unparsed/no_body": 1}, True),
        ({"changed": 9}, False),
    ],
)
def test_counts_decide_whether_articles_are_queried(counts: dict[str, int], few: bool) -> None:
    assert few_came_in(counts) is few
