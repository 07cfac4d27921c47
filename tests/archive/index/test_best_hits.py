"""Ranking: what is more about the terms comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from archive.articles.queries import best_matches
from archive.index.database import Index
from archive.index.search.match import has_words
from archive.index.search.query import parse_query
from tests.support.archives.search_trial import Trial
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

MOMENT = datetime(2024, 5, 7, tzinfo=UTC)
#: From the newest to the oldest, an hour between two.
TEXTS = {
    "once": ("소식", "푸틴 그리고 다른 많은 이야기"),
    "twice": ("소식", "푸틴 그리고 푸틴 다른 많은 이야기"),
    "headline": ("푸틴 방북", "그리고 다른 많은 이야기"),
    "other": ("소식", "뿌찐 그리고 다른 많은 이야기"),
    "rare": ("소식", "러시아 러시아 방송국 이야기"),
    "common": ("소식", "러시아 방송국 방송국 이야기"),
} | {f"x{number}": ("소식", "방송국 이야기") for number in range(9)}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    path = tmp_path_factory.mktemp("ranking") / "index.sqlite3"
    texts = {
        name: (*text, MOMENT - timedelta(hours=number))
        for number, (name, text) in enumerate(TEXTS.items())
    }
    with Index(url_of(path)) as index:
        with index.writing() as writing:
            Trial(1).enter_texts(writing, texts)
        with index.reading() as reading:
            yield reading


def best(connection: Connection, query: str, limit: int = 20) -> list[str]:
    found = best_matches(connection, parse_query(query), limit)
    return [one.article.article_id for one in found]


def test_more_often_and_in_the_headline_is_better(connection: Connection) -> None:
    assert best(connection, "푸틴 outlet:etoday") == ["other", "headline", "twice", "once"]
    assert best(connection, '"푸틴"') == ["headline", "twice", "once"]
    assert best(connection, '"푸틴"', 2) == ["headline", "twice"]


def test_the_rarer_term_says_more(connection: Connection) -> None:
    assert best(connection, "방송국 러시아") == ["rare", "common"]


def test_equal_ones_come_newest_first_and_days_choose(connection: Connection) -> None:
    frequent = [f"x{number}" for number in range(9)]
    assert best(connection, "방송국 -러시아") == frequent
    assert best(connection, "방송국 -러시아 until:2024-05-06") == frequent[4:]
    assert best(connection, "방송국 -러시아 since:2024-05-07") == frequent[:4]


@pytest.mark.parametrize(
    ("query", "can"), [("푸틴 핵", True), ("핵 author:김정은", False), ("author:김", False)]
)
def test_what_can_be_ranked(query: str, can: bool) -> None:
    assert has_words(parse_query(query)) is can
