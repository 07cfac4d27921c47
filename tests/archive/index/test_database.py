"""The address of the index: what is refused, and that no message holds a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index, IndexUnusableError, QueryTooSlowError, index_path
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:sesame@db.example.org/sacho",
        "postgresql+psycopg://reader:se/sa@me@db.example.org:5432/sacho?sslmode=require",
        "postgresql://:sesame@db.example.org/sacho",
        "nonsense//reader:sesame@db",
        "mysql://reader:sesame@db:port/sacho",
        "sqlite://reader:sesame@host",
        "sqlite:///a\0b",
    ],
)
def test_an_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(IndexUnusableError) as refused:
        index_path(url)
    said = str(refused.value)
    assert "cannot be the address of an index (INDEX_URL): " in said
    assert "sesame" not in said
    assert "sa@me" not in said


def test_the_rest_of_an_address_is_told() -> None:
    with pytest.raises(IndexUnusableError, match=r"reader:\*\*\*@db.example.org/sacho"):
        index_path("postgresql://reader:sesame@db.example.org/sacho")


def test_a_statement_that_runs_too_long_is_cut_off(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        with (
            pytest.raises(QueryTooSlowError, match=r"longer than 0\.05 seconds"),
            index.reading(0.05) as connection,
        ):
            connection.exec_driver_sql(endless)
        with index.reading(0.05) as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
