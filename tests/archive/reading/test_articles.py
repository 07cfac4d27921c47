"""Articles, their revisions and history, as objects of an open archive."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from archive.captures.deletions import Status
from archive.differences.changes import ChangeClass
from archive.index.search.query import QueryError
from archive.model.article import KST, Author
from archive.reading.errors import (
    ArticleNotFoundError,
    ArticleRemovedError,
    UnknownOutletError,
)
from tests.archive.reading.conftest import opened
from tests.support.archives.history import GONE, URL, another, answer, page, relabelled
from tests.support.archives.takedown import NAME, remove

if TYPE_CHECKING:
    from archive.reading.archive import Archive
    from tests.support.archives.captures import Keeper
    from tests.support.processes.cli import Workspace

ID = "9000000002"
DAY = timedelta(days=1)


def test_articles_are_typed_and_of_one_time_zone(seeds: Archive) -> None:
    found = {(one.outlet, one.article_id): one for one in seeds.articles()}
    article = found["etoday", ID]
    assert article.headline == "달빛마을도서관 '기록의 날'…주민 손글씨 3200쪽, 한자리에 모였다"
    assert article.authors == (Author("한누리", "기자", "fixture.nuri@etoday.co.kr"),)
    assert article.published_at == datetime(2018, 3, 2, 9, 10, tzinfo=KST)
    assert article.captured_at.utcoffset() == timedelta(hours=9)
    assert article.body == "\n\n".join(article.paragraphs)
    assert len(article.paragraphs) == 5
    assert article.status is Status.PUBLISHED
    assert (article.revision, article.change, article.deletion) == (1, None, None)
    assert hash(article) == hash(dataclasses.replace(article))
    with pytest.raises(dataclasses.FrozenInstanceError):
        article.headline = "고쳤다"  # type: ignore[misc]


def test_an_article_gives_what_an_export_gives(workspace: Workspace) -> None:
    exported = workspace.export()
    with opened(workspace.folder) as archive:
        given = [json.loads(json.dumps(one.to_dict())) for one in archive.articles()]
    key = lambda one: (one["outlet"], one["article_id"])  # noqa: E731  (of two lists)
    assert sorted(given, key=key) == sorted(exported, key=key)
    assert len(given) == 5


def test_the_fields_are_those_of_the_export(seeds: Archive) -> None:
    article = next(seeds.articles())
    names = {field.name for field in dataclasses.fields(article)} - {"_stored", "_source"}
    made = {"aliases"}  # the export has none
    computed = {"deleted_at", "status", "identity"}
    assert names - made == set(article.to_dict()) - computed


def test_articles_are_chosen_by_outlet_day_and_query(seeds: Archive) -> None:
    assert {one.outlet for one in seeds.articles(outlet="etoday")} == {"etoday"}
    of_2023 = list(seeds.articles(since="2023-09-05", until=date(2023, 9, 15)))
    assert [one.outlet for one in of_2023] == ["newspim", "etoday"]
    assert list(seeds.articles(since="2023-09-16")) == []
    assert [one.outlet for one in seeds.articles("푸틴", outlet="etoday")] == ["etoday"]
    assert [one.outlet for one in seeds.articles("푸틴 outlet:newspim")] == ["newspim"]
    assert seeds.count("푸틴") == 2
    assert seeds.count() == 5
    assert seeds.outlets() == ("etoday", "newspim")


def test_what_is_asked_for_wrongly_is_refused_before_anything_is_read(seeds: Archive) -> None:
    with pytest.raises(
        UnknownOutletError, match=r"'etodya' \(did you mean etoday\?\); it holds etoday, newspim"
    ):
        seeds.articles(outlet="etodya")
    with pytest.raises(QueryError, match="there is no field title:"):
        seeds.articles("title:푸틴")
    with pytest.raises(QueryError, match="outlet is etoday in the query and newspim beside it"):
        seeds.articles("outlet:etoday", outlet="newspim")
    with pytest.raises(ValueError, match="give the day: 2023-09-05"):
        seeds.articles(since=datetime(2023, 9, 5, 12, tzinfo=KST))
    with pytest.raises(ValueError, match="write YYYY-MM-DD"):
        seeds.articles(until="5.9.2023")


def test_a_search_finds_what_the_verb_finds_with_snippets(workspace: Workspace) -> None:
    said = json.loads(workspace.call("search", "--json", "푸틴").out)
    with opened(workspace.folder) as archive:
        hits = archive.search("푸틴")
        assert [hit.article.article_id for hit in hits] == [
            one["article_id"] for one in said["articles"]
        ]
        assert [hit.snippet for hit in hits] == [one["text"] for one in said["snippets"]]
        begin, end = hits[0].marks[0]
        assert hits[0].snippet[begin:end] == "푸틴"
        assert len(archive.search("푸틴", limit=1)) == 1
        assert len(archive.search("푸틴", rank=True)) == 2
        with pytest.raises(QueryError, match="two characters or more"):
            archive.search("푸", rank=True)
        with pytest.raises(QueryError, match="nothing to search for"):
            archive.search(" ")
        with pytest.raises(ValueError, match="at least 1"):
            archive.search("푸틴", limit=0)


@pytest.mark.parametrize(
    "name",
    [
        ID,
        URL,
        f"{URL}#reply",
        URL.replace("https:", "http:"),
        "https://m.etoday.co.kr/news/view/9000000002",
    ],
)
def test_an_article_is_found_by_id_and_by_addresses(seeds: Archive, name: str) -> None:
    assert seeds.article("etoday", name).article_id == ID


def test_an_article_that_does_not_exist_is_an_error(seeds: Archive) -> None:
    with pytest.raises(ArticleNotFoundError, match="no article etoday/1 in the index"):
        seeds.article("etoday", "1")
    with pytest.raises(LookupError):
        seeds.article("etoday", "https://www.etoday.co.kr/news/view/1")
    with pytest.raises(UnknownOutletError):
        seeds.article("hani", ID)


@pytest.fixture
def edited(keeper: Keeper) -> Keeper:
    """An article with three headlines, then gone for two days while others are served, then back."""
    captures = [
        page(0),
        page(1, relabelled("[속보]")),
        page(2),
        answer(404, 3),
        another(1, 3.5),
        answer(404, 4),
        another(1, 4.5),
        page(5, relabelled("[종합]")),
    ]
    for one in captures:
        keeper.read("etoday", one)
    return keeper


def test_revisions_and_what_changed(edited: Keeper) -> None:
    with opened(edited.folder) as archive:
        article = archive.article("etoday", ID)
        assert [one.revision for one in article.revisions] == [1, 2, 3, 4]
        assert [one.headline[:4] for one in article.revisions] == [
            "달빛마을",
            "[속보]",
            "달빛마을",
            "[종합]",
        ]
        assert article == article.revisions[-1]
        change = article.change
        assert change is not None
        assert change.classes == (ChangeClass.RELABEL,)
        assert change.body is None
        given = list(archive.revisions("edited:yes"))
        assert [one.revision for one in given] == [1, 2, 3, 4]
        assert len(list(archive.revisions())) == 5


def test_an_article_as_it_was(edited: Keeper) -> None:
    with opened(edited.folder) as archive:
        assert archive.article("etoday", ID, revision=2).headline.startswith("[속보]")
        second = archive.article("etoday", ID, at=datetime(2024, 5, 8, 12, tzinfo=KST))
        assert second.revision == 2
        assert archive.article("etoday", ID, at=date(2024, 5, 7)).revision == 1
        with pytest.raises(ArticleNotFoundError, match="has no revision 9; it has 1, 2, 3, 4"):
            archive.article("etoday", ID, revision=9)
        with pytest.raises(
            ArticleNotFoundError, match="its first capture is of 2024-05-07 12:00:00"
        ):
            archive.article("etoday", ID, at=date(2024, 5, 6))
        with pytest.raises(ValueError, match="has no zone"):
            archive.article("etoday", ID, at=datetime(2024, 5, 8))  # noqa: DTZ001  (what is refused)
        with pytest.raises(ValueError, match="not both"):
            archive.article("etoday", ID, at=date(2024, 5, 8), revision=1)


def test_the_history_tells_of_revisions_and_of_absence(edited: Keeper) -> None:
    with opened(edited.folder) as archive:
        events = archive.article("etoday", ID).history
    assert [(event.classes, event.revision) for event in events] == [
        ((), 1),
        ((ChangeClass.RELABEL,), 2),
        ((ChangeClass.RELABEL,), 3),
        ((ChangeClass.MISSING,), None),
        ((ChangeClass.DELETION,), None),
        ((ChangeClass.REAPPEARANCE,), None),
        ((ChangeClass.RELABEL,), 4),
    ]
    assert all(event.at.utcoffset() == timedelta(hours=9) for event in events)
    gone = events[3].capture
    assert gone is not None
    assert (gone.http_status, gone.revision) == (404, None)


def test_an_article_that_is_gone_says_since_when(keeper: Keeper) -> None:
    for one in (
        page(0),
        answer(200, 1, GONE),
        another(1, 1.5),
        answer(200, 2, GONE),
        another(1, 2.5),
    ):
        keeper.read("etoday", one)
    with opened(keeper.folder) as archive:
        by_status = {one.article_id: one.status for one in archive.articles()}
        article = archive.article("etoday", ID)
    assert by_status[ID] is Status.DELETED
    assert sorted(by_status.values()) == [Status.DELETED, Status.PUBLISHED]
    assert article.deletion is not None
    assert article.deletion.first_seen_gone_at == datetime(2024, 5, 8, 12, tzinfo=KST)


def test_a_removed_article_is_an_error_that_says_why(workspace: Workspace) -> None:
    with opened(workspace.folder) as archive:
        article = archive.article(*NAME)
        assert archive.removal(*NAME) is None
        assert archive.removals() == ()
        remove(workspace)
        with pytest.raises(ArticleRemovedError, match=r"was removed on .* \(KST\): test") as caught:
            archive.article(*NAME)
        removal = archive.removal(*NAME)
        assert removal is not None
        assert caught.value.removal == removal
        assert removal.at.utcoffset() == timedelta(hours=9)
        assert archive.removals() == archive.removals(outlet="newspim") == (removal,)
        assert archive.removals(outlet="etoday") == ()
        with pytest.raises(ArticleRemovedError):
            _ = article.revisions
        with pytest.raises(ArticleRemovedError):
            _ = article.captures
        assert NAME[1] not in {one.article_id for one in archive.articles()}
