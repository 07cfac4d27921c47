"""Which articles of the frontier were found gone or given up on certain days."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from archive.frontier.doubted import doubted
from archive.frontier.revisit_policy import State
from archive.index.schema import frontier, runs
from archive.model.article import KST
from archive.model.outcome import Reason
from tests.support.archives.captures import Keeper
from tests.support.archives.history import OWN_ID, URL, answer, page
from tests.support.documents import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

FIRST, SECOND, THIRD = date(2024, 5, 7), date(2024, 5, 8), date(2024, 5, 9)


def row(article_id: str, url: str = "", **values: Any) -> dict[str, Any]:
    """Return a row of the frontier."""
    texts = ("outcome", "reason", "etag", "last_modified", "lease", "discovered_run", "last_run")
    return {
        "outlet": "etoday",
        "article_id": article_id,
        "url": url or f"https://www.etoday.co.kr/news/view/{article_id}",
        "discovered_at": NOON,
        "channels": [],
        "state": State.DEAD,
        "failures": 1,
        "visits": 0,
        "visited_at": None,
        **dict.fromkeys(texts, ""),
        **values,
    }


def asked(connection: Connection, *days: date) -> set[str]:
    return doubted(connection, "etoday", days[0], days[-1])


def test_what_was_found_gone_on_a_day_and_not_seen_since(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.read("etoday", page(0), answer(404, 1))
    with keeper.index() as index:
        with index.writing() as connection:
            connection.execute(insert(frontier), [row(OWN_ID, URL, state=State.DUE)])
        with index.reading() as connection:
            assert asked(connection, SECOND) == {OWN_ID}
            assert asked(connection, FIRST, THIRD) == {OWN_ID}
            assert asked(connection, FIRST) == set()
            assert asked(connection, THIRD) == set()
            assert doubted(connection, "newspim", SECOND, SECOND) == set()
    keeper.read("etoday", page(1.1))
    with keeper.index() as index, index.reading() as connection:
        assert asked(connection, SECOND) == set()


def test_what_was_given_up_whatever_it_answered(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.read("etoday", answer(503, 1))
    midnight = datetime(2024, 5, 9, tzinfo=KST)
    run = {"id": "r", "verb": "crawl", "started_at": midnight, "ended_at": midnight, "counts": {}}
    rows = [
        row(OWN_ID, URL),
        row("77", last_run="r"),
        row("78", last_run="r", state=State.DONE),
        row("79", last_run="r", reason=str(Reason.REMOVED)),
    ]
    with keeper.index() as index:
        with index.writing() as connection:
            connection.execute(insert(runs), [run])
            connection.execute(insert(frontier), rows)
        with index.reading() as connection:
            assert asked(connection, SECOND) == {OWN_ID}
            assert asked(connection, THIRD) == {"77"}
