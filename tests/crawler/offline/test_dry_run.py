"""``sacho reindex --dry-run``: what a reindex would change, told beforehand, and nothing written."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.database import file_url
from archive.model.article import KST
from archive.reindex import selection
from archive.reindex.comparison import compare_indexes
from archive.segments.names import closed_segments
from crawler.offline import dry_run
from tests.support.archives.captures import Keeper, exchange
from tests.support.archives.reindex import of_the_seeds, reindexed
from tests.support.databases.index_comparison import in_file, tables_of
from tests.support.databases.index_rows import ask, change
from tests.support.databases.postgres import (
    ON_POSTGRES,
    copy_folder,
    copy_index,
    new_database,
    url_of,
)
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

MK = "https://www.mk.co.kr/news/society/90000001"
NEWSPIM = "https://www.newspim.com/news/view/20180302999902"
#: What an earlier version would have read otherwise: a field left empty, one that is none of the
#: article's, another value, a page that it could not read, and one that it should not have read.
EARLIER = (
    "UPDATE revisions SET section = '' WHERE id = {first}",
    """UPDATE revisions SET subheadlines = '["달나라"]' WHERE id = {second}""",
    "UPDATE revisions SET headline = headline || '\x1b[31m', published_at = "
    "'2020-01-01 00:00:00.000000' WHERE id = {first}",
    "UPDATE revisions SET body = replace(body, '.', '!')",
    "UPDATE captures SET outcome = 'unparsed', reason = 'no_body', revision_id = NULL WHERE id = {third}",
    "UPDATE captures SET outcome = 'unchanged', reason = '', revision_id = {first} WHERE id = {fourth}",
)


def page(path: str) -> bytes:
    return (SEEDS / path).read_bytes()


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 0, 30, tzinfo=KST)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An index as an earlier version would have made it; no test changes it."""
    folder = tmp_path_factory.mktemp("earlier")
    keeper = Keeper(folder)
    mk, newspim = page("mk/own-desktop-2025.html"), page("newspim/own-desktop-2018.html")
    keeper.read("mk", exchange(MK, mk, at(11, 20)))
    keeper.read("newspim", exchange(NEWSPIM, newspim, at(5, 1)))
    keeper.read("mk", exchange(MK, mk + b" ", at(11, 21)))
    keeper.read("mk", exchange(MK, "<p>로그인</p>".encode(), at(11, 22)))
    url = url_of(folder / "index.sqlite3")
    # PostgreSQL draws ids that no row gets.
    first, second, *_ = (row["id"] for row in ask(url, "SELECT id FROM revisions ORDER BY id"))
    *_, third, fourth = (row["id"] for row in ask(url, "SELECT id FROM captures ORDER BY id"))
    for statement in EARLIER:
        ids = {"first": first, "second": second, "third": third, "fourth": fourth}
        assert change(url, statement.format(**ids)), statement
    return Workspace(folder)


def said(workspace: Workspace, *options: str) -> dict[str, Any]:
    result = workspace.call("reindex", "--dry-run", "--json", *options)
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


