"""What a reindex says of damage: named with its place, the rest indexed, and what is no index or archive left alone."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from crawler.extraction.judge import read_capture
from crawler.offline import workers
from tests.support.archives.foreign_archives import HEAD, PAGE, URL, date, packed, rec
from tests.support.archives.reindex import DERIVED, of_the_seeds, reindexed, without_the_run
from tests.support.databases.index_comparison import difference, tables_of
from tests.support.documents import MADE
from tests.support.processes.cli import Workspace, summary

if TYPE_CHECKING:
    from pathlib import Path

    from archive.warc.record_parser import Record
    from pipelines.page import Page


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return of_the_seeds(tmp_path)


def test_damage_is_named_and_the_rest_is_indexed(workspace: Workspace) -> None:
    (segment,) = workspace.archive.glob("*.warc.gz*")
    before = tables_of(workspace.index)
    rows = sorted(workspace.rows("captures"), key=lambda row: row["warc_offset"])
    flipped, cut = rows[3], rows[-1]
    data = bytearray(segment.read_bytes())
    data[flipped["warc_offset"] + 100] ^= 1
    segment.write_bytes(data[: cut["warc_offset"] + 100])
    said = reindexed(workspace)
    assert said.code == 1
    assert [line.partition(": ")[0] for line in said.sentences] == [
        f"{segment.name}@{row['warc_offset']}" for row in (flipped, cut)
    ]
    assert summary(said)["–"]["failed"] == 2
    left = {row["record_id"] for row in workspace.rows("captures")}
    assert left == {row["record_id"] for row in rows} - {flipped["record_id"], cut["record_id"]}
    assert {
        row["detail"]
        for row in workspace.rows("outcomes")
        if row["reason"] in ("truncated", "bad_record")
    }
    assert (
        difference(
            before, without_the_run(tables_of(workspace.index)), "frontier", "robots", "runs"
        )
        == []
    )


def test_a_copied_segment_is_reported_and_counted_once(workspace: Workspace) -> None:
    before = tables_of(workspace.index)
    (segment,) = workspace.archive.glob("*.warc.gz*")
    shutil.copy(segment, segment.with_name(f"z{segment.name}"))
    said = reindexed(workspace)
    assert said.code == 1
    assert "is in the archive twice" in said.err
    assert difference(before, tables_of(workspace.index), *DERIVED) == []


@pytest.mark.parametrize("kind", ["revisit", "response", "resource"])
@pytest.mark.parametrize("lacks", ["WARC_Target_URI", "WARC_Date"])
@pytest.mark.parametrize("part", [{"WARC_Segment_Number": "1"}, {"WARC_Target_URI": "dns:a.kr"}])
def test_what_is_no_whole_document_and_has_no_address_or_date_is_damage(
    workspace: Workspace, kind: str, lacks: str, part: dict[str, str]
) -> None:
    (segment,) = workspace.archive.glob("*.warc.gz*")
    facts = {"WARC_Target_URI": URL, "WARC_Date": date(), **part, lacks: ""}
    record = rec("1.1", kind, "p1", HEAD + PAGE, **{k: v for k, v in facts.items() if v})
    segment.write_bytes(segment.read_bytes() + packed(record))
    said = reindexed(workspace)
    assert said.code == 1
    assert [line.partition("@")[0] for line in said.sentences] == [segment.name]
    assert lacks.replace("_", "-") in said.err


def test_a_dead_writers_segment_is_read_as_it_lies_and_its_torn_tail_is_no_damage(
    workspace: Workspace,
) -> None:
    before = tables_of(workspace.index)
    (segment,) = workspace.archive.glob("*.warc.gz*")
    left = segment.with_name(f"{segment.name}.open")
    segment.rename(left)
    left.write_bytes(left.read_bytes() + gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n")[:-9])
    said = reindexed(workspace)
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(tables_of(workspace.index))) == []
    assert workspace.call("replay", *MADE).code == 0, "and the next run closes it"
    assert segment.exists()
    assert not left.exists()


@pytest.mark.sqlite_only(reason="it is of a file that is no index")
@pytest.mark.parametrize(
    ("content", "named"),
    [(b"no database", "it is not an index of Sacho, or damaged"), (None, "another program's")],
)
def test_what_is_no_index_is_not_replaced(
    tmp_path: Path, content: bytes | None, named: str
) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", *MADE).code == 0
    workspace.index.unlink()
    if content is None:
        with closing(sqlite3.connect(workspace.index)) as connection, connection:
            connection.execute("CREATE TABLE others (x)")
    else:
        workspace.index.write_bytes(content)
    before = workspace.index.read_bytes()
    said = workspace.call("reindex")
    assert said.code == 1
    assert named in said.err
    assert workspace.index.read_bytes() == before


def test_without_an_archive_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    said = Workspace(tmp_path).call("reindex")
    assert said.code == 1
    assert "There is no archive at" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_bug_at_one_page_is_named_and_costs_only_that_page(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit = next(row for row in workspace.rows("captures") if row["url"].endswith("/9000000002"))

    def raising(record: Record, source: str) -> Page:
        if record.record_id == hit["record_id"]:
            raise ZeroDivisionError
        return read_capture(record, source)

    monkeypatch.setattr(workers, "read_capture", raising)
    said = workspace.call("reindex")
    assert said.code == 1
    assert (
        f"{hit['warc_file']}@{hit['warc_offset']}: failed/internal_error: ZeroDivisionError()"
        in said.err
    )
    rows = {row["record_id"]: row for row in workspace.rows("captures")}
    assert rows.pop(hit["record_id"])["reason"] == "internal_error"
    assert {row["outcome"] for row in rows.values()} == {"new", "unchanged"}
    monkeypatch.undo()
    assert reindexed(workspace).code == 0
