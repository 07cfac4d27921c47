"""How far a take-down reaches: revisits, free pages, search index, kept index, crawl, frontier."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select

from archive.frontier.frontier import Frontier
from archive.frontier.visits import FrontierLink
from archive.http.message import parse_head
from archive.index.database import Index
from archive.index.rows.article_rows import to_article, to_document
from archive.index.schema import articles as articles_table
from archive.index.schema import frontier, revisions
from archive.index.search.documents import add_documents
from archive.model.exchange import Exchange, Location
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import RunRecorder
from archive.segments.lookup import read_at
from archive.segments.writer import SegmentWriter
from archive.takedown import log as takedown_log
from archive.takedown.execute import TakedownExecutor
from archive.warc.record_writer import RevisitOf, payload_digest
from crawler.extraction.charset import decode
from crawler.extraction.judge import provisional_page
from crawler.extraction.reading import read_exchange
from crawler.outlets import article_id, outlet_named
from pipelines.deposit import CaptureStore
from pipelines.page import Page, Rules
from tests.support.archives.captures import SOFTWARE
from tests.support.archives.takedown import NAME, remove, text_of
from tests.support.archives.traces import articles, traces, wrong
from tests.support.databases.postgres import url_of
from tests.support.documents import NOON, SEEDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import Workspace


WALL = b"<html><title>wall</title><body>log in, please</body></html>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(WALL)


def page(url: str, minutes: int) -> Page:
    """Return a login wall at a URL, captured so many minutes after noon."""
    exchange = Exchange(
        url, NOON + timedelta(minutes=minutes), WALL, HEAD, b"GET / HTTP/1.1\r\n\r\n"
    )
    verdict = Verdict(Outcome.UNPARSED, Reason.LOGIN_WALL)
    return Page(
        exchange=exchange,
        outlet="newspim",
        rules=Rules(),
        source=url,
        verdict=verdict,
        decoded=decode(exchange.body, parse_head(exchange.head).get("Content-Type"))[1],
    )


def keep(workspace: Workspace, one: Page, original: RevisitOf | None = None) -> dict[str, Any]:
    """Archive a page in a segment of its own; return its row."""
    with (
        Index(workspace.index_url) as index,
        SegmentWriter(workspace.archive, software=SOFTWARE, job="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
        store.append(one, original)
        store.add_page(one)
        store.close()
    return max(workspace.rows("captures"), key=lambda row: int(row["id"]))


@pytest.mark.parametrize("other", [True, False])
def test_a_revisit_whose_original_goes_refers_to_another_or_goes_too(
    workspace: Workspace, *, other: bool
) -> None:
    """Archive a wall at the article's URL, and at another's as a revisit of the first."""
    address = "https://www.newspim.com/news/view/"
    first = page(address + NAME[1], 0)
    original = keep(workspace, first)
    elsewhere = keep(workspace, page(address + "20200101000009", 1)) if other else None
    digest = payload_digest(first.exchange)
    revisit_of = RevisitOf(
        first.exchange.url, first.exchange.captured_at, digest, original["record_id"]
    )
    revisit = keep(workspace, page(address + "20200101000008", 2), revisit_of)
    assert wrong(workspace) == []
    remove(workspace)
    rows = {row["record_id"]: row for row in workspace.rows("captures")}
    assert original["record_id"] not in rows
    assert (revisit["record_id"] in rows) is other
    if elsewhere is not None:
        row = rows[revisit["record_id"]]
        columns = ("warc_file", "warc_offset", "warc_length", "record_id", "payload_digest")
        found = read_at(workspace.archive, Location(*(row[name] for name in columns)))
        assert found.fields["warc-refers-to"] == elsewhere["record_id"]
        assert found.fields["warc-refers-to-target-uri"] == address + "20200101000009"
        assert found.block == HEAD
    assert wrong(workspace) == []
    assert workspace.call("reindex").code == 0
    assert wrong(workspace) == []


@pytest.mark.sqlite_only(reason="it looks into the file; test_takedown_postgres.py into a server's")
def test_what_was_overwritten_before_is_scrubbed_as_well(workspace: Workspace) -> None:
    """Text that was left in free pages of the database is deleted when it is rewritten."""
    text = text_of(workspace)
    with closing(sqlite3.connect(workspace.index)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        with connection:
            connection.execute(
                "CREATE TABLE beside AS"
                " SELECT body FROM revisions, (SELECT 1 FROM captures, captures)"
            )
            connection.execute("DROP TABLE beside")
    assert workspace.index.read_bytes().count(text.encode()) > 100
    remove(workspace)
    assert not traces(workspace.folder, text).any


def test_what_a_running_crawl_brings_after_the_removal_is_not_read_and_goes_with_the_next(
    workspace: Workspace,
) -> None:
    text = text_of(workspace)
    pages = [
        one.with_suffix(".html")
        for one in (SEEDS / "newspim").glob("*.json")
        if NAME[1] in one.read_text("utf-8")
    ]
    path = next(one for one in sorted(pages) if one.exists())
    body = path.read_bytes()
    url = f"https://www.newspim.com/news/view/{NAME[1]}"
    kept, late = (
        Exchange(
            url, NOON + timedelta(hours=hour), body + b"<!-- %d -->" % hour, media_type="text/html"
        )
        for hour in (1, 2)
    )
    outlet = outlet_named("newspim")
    results: list[str] = []
    with (
        Index(workspace.index_url) as index,
        SegmentWriter(workspace.archive, software=SOFTWARE, job="t") as segments,
    ):
        store = CaptureStore(
            segments, index, RunRecorder("test"), lambda result: results.append(str(result.verdict))
        )
        store.append(provisional_page(kept, outlet, url))  # on its way when the removal comes
        with (
            takedown_log.locked(workspace.archive) as log,
            Index(workspace.index_url) as other,
        ):
            assert log is not None
            removing = TakedownExecutor(workspace.archive, other, log, article_id)
            removing.begin([NAME], "test", "tests")
            removing.finish()
        store.add_page(read_exchange(kept, outlet, url))
        store.flush()
        store.append(provisional_page(late, outlet, url))
        store.add_page(read_exchange(late, outlet, url))
        store.close()
    assert results == ["skipped/removed"] * 2
    assert NAME not in articles(workspace)
    (row,) = (row for row in workspace.rows("captures") if row["reason"] == "removed")
    assert row["revision_id"] is None
    assert any("came after the removal" in one for one in wrong(workspace))
    output = workspace.call("remove", "/".join(NAME), "--reason", "test", "--yes")
    assert (output.code, output.err) == (0, "")
    assert not traces(workspace.folder, text).any
    assert wrong(workspace) == []


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_the_index_that_a_reindex_kept_goes_as_well(workspace: Workspace) -> None:
    text = text_of(workspace)
    assert workspace.call("reindex").code == 0
    assert "index.sqlite3.old" in traces(workspace.folder, text).files
    result = workspace.call("remove", "/".join(NAME), "--reason", "test", "--yes")
    assert (
        "index.sqlite3.old, kept by a reindex, contains the texts too and will be deleted"
        in result.out
    )
    assert not traces(workspace.folder, text).any


def test_a_damaged_record_of_the_article_goes_too(workspace: Workspace) -> None:
    rows = [row for row in workspace.rows("captures") if row["revision_id"] is not None]
    (article,) = (row["id"] for row in workspace.rows("articles") if row["article_id"] == NAME[1])
    own = {row["id"] for row in workspace.rows("revisions") if row["article"] == article}
    row = next(row for row in rows if row["revision_id"] in own)
    path = workspace.archive / row["warc_file"]
    data = bytearray(path.read_bytes())
    data[row["warc_offset"] + row["warc_length"] - 6] ^= 1  # in its checksum: all of it inflates
    path.write_bytes(data)
    text = text_of(workspace)
    remove(workspace)
    assert not traces(workspace.folder, text).any
    assert [one for one in wrong(workspace) if "removal" in one] == []


def blocks(path: Path, table: str) -> list[bytes]:
    """Return what a table of FTS5's own holds, but for how its parts came about."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"SELECT block FROM {table} WHERE id > 10")
        return sorted(row[0] for row in rows)


