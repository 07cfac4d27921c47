"""Newest hits: those, and in the order, of a search that reads and sorts all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from archive.index.database import Index
from archive.index.schema import revisions
from archive.index.search.hit import Hit
from archive.index.search.newest_hits import newest_ids, number_of_hits
from archive.index.search.position import SLOTS, Positions, first_of, is_place, minute_of
from archive.index.search.query import parse_query
from archive.verify.index import check_index
from tests.support.archives.search_trial import FormerSearch, Trial
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

pytestmark = pytest.mark.sqlite_only(reason="it compares with FTS5, and test_postgres.py with this")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Articles of three days, a third of them at three moments; edited, and some removed."""
    path = tmp_path_factory.mktemp("trial") / "index.sqlite3"
    trial = Trial(20261130)
    with Index(url_of(path)) as index:
        for _ in range(3):
            with index.writing() as connection:
                trial.enter(connection, 600)
                trial.remove(connection, 20)
        yield index


def test_the_index_is_as_verify_wants_it(index: Index) -> None:
    with index.reading() as connection:
        wrong = [one for one in check_index(connection, whole=True) if "capture" not in str(one)]
        spills = connection.scalar(
            select(revisions.c.search_spill).order_by(revisions.c.search_spill.desc()).limit(1)
        )
    assert wrong == []
    assert spills is not None
    assert spills > SLOTS


def test_five_hundred_queries_give_what_the_former_search_gave(index: Index) -> None:
    trial, found = Trial(5), 0
    with index.reading() as connection, FormerSearch(connection) as former:
        for _ in range(500):
            words = trial.query()
            query = parse_query(words)
            expected = former.ids(query)
            found += bool(expected)
            assert newest_ids(connection, query, 20) == expected[:20], words
            assert newest_ids(connection, query, 10_000) == expected, words
            assert number_of_hits(connection, query) == len(expected), words
            assert number_of_hits(connection, query, 7) == min(7, len(expected)), words
    assert found > 300


def places(connection: Connection) -> dict[int, Hit]:
    rows = connection.execute(select(revisions.c.id, revisions.c.published_at))
    return {row.id: Hit(row.published_at, row.id) for row in rows}


def test_page_by_page_it_gives_the_same(index: Index) -> None:
    trial = Trial(6)
    with index.reading() as connection, FormerSearch(connection) as former:
        known = places(connection)
        for _ in range(60):
            words = trial.query()
            query = parse_query(words)
            size = trial.dice.randint(1, 40)
            found: list[int] = []
            before: Hit | None = None
            while page := newest_ids(connection, query, size, before):
                found += page
                before = known[page[-1]]
            assert found == former.ids(query), words


def test_documents_of_one_time_each_have_their_own_place(index: Index) -> None:
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    with index.reading() as connection:
        positions = Positions(connection, [moment])
        taken = [positions.take(number, moment) for number in range(3 * SLOTS)]
    assert [one.position for one in taken] == [
        first_of(minute_of(moment)) + number for number in range(3 * SLOTS)
    ]
    assert [one.spill for one in taken[SLOTS - 1 : SLOTS + 1]] == [0, SLOTS]
    assert all(is_place(*one, 1, moment) for one in taken)
    assert not is_place(taken[0].position, 0, 1, moment + timedelta(minutes=1))
    assert not is_place(taken[0].position, 0, 1, None)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_positions_rise_with_time(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert first_of(minute_of(earlier)) <= first_of(minute_of(later))
