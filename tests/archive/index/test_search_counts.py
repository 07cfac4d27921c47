"""Counts of hits by outlet and by time, against the hits themselves."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from archive.articles.queries import search
from archive.index.database import Index
from archive.index.fulltext import hits_by_outlet, hits_by_period
from archive.index.search.counts import Unit
from archive.index.search.query import parse_query
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    workspace = Workspace(tmp_path_factory.mktemp("counts"))
    assert workspace.call("replay", *sorted((ROOT / "seeds").iterdir())).code in (0, 1)
    with Index(workspace.index_url, read_only=True) as opened:
        yield opened


@pytest.mark.parametrize(
    "text",
    [
        "푸틴",
        "푸틴 OR 도서관",
        "도 -푸틴",
        "가",
        "outlet:newspim quality:any",
        "since:2023-09-01 until:2023-09-15",
        "until:2026-12-31 도서관 -윤",
        "edited:no quality:any",
        "없는낱말이다",
    ],
)
def test_the_counts_are_those_of_the_hits(index: Index, text: str) -> None:
    query = parse_query(text)
    with index.reading() as connection:
        found, _ = search(connection, query, 1000)
        outlets = {one.article.outlet for one in found} | {"nobody", "etoday"}
        by_outlet = hits_by_outlet(connection, query, outlets, 1000)
        periods = hits_by_period(connection, query)
    assert by_outlet == Counter(one.article.outlet for one in found)
    days = sorted(one.article.published_at.date() for one in found if one.article.published_at)
    counted = {(one.first, one.last): one.hits for one in periods.periods}
    expected = {(first, last): sum(first <= day <= last for day in days) for first, last in counted}
    assert counted == expected
    assert sum(counted.values()) == len(days)
    ends = sorted(counted)
    assert all(last + timedelta(1) == first for (_, last), (first, _) in pairwise(ends))


def test_the_unit_fits_the_time_between_the_hits(index: Index) -> None:
    with index.reading() as connection:
        units = {
            text: hits_by_period(connection, parse_query(text)).unit
            for text in ("since:2023-09-01 until:2023-09-30", "since:2023-01-01 quality:any")
        }
    assert units == {
        "since:2023-09-01 until:2023-09-30": Unit.DAY,
        "since:2023-01-01 quality:any": Unit.MONTH,
    }
