"""All articles of an archive, page by page: each once, in order, in flat memory, beside writers."""

from __future__ import annotations

import tracemalloc
from collections import deque
from typing import TYPE_CHECKING

import pytest

from archive.articles.batch import enter_captures
from archive.index.database import Index
from archive.reading import pages
from archive.reindex.replacement.swap import exclusive
from tests.archive.reading.conftest import opened
from tests.support.archives.history import page, relabelled
from tests.support.archives.search_trial import OUTLETS, Trial
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from archive.articles.ingest_model import CaptureEntry
    from archive.reading.archive import Archive
    from archive.reading.articles import ArchivedArticle
    from tests.support.archives.captures import Keeper


def names(articles: Iterable[ArchivedArticle]) -> list[tuple[str, str]]:
    return [(one.outlet, one.article_id) for one in articles]


def filled(folder: Path, entries: Sequence[CaptureEntry], name: str = "index.sqlite3") -> Path:
    """Make an index of these captures, whose records are in no archive."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    with Index(url_of(path)) as index, index.writing() as connection:
        enter_captures(connection, entries)
    return path


@pytest.fixture(scope="module")
def entries() -> list[CaptureEntry]:
    """The captures of 300 articles: many of one time, some without any."""
    return Trial(20260101).entries(300)


@pytest.fixture
def many(tmp_path: Path, entries: list[CaptureEntry]) -> Archive:
    filled(tmp_path, entries)
    return opened(tmp_path)


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("asked", ["", f"outlet:{OUTLETS[0]}", "가 OR 나 quality:any"])
def test_every_article_is_given_once_newest_first(
    many: Archive, monkeypatch: pytest.MonkeyPatch, size: int, asked: str
) -> None:
    whole = list(many.articles(asked))
    monkeypatch.setattr(pages, "PAGE", size)
    found = list(many.articles(asked))
    assert names(found) == names(whole)
    assert len(set(names(found))) == len(found) == many.count(asked)
    times = [one.published_at for one in found]
    timed = [one for one in times if one is not None]
    assert timed == sorted(timed, reverse=True)
    assert None not in times[: len(timed)], "those without a time are the last"
    if not asked:
        assert len(found) == 300
        assert None in times


@pytest.mark.parametrize("ordinal", [1, 100, 295])
@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_an_index_that_is_replaced_meanwhile_loses_and_doubles_nothing(
    many: Archive,
    tmp_path: Path,
    entries: list[CaptureEntry],
    monkeypatch: pytest.MonkeyPatch,
    ordinal: int,
) -> None:
    """As a reindex does; the other index has the articles of one time in another order."""
    monkeypatch.setattr(pages, "PAGE", 3)
    found: list[ArchivedArticle] = []
    for article in many.articles():
        found.append(article)
        if len(found) == ordinal:
            fresh = filled(tmp_path, entries[::-1], "fresh")
            with exclusive(url_of(tmp_path / "index.sqlite3"), wait=0):
                fresh.replace(tmp_path / "index.sqlite3")
    assert len(found) == 300
    assert len(set(names(found))) == 300


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_between_two_articles_the_index_is_free(many: Archive, tmp_path: Path) -> None:
    articles = many.articles()
    next(articles)
    with exclusive(url_of(tmp_path / "index.sqlite3"), wait=0):
        pass
    assert len(list(articles)) == 299


def test_an_article_that_changes_meanwhile_is_given_once(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its new revision has the same time of publication, and comes later in the order."""
    monkeypatch.setattr(pages, "PAGE", 1)
    keeper.read("etoday", page(0))
    with opened(keeper.folder) as archive:
        articles = archive.articles()
        first = next(articles)
        keeper.read("etoday", page(1, relabelled("[종합]")))
        assert list(articles) == []
        assert first.revision == 1
        assert [one.revision for one in archive.revisions()] == [1, 2]


def test_memory_does_not_grow_with_the_number(tmp_path: Path) -> None:
    trial = Trial(1)
    filled(tmp_path / "few", trial.entries(1100))
    filled(tmp_path / "many", trial.entries(4000))
    peaks = []
    for name in ("few", "few", "many"):  # the first fills caches
        with opened(tmp_path / name) as archive:
            tracemalloc.start()
            deque(archive.articles(), maxlen=0)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1]
