"""A verification in parts finds what one of the whole finds, in its order: also what crosses parts."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.runs.history import whole_verification
from archive.runs.job_runs import end
from archive.runs.record import Ending
from archive.runs.recorder import RunRecorder
from archive.segments import manifest as fixity
from archive.segments.manifest import Manifest
from archive.segments.store import FolderStore
from archive.segments.writer import SegmentWriter
from archive.verify.archive import Verification
from archive.verify.parts import KEPT, FoundFindings, Tally
from archive.verify.selection import SegmentSelection, part_of, ranges_of
from archive.verify.warc_file.findings import Finding, Rule, Severity
from archive.warc.record_writer import RevisitOf
from crawler.offline.article_reader import read_article
from tests.support.archives.backups import made
from tests.support.archives.warc_samples import MOMENT, exchange
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import Workspace


@pytest.mark.parametrize("number", [0, 1, 2, 5, 7, 100])
def test_parts_are_all_segments_once(tmp_path: Path, number: int) -> None:
    store, names = FolderStore(tmp_path), [f"{n:03}.warc.gz" for n in range(number)]
    for parts in (1, 2, 3, 7):
        chosen = [
            SegmentSelection(part=(part, parts)).of(store, names, Manifest({}, ()))
            for part in range(parts + 1)
        ]
        assert chosen[0] == []
        assert [name for some in chosen for name in some] == names
        assert max(map(len, chosen)) - min(map(len, chosen[1:])) <= 1
        later = ["", "000", "0505", "~"]
        for name in later:
            assert sum(name in one for one in ranges_of(names, parts)) == 1


@pytest.mark.parametrize("text", ["", "1", "2/1", "1/0", "-1/2", "1/1001", "a/b"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give K/N"):
        part_of(text)


def whole(workspace: Workspace) -> tuple[FoundFindings, Tally]:
    """Verify without parts."""
    found = FoundFindings()
    with Verification(reader=read_article) as one:
        for finding in one.archive(workspace.archive, workspace.index_url, SegmentSelection()):
            found.add(finding)
        return found, one.tally


def in_parts(workspace: Workspace, number: int) -> tuple[FoundFindings, Tally]:
    """Verify in parts, each of which hands on bytes."""
    url, found, tables = workspace.index_url, FoundFindings(), FoundFindings()
    names, _ = FolderStore(workspace.archive).names()
    left = []
    for part, of in enumerate(ranges_of(list(names), number), 1):
        with Verification(joined=True) as one:
            own = FoundFindings()
            selection = SegmentSelection(part=(part, number), names=of)
            for finding in one.archive(workspace.archive, url, selection):
                own.add(finding)
            left.append([own.packed(one.tally), *one.seen()])
    with Verification(reader=read_article, joined=True) as one:
        for finding in one.begin(workspace.archive, url, SegmentSelection(part=(0, number))):
            found.add(finding)
        for finding in one.go_on():
            tables.add(finding)
        for first, *pieces in left:
            part_found, tally = FoundFindings.read(first)
            found.join(part_found)
            one.tally.add_part(tally)
            one.add_seen(pieces)
        found.join(tables)
        for finding in one.finish_joined():
            found.add(finding)
        one.tally.passed_over = 0
        return found, one.tally


@pytest.fixture(name="spoiled", scope="module")
def fixture_spoiled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An archive whose segments refer to each other, with every fault that crosses them."""
    workspace = made(tmp_path_factory.mktemp("spoiled"))
    archive = workspace.archive
    assert workspace.call("remove", "newspim/20230915999901", "--reason", "t", "--yes").code == 0
    next(archive.glob("*-r1.warc.gz")).unlink()  # with the tombstones, and rows that lead there
    before = {*archive.glob("*.warc.gz")}
    with SegmentWriter(archive) as out:
        first = out.write(exchange())
    (of_first,) = {*archive.glob("*.warc.gz")} - before
    with SegmentWriter(archive) as out:
        for url, target in (
            (exchange().url, first.record_id),
            ("https://other.example/", first.record_id),
            ("https://lost.example/", "urn:uuid:00000000-0000-4000-8000-000000000000"),
        ):
            refers = RevisitOf(url, MOMENT, first.payload_digest, target)
            out.write_revisit(exchange(url=url), refers)
    shutil.copy(of_first, of_first.with_name(f"z{of_first.name}"))
    with (archive / fixity.NAME).open("ab") as log:
        log.write(b"no line of a manifest\n")
    dead = SegmentWriter(archive)
    dead.write(exchange(url="https://dead.example/"))
    dead.sync()
    os.close(dead._fd)
    dead._fd = -1
    whole(workspace)  # it enters the copy in the manifest
    return workspace


@pytest.mark.parametrize("number", [1, 2, 4, 9])
def test_parts_find_what_the_whole_finds(spoiled: Workspace, number: int) -> None:
    found, tally = whole(spoiled)
    said = [f"{one.rule}: {one.sentence}" for one in found.kept]
    assert found.errors == len(said) > 20
    for part in (
        "manifest: ",
        "missing_segment: It had ",
        "missing_segment: Row ",
        "duplicate_id: Its id is also that of the record at byte 0 of sacho",
        "revisit: It refers to https://other.example/",
        "revisit: The record it refers to",
        "no_row: ",
        "removal: There is no tombstone",
        "left_open: ",
    ):
        assert any(part in one for one in said), (part, said)
    assert in_parts(spoiled, number) == (found, tally)


def test_of_many_findings_the_first_are_kept_as_without_parts() -> None:
    def finding(number: int) -> Finding:
        return Finding("a", number, "", Rule.ROW, "wrong", Severity.ERROR)

    together, joined = FoundFindings(), FoundFindings()
    for part in range(3):
        own = FoundFindings()
        for number in range(part * 700, part * 700 + 700):
            together.add(finding(number))
            own.add(finding(number))
        read, _ = FoundFindings.read(own.packed(Tally()))
        joined.join(read)
    assert joined == together
    assert (len(joined.kept), joined.errors) == (KEPT, 2100)


@pytest.mark.parametrize(
    ("arguments", "is_whole"),
    [
        ([], True),
        (["--workers=8"], True),
        (["--workers", "8"], True),
        (["--workers=8", "--skip-reading"], False),
        (["--part", "1/8"], False),
        (["--sample=10%"], False),
    ],
)
def test_a_verification_by_workers_is_a_complete_one(
    tmp_path: Path, arguments: list[str], is_whole: bool
) -> None:
    now = datetime.now(UTC)
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        run = RunRecorder("verify", arguments=arguments)
        with index.writing(run.part) as connection:
            run.write(connection, ended=True)
        end(index, run.id, Ending.SUCCEEDED, 0, now)
        with index.reading() as connection:
            begun = whole_verification(connection, now - timedelta(1), now + timedelta(1))
    assert begun is is_whole
