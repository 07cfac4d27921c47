"""Many values asked for at once: any text and number, and one statement for all numbers of them."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, select

from archive.index.dialect import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

#: SQLite ends a text from JSON at a NUL, which no id, digest or address has.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TABLE = Table(
    "things",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("name", Text, index=True),
)


@contextmanager
def holding(names: dict[int, str]) -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        TABLE.create(connection)
        if names:
            connection.execute(
                insert(TABLE), [{"number": number, "name": name} for number, name in names.items()]
            )
        yield connection
    engine.dispose()


@given(st.dictionaries(st.integers(0, 99), TEXTS), st.lists(TEXTS), st.lists(st.integers(0, 99)))
def test_it_finds_what_a_list_of_parameters_finds(
    names: dict[int, str], asked: list[str], numbers: list[int]
) -> None:
    asked += list(names.values())[::2]
    with holding(names) as connection:
        for column, values in ((TABLE.c.name, asked), (TABLE.c.number, numbers)):
            found = connection.scalars(select(TABLE.c.number).where(one_of(column, values)))
            wanted = connection.scalars(select(TABLE.c.number).where(column.in_(values)))
            assert sorted(found) == sorted(wanted)


def test_however_many_values_are_asked_for_it_is_one_statement_by_the_column_s_index() -> None:
    few, many = (
        select(TABLE.c.number).where(one_of(TABLE.c.name, map(str, range(n)))) for n in (1, 100_000)
    )
    assert str(few) == str(many)
    with holding({1: "1", 2: "x"}) as connection:
        assert connection.scalars(many).all() == [1]
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        plan = raw.execute(f"EXPLAIN QUERY PLAN {few.compile(connection)}", ("[]",)).fetchall()
    assert "USING COVERING INDEX" in plan[0][3]
