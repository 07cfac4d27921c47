"""The address of the index: what is refused, and that no message holds a password."""

from __future__ import annotations

import pytest

from archive.index.database import IndexUnusableError, index_path


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
    assert said.startswith("INDEX_URL ")
    assert "sesame" not in said
    assert "sa@me" not in said


def test_the_rest_of_an_address_is_told() -> None:
    with pytest.raises(IndexUnusableError, match=r"reader:\*\*\*@db.example.org/sacho"):
        index_path("postgresql://reader:sesame@db.example.org/sacho")
