"""Data frames of articles: columns, types, values, and what is said without the library."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from archive.export.article_files import _columns
from archive.index.database import Index
from archive.reading.frames import COLUMNS
from tests.archive.reading.conftest import opened
from tests.support.archives.history import GONE, another, answer, page, relabelled
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from pathlib import Path

    from archive.reading.archive import Archive
    from tests.support.archives.captures import Keeper

SEOUL = ZoneInfo("Asia/Seoul")
TIMES = (
    "published_at",
    "modified_at",
    "captured_at",
    "deleted_at",
    "deletion_first_seen_gone_at",
    "deletion_confirmed_at",
)
NUMBERS = ("revision", "http_status", "warc_offset", "warc_length", "change_words_added")
TEXTS = ("outlet", "headline", "body", "published_precision", "status", "quality", "warc_file")
LISTS = (
    "subheadlines",
    "tags",
    "flags",
    "layouts",
    "change_classes",
    "authors",
    "images",
    "removed",
)


def test_the_columns_are_those_of_an_export_to_a_table() -> None:
    assert sorted(COLUMNS) == _columns()


def test_a_frame_of_pandas_has_types_of_its_own(seeds: Archive) -> None:
    pd = pytest.importorskip("pandas")
    frame = seeds.frame()
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 5
    for name in TIMES:
        assert str(frame[name].dtype) == "datetime64[us, Asia/Seoul]", name
    for name in NUMBERS:
        assert str(frame[name].dtype) == "Int64", name
    for name in TEXTS:
        assert isinstance(frame[name].dtype, pd.StringDtype), name
    for name in LISTS:
        assert all(isinstance(value, list) for value in frame[name]), name
    row = frame[frame.article_id == "9000000002"].iloc[0]
    assert row.published_at == datetime(2018, 3, 2, 9, 10, tzinfo=SEOUL)
    assert row.published_at.hour == 9
    assert row.authors == [{"name": "한누리", "role": "기자", "email": "fixture.nuri@etoday.co.kr"}]
    assert row.http_status is pd.NA
    assert frame.deleted_at.isna().all()


def test_a_frame_of_polars_has_types_of_its_own(seeds: Archive) -> None:
    pl = pytest.importorskip("polars")
    frame = seeds.frame(library="polars")
    assert frame.columns == list(COLUMNS)
    for name in TIMES:
        assert frame.schema[name] == pl.Datetime("us", "Asia/Seoul"), name
    for name in NUMBERS:
        assert frame.schema[name] == pl.Int64, name
    for name in TEXTS:
        assert frame.schema[name] == pl.String, name
    for name in LISTS[:5]:
        assert frame.schema[name] == pl.List(pl.String), name
    row = frame.filter(pl.col("article_id") == "9000000002").row(0, named=True)
    assert row["published_at"] == datetime(2018, 3, 2, 9, 10, tzinfo=SEOUL)
    assert row["authors"][0]["name"] == "한누리"
    assert row["tags"] == ["달빛마을도서관", "기록의날"]
    assert row["http_status"] is None


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_empty_frame_has_the_same_types(tmp_path: Path, seeds: Archive, library: Any) -> None:
    pytest.importorskip(library)
    Index(url_of(tmp_path / "index.sqlite3")).close()
    with opened(tmp_path) as archive:
        empty = archive.frame(library=library)
    full = seeds.frame(library=library)
    assert len(empty) == 0
    assert list(empty.dtypes) == list(full.dtypes)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_of_some_columns_and_articles(seeds: Archive, library: Any) -> None:
    pytest.importorskip(library)
    chosen = ("headline", "outlet")
    frame = seeds.frame("푸틴", since="2023-09-06", columns=chosen, library=library)
    assert tuple(frame.columns) == chosen
    assert list(frame["outlet"]) == ["newspim"]
    with pytest.raises(ValueError, match="there is no column 'title'; there are outlet, "):
        seeds.frame(columns=["title"], library=library)


def test_a_frame_of_all_revisions_tells_of_changes_and_of_deletion(keeper: Keeper) -> None:
    pytest.importorskip("pandas")
    for one in (
        page(0),
        page(1, relabelled("[속보]")),
        answer(200, 2, GONE),
        another(1, 2.5),
        answer(200, 3, GONE),
        another(1, 3.5),
    ):
        keeper.read("etoday", one)
    with opened(keeper.folder) as archive:
        frame = archive.frame(revisions=True)
        assert len(archive.frame()) == 2
    mine = frame[frame.article_id == "9000000002"]
    assert list(mine.revision) == [1, 2]
    assert list(mine.change_classes) == [[], ["relabel"]]
    assert set(mine.status) == {"deleted"}
    assert set(mine.deleted_at) == {datetime(2024, 5, 9, 12, tzinfo=SEOUL)}
    assert [len(value) for value in mine.deletion_captures] == [2, 2]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_without_the_library_a_sentence_says_how_to_install_it(
    seeds: Archive, monkeypatch: pytest.MonkeyPatch, library: Any
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"pip install 'sacho\[{library}\]'"):
        seeds.frame(library=library)


def test_another_library_is_refused(seeds: Archive) -> None:
    with pytest.raises(ValueError, match="none of 'dask'"):
        seeds.frame(library="dask")  # type: ignore[call-overload]