@pytest.mark.sqlite_only(reason="it looks into the file; test_takedown_postgres.py into a server's")
def test_the_search_index_is_as_if_the_article_had_never_been(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The index equals, byte for byte, one of the other articles: it packs terms together."""
    remove(workspace)
    query = select(
        revisions, articles_table.c.outlet, articles_table.c.article_id, articles_table.c.url
    )
    with Index(workspace.index_url, read_only=True) as index, index.reading() as reading:
        rows = list(reading.execute(query.join(articles_table)).mappings())
    edited = {row["article"] for row in rows if row["number"] > 1}
    documents = [
        to_document(row["search_position"], to_article(row), edited=row["article"] in edited)
        for row in rows
        if row["current"]
    ]
    fresh = tmp_path / "fresh.sqlite3"
    with Index(url_of(fresh)) as index:
        with index.writing() as connection:
            add_documents(connection, documents)
        index.scrub()
    assert documents
    for table in ("search_data", "search_characters_data"):
        found, wanted = (blocks(path, table) for path in (workspace.index, fresh))
        assert found == wanted


def test_the_frontier_refuses_what_was_removed_before_it_knew_it(workspace: Workspace) -> None:
    remove(workspace)
    with Index(workspace.index_url) as index:
        with index.writing() as connection:
            connection.execute(delete(frontier))
        run = Frontier(index, NAME[0], "run")
        link = FrontierLink(NAME[1], "https://www.newspim.com/news/view/" + NAME[1], None, "rss")
        run.discover([link])
        assert run.lease(10) == []
        balance = run.balance()
        assert (balance.discovered, balance.skipped, balance.is_even) == (1, {"removed": 1}, True)
        later = Frontier(index, NAME[0], "later")
        later.discover([FrontierLink(NAME[1], link.url, None, "sitemap")])
        later.make_due([NAME[1]])
        assert later.lease(10) == []
        assert later.due_count() == 0
