"""``scrapy reindex``: from the WARCs alone, the same index, whatever was kept, with the old one or without."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DBAPIError

from archive.index.schema import captures
from archive.reindex.replacement import swap
from tests.crawler.spider.test_crawl_pictures import places
from tests.support.archives.captures import warc_of
from tests.support.archives.reindex import DERIVED, of_the_seeds, reindexed, without_the_run
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.databases.index_comparison import difference, tables_of
from tests.support.databases.index_rows import change
from tests.support.databases.postgres import ON_POSTGRES
from tests.support.documents import MADE, SEEDS
from tests.support.processes.cli import Workspace, summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARTICLES = 60
#: What an outlet does to a crawl, each to one article.
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("front", {}),
    ("private", {"to": "https://www.etoday.co.kr/news/view/1"}),
    ("loop", {}),
    ("status", {}),
    ("status", {"status": 403}),
    ("short", {}),
    ("bad_gzip", {}),
    ("cut_gzip", {}),
    ("empty", {}),
    ("login", {}),
    ("soft_404", {}),
    ("html", {}),
    ("reset", {}),
    ("bomb", {"megabytes": 30}),
    ("charset", {"encode": "cp949"}),
    ("status", {"times": 1}),
)
ONCE = {"RETRY_TIMES": "1", "DOWNLOAD_VERIFY_CERTIFICATES": "0"}


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawls]:
    """An archive with whatever an outlet does to a crawl, and with texts, pages and others' WARCs replayed into it."""
    folder = tmp_path_factory.mktemp("crawled")
    with site_of_today("etoday", ARTICLES) as site:
        crawls = Crawls.into(folder, site)
        ids = site.ids()
        for article_id, (kind, options) in zip(ids[ARTICLES // 2 :], FAULTS, strict=False):
            more = {
                name: f"https://www.etoday.co.kr/news/view/{ids[0]}"
                for name in options
                if name == "to"
            }
            site.fault(f"{article_id}$", kind, **(options | more))
        said = crawls.run(**ONCE, ARCHIVE_IMAGES="1", RESOLVER_MAP=places(crawls))
        assert "Traceback" not in said.err, said.err
        assert tally(said.out)["failed"]
        for article_id in ids[:8]:
            site.edit(article_id)
        site.delete(ids[10], 404)
        site.delete(ids[11], 410)
        for _ in range(2):
            plain = ",".join(map(repr, ids[15:20]))
            crawls.edit_frontier(f"SET etag = '', last_modified = '' WHERE article_id IN ({plain})")
            crawls.make_due()
            assert "Traceback" not in crawls.run(**ONCE).err
        replay_into(crawls.workspace, folder / "given")
        yield crawls


def replay_into(workspace: Workspace, folder: Path) -> None:
    """Replay texts without an address, then the pages they are of, a page of a forced outlet, and another's WARC."""
    folder.mkdir()
    for path in [*SEEDS.glob("*.txt"), *SEEDS.glob("*/*-text.txt")]:
        shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    text = (SEEDS / "etoday" / "own-text.txt").read_bytes()
    (folder / "a\tname  이름\n.txt").write_bytes(text + b"\n")
    assert workspace.call("replay", folder).code == 0
    assert workspace.call("replay", *MADE).code == 0
    page = folder / "nobody.html"
    page.write_text("<title>누구의 것도 아닌 페이지</title><p>아무 말도 아니다.", "utf-8")
    assert workspace.call("replay", "--outlet", "newspim", page).code == 1
    html = (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes()
    warc = warc_of(
        folder / "other.warc.gz", ("https://www.newspim.com/news/view/20190101000001", html)
    )
    assert workspace.call("replay", warc).code == 0


def test_a_reindex_gives_the_same_tables(crawled: Crawls) -> None:
    workspace = crawled.workspace
    before, kept = tables_of(workspace.index), workspace.kept_bytes()
    said = reindexed(workspace, "--processes", "2")
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(tables_of(workspace.index))) == []
    assert workspace.kept_bytes() == kept, "the archive is only read"
    assert sum(row["captures"] for row in summary(said).values()) == len(workspace.rows("captures"))
    assert f"{len(workspace.rows('captures'))} captures read in" in said.out
    if not ON_POSTGRES:
        kept_before = tables_of(workspace.index.with_name("index.sqlite3.old"))
        assert kept_before == before, "the one before is kept"


def test_a_dry_run_of_the_same_code_finds_no_change(crawled: Crawls) -> None:
    said = crawled.workspace.call("reindex", "--dry-run", "--processes", "2")
    assert (said.code, said.err) == (0, "")
    assert "nothing would change" in said.out, said.out


def test_the_crawled_archive_has_all_outcomes(crawled: Crawls) -> None:
    """Else the test above would hold for an empty index, too."""
    rows = crawled.workspace.rows("captures")
    outcomes = {"/".join(filter(None, (row["outcome"], row["reason"]))) for row in rows}
    assert outcomes >= {
        "new",
        "changed",
        "unchanged",
        "unparsed/bad_content",
        "unparsed/empty_body",
        "unparsed/login_wall",
        "unparsed/soft_404",
        "skipped/http_status",
        "skipped/not_an_article",
        "skipped/redirect_to_front",
        "skipped/redirect_elsewhere",
        "failed/http_status",
    }, outcomes
    assert {row["record_type"] for row in rows} == {"response", "resource", "revisit"}
    assert {row["time_known"] for row in rows} == {0, 1}
    assert any("img.etoday" in row["url"] and row["outlet"] == "etoday" for row in rows)
    assert any(row["source"].endswith("a name 이름 .txt") for row in rows)
    assert max(row["number"] for row in crawled.workspace.rows("revisions")) == 2
    assert any(row["alias"].startswith("content-") for row in crawled.workspace.rows("aliases"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return of_the_seeds(tmp_path)


def test_a_reindex_corrects_wrong_rows(workspace: Workspace) -> None:
    before = tables_of(workspace.index)
    pick = random.Random(7)
    for table in ("captures", "revisions", "articles"):
        count = len(workspace.rows(table))
        for statement in (
            f"UPDATE {table} SET url = 'x'",
            f"UPDATE {table} SET captured_at = NULL",
            f"DELETE FROM {table}",
        ):
            with suppress(DBAPIError):  # not every column is every table's
                change(workspace.index_url, f"{statement} WHERE id = {pick.randint(1, count)}")
    in_file = "INSERT INTO search(search) VALUES ('delete-all')"
    change(workspace.index_url, "DELETE FROM search" if ON_POSTGRES else in_file)
    assert reindexed(workspace).code == 0
    after = tables_of(workspace.index)
    assert difference(before, after, *DERIVED) == []
    assert difference(before, without_the_run(after), "runs") == []


@pytest.mark.parametrize(
    "arguments", [["somewhere"], ["--processes", "0"], ["--processes", "many"]]
)
def test_invalid_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert Workspace(tmp_path).call("reindex", *arguments).code == 2


def test_an_empty_archive_has_an_empty_index(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.archive.mkdir()
    assert workspace.call("reindex").code == 0
    assert workspace.rows("captures") == []


def test_without_the_old_index_nothing_known_is_fetched_again(
    crawled: Crawls, tmp_path: Path
) -> None:
    shutil.copytree(crawled.workspace.archive, tmp_path / "archive")
    again = Crawls(crawled.site, Workspace(tmp_path, crawled.workspace.settings))
    before = tables_of(crawled.workspace.index)
    said = reindexed(again.workspace)
    assert said.code == 0
    assert difference(before, tables_of(again.workspace.index), *DERIVED) == []
    seen, made = crawled.frontier(), again.frontier()
    visited = {
        article_id
        for article_id, row in seen.items()
        if row["outcome"] and row["reason"] != "connection_lost"
    }
    assert set(made) == visited
    assert f"{len(visited)} articles were missing from the frontier" in said.out
    looked = [
        article_id
        for article_id in visited
        if seen[article_id]["outcome"] in ("new", "changed", "unchanged")
    ]
    for article_id in looked:
        assert made[article_id]["visits"] == seen[article_id]["visits"], article_id
        exact = made[article_id][
            "published_at"
        ]  # the revision's; a crawl keeps what it learnt first, maybe to the minute
        assert seen[article_id]["published_at"] in (exact, exact[:17] + "00.000000")
    crawled.site.heal()
    start = len(crawled.site.log)
    again.run()
    assert not set(again.fetched(start)) & set(looked)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_order_of_import_does_not_matter(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Versions of one article replayed one after the other, and in an order that is none of time."""
    workspace, day = Workspace(tmp_path), "2026-11-{:02}T00:00:00+00:00"
    text = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
    for number in order:
        page = tmp_path / f"{number}.html"
        page.write_text(text.replace("3200쪽을", f"320{number % 2}쪽을"), "utf-8")
        facts = {
            "url": "https://www.etoday.co.kr/news/view/77",
            "captured_at": day.format(number + 1),
        }
        page.with_suffix(".json").write_text(json.dumps(facts))
        assert workspace.call("replay", page).code == 0
    before = tables_of(workspace.index)
    assert [
        row["captured_at"][:10]
        for row in sorted(workspace.rows("revisions"), key=lambda row: row["number"])
    ] == [day.format(number)[:10] for number in (1, 2, 3)]
    assert reindexed(workspace).code == 0
    assert difference(before, without_the_run(tables_of(workspace.index))) == []


def test_two_that_write_at_once_leave_one_index(tmp_path: Path) -> None:
    """Two replays at the same time, of other articles and of versions of the same one; whoever comes first."""
    workspace, folders = Workspace(tmp_path), [tmp_path / "a", tmp_path / "b"]
    text = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
    for turn, folder in enumerate(folders):
        shutil.copytree(SEEDS / ("etoday", "newspim")[turn], folder)
        for number in range(turn, 12, 2):
            page = folder / f"version-{number:02}.html"
            page.write_text(text.replace("3200쪽을", f"{3200 + number}쪽을"), "utf-8")
            facts = {
                "url": "https://www.etoday.co.kr/news/view/77",
                "captured_at": f"2026-11-{number + 1:02}T00:00:00Z",
            }
            page.with_suffix(".json").write_text(json.dumps(facts))
    running = [workspace.start("replay", folder, stdout=subprocess.DEVNULL) for folder in folders]
    assert [process.wait(timeout=300) for process in running] == [0, 0]
    before = tables_of(workspace.index)
    assert reindexed(workspace).code == 0
    after = tables_of(workspace.index)
    assert difference(before, after, "articles", "aliases", "revisions", "search") == []
    # Which of two captures of one article was "new" is told by who came first; all else of them is
    # not.
    assert (
        difference(
            *({"captures": sorted(map(settled, told["captures"]))} for told in (before, after))
        )
        == []
    )


def settled(line: str) -> str:
    row = json.loads(line)
    return json.dumps(
        row | {"outcome": "read" if row["revision_id"] else row["outcome"]}, sort_keys=True
    )


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
@pytest.mark.parametrize("links", [True, False])
def test_a_linked_index_stays_where_it_lies_and_keeps_its_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """The index lies on another disk, and INDEX_URL names a link to it; on some disks there are no hard links."""

    def without(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", without)
    workspace, disk = Workspace(tmp_path), tmp_path / "disk"
    disk.mkdir()
    assert workspace.call("replay", *MADE).code == 0
    lies = disk / "lies.sqlite3"
    workspace.index.rename(lies)
    lies.chmod(0o640)
    workspace.index.symlink_to(lies)
    before = tables_of(workspace.index)
    assert reindexed(workspace).code == 0
    assert workspace.index.is_symlink()
    assert sorted(path.name for path in disk.iterdir()) == ["lies.sqlite3", "lies.sqlite3.old"]
    assert lies.stat().st_mode & 0o777 == 0o640
    assert difference(before, without_the_run(tables_of(workspace.index))) == []
    lies.unlink()
    assert reindexed(workspace).code == 0
    assert difference(before, tables_of(workspace.index), *DERIVED) == []


def test_what_is_carried_over_refers_to_no_rebuilt_rows_but_captures() -> None:
    """A new table belongs among `DERIVED`, where the writer fills it, or has to be copied as it is."""
    targets = {
        key.column.table
        for table in swap.CARRIED
        for column in table.columns
        for key in column.foreign_keys
    }
    assert targets <= {*swap.CARRIED, captures}