def figures(found: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {
        (one["outlet"], one["field"]): (one["filled"], one["emptied"], one["changed"])
        for one in found["fields"]
    }


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_says_by_outlet_and_field_what_would_change(earlier: Workspace) -> None:
    found = said(earlier)
    assert figures(found) == {
        ("mk", "headline"): (0, 0, 1),
        ("mk", "section"): (1, 0, 0),
        ("mk", "published_at"): (0, 0, 1),
        ("mk", "body"): (0, 0, 1),
        ("newspim", "subheadlines"): (0, 1, 0),
        ("newspim", "body"): (0, 0, 1),
    }
    outcomes = {(one["before"], one["after"]): one["examples"] for one in found["outcomes"]}
    assert outcomes == {
        ("unparsed/no_body", "stored"): [MK],
        ("stored", "unparsed/no_layout"): [MK],
    }
    examples = {one["field"]: one["examples"] for one in found["fields"]}
    assert examples["subheadlines"] == [
        {"change": "emptied", "url": NEWSPIM, "before": '["달나라"]', "after": ""}
    ]
    (time,) = examples["published_at"]
    assert (time["before"], time["after"]) == (
        "2020-01-01T09:00:00+09:00",
        "2025-06-02T09:10:33+09:00",
    )
    assert found["captures"] == 4


def test_a_reindex_then_changes_just_that(earlier: Workspace, tmp_path: Path) -> None:
    copy_folder(earlier.folder, tmp_path / "copy")
    workspace = Workspace(tmp_path / "copy")
    before = in_file(workspace.index, tmp_path / "before")
    told: Counter[str] = Counter()
    for (_, field), numbers in figures(said(workspace)).items():
        told[field] += sum(numbers)
    assert reindexed(workspace).code == 0
    after = in_file(workspace.index, tmp_path / "after")
    done = compare_indexes(file_url(after), file_url(before))
    assert {one.what: one.number for one in done if one.what != "outcome"} == told
    assert sum(one.number for one in done if one.what == "outcome") == 2
    again = workspace.call("reindex", "--dry-run")
    assert "nothing would change" in again.out


def test_nothing_is_written(earlier: Workspace) -> None:
    before, rows = state(earlier.folder), tables_of(earlier.index)
    assert before
    assert earlier.call("reindex", "--dry-run", "--processes", "1").code == 0
    assert state(earlier.folder) == before
    assert tables_of(earlier.index) == rows


def test_what_is_printed_is_safe_and_short(earlier: Workspace) -> None:
    result = earlier.call("reindex", "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert "mk section filled, for example:\n" in result.out
    assert f'  {NEWSPIM}: ["달나라"] -> (empty)\n' in result.out
    assert "mk stored -> unparsed/no_layout, for example:\n" in result.out
    assert "read by layout desktop-2018 of another date: 1 (newspim)\n" in result.out
    assert "4 captures read in" in result.out
    assert max(map(len, result.out.splitlines())) < 260


@pytest.mark.parametrize(
    ("options", "captures", "outlets"),
    [
        (["--outlet", "newspim"], 1, {"newspim"}),
        (["--since", "2026-11-20"], 3, {"mk"}),
        (["--since", "2026-11-21"], 2, set()),
        (["--until", "2026-11-20"], 2, {"mk", "newspim"}),
        (["--until", "2026-11-19"], 1, {"newspim"}),
        (["--limit", "1"], 2, {"mk"}),
        (["--limit", "3"], 3, {"mk"}),
        (["--since", "2027-01-01"], 0, set()),
    ],
)
def test_captures_are_selected(
    earlier: Workspace, options: list[str], captures: int, outlets: set[str]
) -> None:
    found = said(earlier, *options)
    assert found["captures"] == captures
    assert {outlet for outlet, _ in figures(found)} == outlets


def test_several_processes_find_the_same(
    earlier: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = said(earlier, "--processes", "1")
    monkeypatch.setattr(selection, "_CHUNK", 1)
    monkeypatch.setattr(selection, "_WINDOW", 2)
    assert said(earlier, "--processes", "1") == alone, "windows are joined without gap or repeat"
    text = earlier.call("reindex", "--dry-run", "--processes", "2").out
    assert "by 2 processes" in text
    assert said(earlier, "--processes", "2") == alone


def test_a_revision_of_several_renderings_is_no_change(tmp_path: Path) -> None:
    result = of_the_seeds(tmp_path).call("reindex", "--dry-run")
    assert "nothing would change" in result.out, result.out


def test_a_damaged_record_is_told_and_the_others_are_read(
    earlier: Workspace, tmp_path: Path
) -> None:
    copy_folder(earlier.folder, tmp_path / "copy")
    workspace = Workspace(tmp_path / "copy")
    (row,) = [row for row in workspace.rows("captures") if row["outlet"] == "newspim"]
    segment = workspace.archive / row["warc_file"]
    with segment.open("r+b") as file:
        file.seek(row["warc_offset"] + row["warc_length"] // 2)
        file.write(b"\0" * 64)
    result = workspace.call("reindex", "--dry-run", "--json")
    assert result.code == 1
    assert f"{row['warc_file']}@{row['warc_offset']}: bad_record" in result.err
    found = json.loads(result.out)
    assert found["failed"] == 1
    assert {outlet for outlet, _ in figures(found)} == {"mk"}


def test_ctrl_c_is_one_line(earlier: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dry_run, "read_chunks", stopped)
    result = earlier.call("reindex", "--dry-run")
    assert (result.code, result.out) == (1, "")
    assert result.sentences == ["scrapy reindex: Stopped. Nothing was written."]


@pytest.mark.parametrize(
    "options",
    [
        ["--json"],
        ["--outlet", "mk"],
        ["--limit", "5"],
        ["--since", "2026-01-01"],
        ["--until", "2026-01-01"],
        ["--dry-run", "--outlet", "nobody"],
        ["--dry-run", "--limit", "0"],
        ["--dry-run", "--since", "yesterday"],
        ["--dry-run", "somewhere"],
    ],
)
def test_invalid_usage(earlier: Workspace, options: list[str]) -> None:
    before = state(earlier.folder)
    assert earlier.call("reindex", *options).code == 2
    assert state(earlier.folder) == before


def test_without_an_index_or_an_archive_it_says_so(earlier: Workspace, tmp_path: Path) -> None:
    none = Workspace(tmp_path, {"INDEX_URL": new_database()} if ON_POSTGRES else {})
    result = none.run("reindex", "--dry-run")
    assert result.code == 1
    assert "there is no index" in result.err
    workspace = Workspace(tmp_path)
    copy_index(earlier.index, workspace.index)
    result = workspace.call("reindex", "--dry-run")
    assert result.code == 1
    assert "contains no segment" in result.err
    assert closed_segments(earlier.archive), "else the check would be of the wrong folder"
