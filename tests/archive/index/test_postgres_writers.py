"""Writers of an index in PostgreSQL: side by side in different parts, one after another in one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from archive.index.database import Index, IndexUnusableError
from archive.index.postgres import database
from archive.index.search.position import SLOTS, Positions
from archive.index.writers import conflicts
from tests.support.databases.postgres import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds within which what must come together does.
PATIENCE = 300
MOMENT = datetime(2026, 11, 30, 3, 5, tzinfo=UTC)


@pytest.fixture
def index() -> Iterator[Index]:
    with Index(new_database()) as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a writer wait for others 0.2 seconds only."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 200)


def test_writers_of_different_parts_are_within_their_transactions_at_once(index: Index) -> None:
    together = Barrier(4)

    def write(number: int) -> None:
        with index.writing(f"outlet {number}"):
            together.wait(PATIENCE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("outlet a",), ("outlet a",)),
        (("outlet a", "run 1"), ("outlet b", "run 1")),
        ((), ("outlet a",)),
        (("outlet a",), ()),
        ((), ()),
    ],
)
def test_who_needs_a_part_that_another_has_waits_for_its_end(
    index: Index, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    with (
        index.writing(*first),
        pytest.raises(IndexUnusableError, match="another process has been writing"),
        index.writing(*second),
    ):
        pytest.fail("both are writing")
    with index.writing(*second):
        pass  # freed


def test_what_waited_sees_what_it_has_waited_for(index: Index) -> None:
    begun = Barrier(2)

    def wait() -> int:
        begun.wait(PATIENCE)
        with index.writing("outlet a") as connection:
            return connection.exec_driver_sql("SELECT number FROM build").scalar_one()

    with ThreadPoolExecutor(1) as pool:
        with index.writing("outlet a") as connection:
            found = pool.submit(wait)
            begun.wait(PATIENCE)
            connection.exec_driver_sql("UPDATE build SET number = 77")
        assert found.result(PATIENCE) == 77


def test_transactions_that_wait_for_each_other_are_begun_again(index: Index) -> None:
    with index.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE pair AS SELECT 1 AS id, 0 AS n UNION SELECT 2, 0")
    together = Barrier(2)
    waited = {1: False, 2: False}

    @conflicts.repeated_on_conflict
    def add(first: int, second: int) -> None:
        with index.writing(f"outlet {first}") as connection:
            for row in (first, second):
                connection.execute(text("UPDATE pair SET n = n + 1 WHERE id = :id"), {"id": row})
                if row == first and not waited[first]:
                    waited[first] = True
                    together.wait(PATIENCE)

    before = conflicts.repeated.total()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, (1, 2), (2, 1)))
    assert conflicts.repeated.total() == before + 1
    with index.reading() as connection:
        assert set(connection.exec_driver_sql("SELECT n FROM pair").scalars()) == {2}


def test_transactions_find_other_positions_in_one_minute(index: Index) -> None:
    with index.writing("outlet a") as one, index.writing("outlet b") as other:
        of_one, of_other = (Positions(each, [MOMENT] * 30) for each in (one, other))
        found = [of_one.take(n, MOMENT).position for n in range(30)]
        found += [of_other.take(n, MOMENT).position for n in range(30)]
    assert len(set(found)) == 60


def test_who_finds_all_positions_locked_waits_for_some(index: Index) -> None:
    begun = Barrier(2)

    def wait() -> int:
        begun.wait(PATIENCE)
        with index.writing("outlet late") as connection:
            return Positions(connection, [MOMENT]).take(1, MOMENT).position

    with ThreadPoolExecutor(1) as pool:
        with index.writing("outlet early") as connection:
            for _ in range(SLOTS // 16):
                Positions(connection, [MOMENT] * SLOTS)
            found = pool.submit(wait)
            begun.wait(PATIENCE)
            assert not found.done()
        found.result(PATIENCE)
