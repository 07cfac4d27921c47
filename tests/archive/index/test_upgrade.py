"""An index of an earlier schema is upgraded in one transaction, in both databases; a newer one is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, text

from archive.index import migration
from archive.index.database import Index, IndexUnusableError
from archive.index.postgres import database as of_server
from archive.index.sqlite import database as of_file
from tests.support.archives.made_articles import article, enter
from tests.support.databases.postgres import new_database

if TYPE_CHECKING:
    from collections.abc import Callable

STEP = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{number:04}", "{before:04}", None, None


def upgrade():
    op.add_column("runs", sa.Column("note{number}", sa.String(), server_default="", nullable=False))
    op.create_index("ix_runs_note{number}", "runs", ["note{number}"])
    op.execute("UPDATE captures SET source = source || ' {number}'")
    {more}
"""


@pytest.fixture(params=["file", "server"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an index with an article."""
    made = f"sqlite:///{tmp_path / 'i.sqlite3'}" if request.param == "file" else new_database()
    with Index(made) as index:
        enter(index, [article(1)])
    return made


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that adds a step to the schema's versions, and makes it today's."""
    folder = tmp_path / "migrations"
    shutil.copytree(migration._FOLDER, folder)
    monkeypatch.setattr(migration, "_FOLDER", folder)

    def add(number: int, more: str = "pass") -> None:
        made = STEP.format(number=number, before=number - 1, more=more)
        (folder / "versions" / f"v{number:04}.py").write_text(made)
        for database in (of_file, of_server):
            monkeypatch.setattr(database, "SCHEMA", f"{number:04}")

    return add


def found(url: str) -> tuple[str, set[str], str]:
    """Return the schema of an index, the columns of its runs, and the source of its capture."""
    engine = create_engine(url)
    with engine.connect() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        names = {column["name"] for column in inspect(connection).get_columns("runs")}
        source = connection.scalar(text("SELECT source FROM captures"))
    engine.dispose()
    return version, names, source


def test_two_steps_at_once(url: str, step: Callable[..., None]) -> None:
    before = found(url)
    step(10)
    step(11)
    with pytest.raises(IndexUnusableError, match="has an older schema: run a verb that writes"):
        Index(url, read_only=True)
    assert found(url) == before
    with Index(url) as index:
        enter(index, [article(2)])
    version, names, source = found(url)
    assert version == "0011"
    assert names == before[1] | {"note10", "note11"}
    assert source == f"{before[2]} 10 11"


def test_all_or_nothing(url: str, step: Callable[..., None]) -> None:
    before = found(url)
    step(10)
    step(11, "op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises(IndexUnusableError, match="nowhere"):
        Index(url)
    assert found(url) == before


def test_a_newer_one_is_refused(url: str, step: Callable[..., None]) -> None:
    step(10)
    with Index(url) as index, index.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for read_only in (False, True):
        with pytest.raises(IndexUnusableError, match=r"schema 9999, and this .* none newer than"):
            Index(url, read_only=read_only)


def test_one_of_before_the_first_release_has_no_steps() -> None:
    assert not migration.can_upgrade("0008")
    assert migration.can_upgrade("0009")
    assert Path(migration.__file__).parent == migration._FOLDER.parent
