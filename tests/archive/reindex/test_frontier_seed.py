"""The frontier that a reindex rebuilds from captures: what of it was gone, and what an outage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.index.schema import frontier
from archive.reindex.frontier_seed import seed_frontier
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from tests.support.archives.captures import Keeper
from tests.support.archives.history import another, answer, other_url
from tests.support.documents import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.exchange import Exchange

ETODAY = outlet_named("etoday")
MINUTE = 1 / 24 / 60


def visit(keeper: Keeper, *exchanges: Exchange) -> None:
    """Deposit exchanges as a crawl does, each requested by its own address."""
    keeper.keep(*(read_exchange(one, ETODAY, one.url) for one in exchanges))


def good(day: float, *numbers: int) -> list[Exchange]:
    return [another(number, day + number * MINUTE) for number in numbers]


def gone(day: float, *numbers: int, body: str = "") -> list[Exchange]:
    return [
        answer(404, day + n * MINUTE, body or f"<p>{n} 없음</p>", url=other_url(n)) for n in numbers
    ]


def rebuilt(keeper: Keeper) -> dict[str, str]:
    """Rebuild the frontier; return the state of each address."""

    def article_of(_: str, url: str) -> str | None:
        address = ETODAY.identify(url)
        return None if address is None else address.article_id

    with keeper.index() as index:
        seed_frontier(index, article_of, NOON + timedelta(days=3))
        with index.reading() as connection:
            rows = connection.execute(select(frontier.c.url, frontier.c.state))
            return {row.url: row.state for row in rows}


def test_two_visits_end_an_article_and_two_outages_do_not(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    visit(keeper, *good(0, 1, 2, 3, 4, 5, 6, 7))
    for day in (1.0, 2.0):
        visit(keeper, *gone(day, 1), *good(day, 5, 6, 7))
        visit(keeper, *gone(day + 0.3, 2, 3, 4), *good(day + 0.3, 5))
    states = rebuilt(keeper)
    assert states[other_url(1)] == "dead"
    assert {states[other_url(n)] for n in (2, 3, 4)} == {"due"}


def test_an_outage_says_nothing_of_an_address_never_seen(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    visit(keeper, *good(0, 1, 2, 3, 4, 5))
    for day in (1.0, 2.0):
        visit(keeper, *gone(day, 1, 2, 3, 8), *good(day, 5))
        visit(keeper, *gone(day + 0.3, 9), *good(day + 0.3, 1, 2, 3, 5))
    states = rebuilt(keeper)
    assert states[other_url(8)] == "due"
    assert states[other_url(9)] == "dead"
