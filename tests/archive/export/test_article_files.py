"""Files of articles hold what the articles of the index have, value for value."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from archive.articles.queries import each_row, find_article
from archive.export.article_files import csv_cell, write_to
from archive.export.articles import to_values
from archive.index.database import Index
from tests.archive.articles.test_identity import edited
from tests.support.archives.captures import Keeper
from tests.support.archives.history import OWN_ID, another, answer, other_url, page
from tests.support.databases.postgres import url_of
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Every fixture's article, one that was edited, one deleted, and one missing."""
    folder: Path = tmp_path_factory.mktemp("export")
    seeds = sorted(path for path in (ROOT / "seeds").iterdir() if path.is_dir())
    assert Workspace(folder).run("replay", *seeds).code in (0, 1)
    keeper = Keeper(folder)
    keeper.read("etoday", page(0), page(1, edited(1)), another(1, 1), another(2, 1), another(3, 1))
    keeper.read("etoday", answer(404, 2, url=other_url(1)), answer(404, 2, url=other_url(2)))
    keeper.read("etoday", another(3, 2.5), answer(404, 3, url=other_url(1)))
    url = url_of(folder / "index.sqlite3")
    with Index(url, read_only=True) as index, index.reading() as opened:
        yield opened


def expected(connection: Connection, *, every: bool) -> list[dict[str, Any]]:
    """The same articles, read one by one."""
    names = dict.fromkeys((row["outlet"], row["article_id"]) for row, _ in each_row(connection))
    found: list[dict[str, Any]] = []
    for name in names:
        versions = find_article(connection, *name)
        found += map(to_values, versions if every else versions[-1:])
    return json.loads(json.dumps(found))


@pytest.mark.parametrize("every", [False, True])
def test_lines_are_the_values_of_the_articles(connection: Connection, every: bool) -> None:
    out = io.StringIO()
    count = write_to(out, ".jsonl", each_row(connection, every_revision=every))
    lines = out.getvalue().splitlines()
    values = [json.loads(line) for line in lines]
    assert values == expected(connection, every=every)
    assert count == len(values) > 10
    assert all(list(one) == sorted(one) for one in values)
    assert {one["status"] for one in values} == {"published", "missing", "deleted"}
    own = [one for one in values if one["article_id"] == OWN_ID]
    assert [one["change"] is None for one in own][:2] == ([True, False] if every else [False])
    assert any(one["images"] for one in values)
    assert any(one["removed"] for one in values)


def test_cells_are_the_values_of_the_articles(connection: Connection) -> None:
    out = io.StringIO()
    write_to(out, ".csv", each_row(connection, every_revision=True))
    table = list(csv.DictReader(io.StringIO(out.getvalue().removeprefix("\ufeff"), newline="")))
    values = expected(connection, every=True)
    assert len(table) == len(values)
    for cells, value in zip(table, values, strict=True):
        flat = {name: each for name, each in value.items() if not isinstance(each, dict)}
        for name in ("change", "deletion", "warc"):
            parts = {key for key in cells if key.startswith(f"{name}_")}
            given = value[name] or {}
            flat.pop(name, None)
            flat |= {part: given.get(part.removeprefix(f"{name}_")) for part in parts}
        assert cells.keys() == flat.keys()
        for name, each in flat.items():
            cell = cells[name]
            if isinstance(each, list) and each:
                assert json.loads(cell) == each
            else:
                assert cell == csv_cell(each)
