"""Crawls of each outlet's mock site, with edits and deletions, and the resulting archive."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from warcio.checker import Checker

from archive.warc.record_writer import IDENTICAL, NOT_MODIFIED
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.processes.cli import CommandResult

ARTICLES = 200


@pytest.fixture(scope="module", params=["etoday", "newspim"])
def crawled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Crawls, CommandResult]]:
    """A mock site and its first crawl; the tests of this file continue from there, in order."""
    with site_of_today(request.param, ARTICLES) as site:
        crawls = Crawls.into(tmp_path_factory.mktemp(request.param), site)
        yield crawls, crawls.run()


def test_the_first_crawl_stores_every_article_once(crawled: tuple[Crawls, CommandResult]) -> None:
    crawls, said = crawled
    assert said.code == 0, said
    assert "[scrapy." not in said.err, "the engine warns of something that is as we want it"
    ids = crawls.site.ids()
    assert len(ids) == ARTICLES
    assert tally(said.out) == {
        "discovered": ARTICLES,
        "stored": ARTICLES,
        "unchanged": 0,
        "failed": 0,
        "skipped": 0,
        "pending": 0,
    }
    assert crawls.fetched() == Counter(ids)
    told = crawls.revisions()
    assert sorted(told) == sorted(ids)
    assert {len(revisions) for revisions in told.values()} == {1}
    assert [revision["headline"] for [revision] in map(told.get, ids)] == [
        crawls.site.story(article_id).headline for article_id in ids
    ]
    assert set(crawls.outcomes().values()) == {"new"}
    assert [path.name for path in crawls.segments() if not path.name.endswith(".warc.gz")] == []
    crawls.check_captures()


def test_every_exchange_is_in_the_warc_as_the_mock_site_received_it(
    crawled: tuple[Crawls, CommandResult],
) -> None:
    crawls, _ = crawled
    records = crawls.records()
    received = Counter(entry.raw for entry in crawls.site.requests())
    assert Counter(record.block for record in records if record.kind == "request") == received
    answered = Counter((entry.url, entry.status) for entry in crawls.site.requests())
    kept = Counter(
        (record.exchange.url, int(record.exchange.head.split()[1]))
        for record in records
        if record.exchange
    )
    assert kept == answered
    assert "/robots.txt" in {entry.path for entry in crawls.site.requests()}
    assert 404 in {status for _, status in kept}
    paths = [str(path) for path in crawls.segments()]
    assert Checker(Namespace(inputs=paths, verbose=False)).process_all() == 0


def test_the_archive_replayed_gives_the_same_articles(
    crawled: tuple[Crawls, CommandResult],
) -> None:
    crawls, _ = crawled
    again = Crawls(crawls.site, Workspace(crawls.workspace.folder / "again"))
    said = again.workspace.run("replay", crawls.workspace.archive)
    # what the crawl kept of feeds and of the missing is no article
    assert said.code in (0, 1), said
    assert again.revisions() == crawls.revisions()


def test_the_second_crawl_fetches_only_feeds_and_lists(
    crawled: tuple[Crawls, CommandResult],
) -> None:
    crawls, _ = crawled
    before, rows = len(crawls.site.log), crawls.revisions()
    said = crawls.run()
    assert said.code == 0, said
    assert set(tally(said.out).values()) == {0}
    assert crawls.fetched(before) == Counter()
    assert len(crawls.site.log) > before
    assert crawls.revisions() == rows
    crawls.check_captures()


def test_later_visits_find_edits_and_deletions_and_otherwise_write_revisits(
    crawled: tuple[Crawls, CommandResult],
) -> None:
    crawls, _ = crawled
    site, first = crawls.site, crawls.revisions()
    ids = site.ids()
    edited, missing, gone, plain = ids[:10], ids[10:13], ids[13:16], ids[100:]
    for article_id in edited:
        site.edit(article_id)
    for article_id in missing:
        site.delete(article_id, 404)
    for article_id in gone:
        site.delete(article_id, 410)
    validators = (
        f"SET etag = '', last_modified = '' WHERE article_id IN ({','.join(map(repr, plain))})"
    )
    for _ in range(2):  # the second time there are revisits that a revisit must not refer to
        crawls.edit_frontier(validators)
        asked = crawls.make_due("outcome <> 'skipped'")
        before = len(site.log)
        said = crawls.run()
        assert said.code == 0, said
        assert sum(crawls.fetched(before).values()) == asked
        crawls.check_captures()
    told, outcomes = crawls.revisions(), crawls.outcomes()
    for article_id in edited:
        assert told[article_id][:1] == [revision | {"current": 0} for revision in first[article_id]]
        assert [revision["number"] for revision in told[article_id]] == [1, 2]
        assert told[article_id][1]["headline"] == site.story(article_id).headline
    rest = [article_id for article_id in ids if article_id not in edited]
    assert [told[article_id] for article_id in rest] == [first[article_id] for article_id in rest]
    assert {outcomes[article_id] for article_id in missing + gone} == {"skipped/http_status"}
    assert {outcomes[article_id] for article_id in ids[16:]} == {"unchanged"}
    _check_revisits(crawls, plain)


def _check_revisits(crawls: Crawls, plain: list[str]) -> None:
    """Every revisit refers to a response with the same revision; its profile fits the answer."""
    rows = {row["record_id"]: row for row in crawls.workspace.rows("captures")}
    records = crawls.records()
    revisits = [record for record in records if record.kind == "revisit"]
    assert len(revisits) == 2 * (ARTICLES - 16) + 10
    for record in revisits:
        original = rows[record.fields["warc-refers-to"].strip("<>")]
        row = rows[record.record_id]
        assert original["record_type"] == "response"
        assert row["revision_id"] == original["revision_id"]
        assert row["outcome"] == "unchanged"
        assert record.fields["warc-refers-to-target-uri"] == row["url"]
        article_id = row["url"].rpartition("/")[2]
        profile, status = (IDENTICAL, 200) if article_id in plain else (NOT_MODIFIED, 304)
        assert (record.fields["warc-profile"], row["status"]) == (profile, status)
        assert not record.exchange
