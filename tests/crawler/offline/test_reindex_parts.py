"""`reindex --workers`: the index that workers make in parts is the one that a single process makes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from archive.index.copy import copy_index as copy_rows
from archive.index.database import Index, file_url
from archive.index.postgres.schemas import indexes_beside
from archive.reindex.builder import IndexBuilder
from archive.runs.record import Ending
from archive.verify.selection import part_of
from crawler.cli.output.summary import Report
from crawler.offline import reindex_parts
from crawler.offline.reindex_parts import Workers, read_by_workers, read_part
from crawler.offline.segment_reading import fingerprint
from tests.crawler.offline.test_reindex_postgres import Desk, add_carried, asked, plain
from tests.support.archives.takedown import NAME
from tests.support.databases.index_comparison import difference, tables_of
from tests.support.databases.postgres import new_database
from tests.support.documents import MADE, SEEDS
from tests.support.processes.cli import FileWorkspace, Workspace
from tests.support.processes.schedules import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: What is of the reindexes themselves: runs, of which parts are some, what these found, who lives.
_OWN = ("runs", "outcomes", "leases")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return an archive of three segments, two with several outlets, one with changed pages; an article is removed."""
    workspace = FileWorkspace(tmp_path_factory.mktemp("origin"))
    assert workspace.call("replay", *MADE).code == 0
    assert workspace.call("replay", SEEDS / "mk").code == 0
    again = workspace.folder / "again"
    again.mkdir()
    for page in [*(SEEDS / "newspim").glob("*.html"), *(SEEDS / "etoday").glob("*.html")]:
        (again / page.name).write_bytes(page.read_bytes() + b"<!-- served again -->")
        facts = page.with_suffix(".json")
        if facts.exists():
            shutil.copy(facts, again)
    assert workspace.call("replay", again).code == 0
    shutil.rmtree(again)
    with Index(file_url(workspace.index)) as index, index.writing() as connection:
        add_carried(connection)
    removed = workspace.call("remove", "/".join(NAME), "--reason", "asked to", "--yes")
    assert removed.code == 0, removed.err
    return workspace


@pytest.fixture
def desk(origin: Workspace, tmp_path: Path) -> Desk:
    shutil.copytree(origin.folder, tmp_path / "desk")
    made = Desk(tmp_path / "desk", new_database())
    more = {"CONTACT": "desk@example.org", "LOG_FOLDER": str(tmp_path / "log")}
    made.server = Workspace(made.folder, {"INDEX_URL": made.url} | more)
    with Index(file_url(made.file.index)) as source, Index(made.url) as target:
        copy_rows(source, target)
    return made


@contextmanager
def worker(desk: Desk, at_once: int = 4) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker, in a group of its own with what it runs, until the end of the block."""
    with (desk.folder / "worker.said").open("ab") as said:
        process = desk.server.start(
            "worker", "--at-once", str(at_once), stdout=said, stderr=said, process_group=0
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(300)


def derived(desk: Desk) -> dict[str, list[str]]:
    """Return what the index in PostgreSQL holds, but for runs."""
    return {name: rows for name, rows in desk.tables().items() if name not in _OWN}


def of_file(desk: Desk) -> dict[str, list[str]]:
    return {name: rows for name, rows in tables_of(desk.file.index).items() if name not in _OWN}


def damage(desk: Desk) -> None:
    """Change a byte in the middle of the largest segment, which has several outlets."""
    segment = max(desk.server.archive.glob("*.warc.gz"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.chmod(0o640)
    segment.write_bytes(data)


def test_workers_make_the_index_that_one_process_makes(desk: Desk) -> None:
    damage(desk)
    by_one = desk.server.run("reindex", "--processes", "1")
    assert by_one.code == 1, "a record is damaged"
    expected = derived(desk)
    in_a_file = desk.file.run("reindex", "--processes", "1")
    assert in_a_file.code == 1
    assert difference(expected, of_file(desk)) == []
    with worker(desk):
        by_two = desk.server.run("reindex", "--workers", "2", "--processes", "1")
    assert by_two.code == 1, by_two
    assert difference(expected, derived(desk)) == []
    assert sorted(by_two.sentences) == sorted(by_one.sentences), "each finding once"
    ended = re.findall(r"(?m)^part (\d/2) on \S+: succeeded; (\S+)$", by_two.out)
    assert sorted(part for part, _ in ended) == ["1/2", "2/2"]
    numbers = [
        int(re.findall(rf"part {part}: (\d+) captures read", Path(log).read_text("utf-8"))[0])
        for part, log in ended
    ]
    assert all(numbers), "each has read some"
    assert f"{sum(numbers)} captures read in " in by_two.out
    assert "by workers in 2 parts" in by_two.out
    assert "nothing changed against the old index" in by_two.out
    assert indexes_beside(desk.url) == ["public_old"]
    assert desk.server.run("show", "/".join(NAME)).code == 1, "it was removed"


class Shown(Report):
    """What a reindex shows of its progress."""

    def __init__(self) -> None:
        super().__init__()
        self.total, self.steps = 0, list[int]()

    def start(self, label: str, total: int | None = None) -> None:
        if label == "reading":
            self.total, self.steps = total or 0, []

    def advance(self, number: int = 1) -> None:
        self.steps.append(number)


def test_what_workers_have_read_is_shown_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, shown = desk.server.archive, Shown()

    def defer(parts: Sequence[str], look: Callable[[], None]) -> Iterator[Any]:
        for part in parts:
            read_part(archive, desk.url, part_of(part), 1, lambda: None)
            look()
            yield SimpleNamespace(ending=Ending.SUCCEEDED, exit_code=0)

    monkeypatch.setattr(reindex_parts, "_LOOK", 0.0)
    with IndexBuilder(desk.url, fingerprint(archive), in_parts=True) as builder:
        read_by_workers(builder, archive, Workers(2, defer), 1, shown)
    assert len(shown.steps) == 2
    assert all(step > 0 for step in shown.steps)
    assert sum(shown.steps) == shown.total


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes that a worker has started; each leads a process group."""
    command = ["ps", "-o", "pid=,pgid=", "--ppid", str(process.pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    pairs = [line.split() for line in found.stdout.splitlines()]
    return [int(pid) for pid, group in pairs if pid == group]


def are_divided(desk: Desk) -> bool:
    """Return whether the archive is divided among parts."""
    with suppress(Exception):  # the schema is not there yet
        return bool(asked(desk.url, "SELECT 1 FROM public_reindex.rebuild_outlets"))
    return False


@contextmanager
def held_up(desk: Desk) -> Iterator[None]:
    """Let no part write what is in the segment that was begun last until the end of the block."""
    with psycopg.connect(plain(desk.url)) as connection:
        connection.execute(
            "SELECT 1 FROM public_reindex.rebuild_segments WHERE name ="
            " (SELECT warc_file FROM public.captures ORDER BY id DESC LIMIT 1) FOR UPDATE"
        )
        yield
        connection.rollback()


def are_held_up(desk: Desk) -> bool:
    """Return whether both parts wait to write it, and have written the others."""
    query = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
    return asked(desk.url, query) == [(2,)]


@contextmanager
def begun(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """Start a reindex by workers; it is killed at the end of the block, if it runs until then."""
    process = desk.server.start(
        "reindex", "--workers", "2", stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_part_and_a_killed_coordinator_are_gone_on_with(desk: Desk) -> None:
    before = derived(desk)
    with worker(desk) as process:
        with begun(desk) as first:
            wait_for(lambda: are_divided(desk))
            outlets = asked(desk.url, "SELECT outlet, part FROM public_reindex.rebuild_outlets")
            assert {part for _, part in outlets} == {1, 2}
            assert len({outlet for outlet, _ in outlets}) == len(outlets) >= 3
            with held_up(desk):
                wait_for(lambda: are_held_up(desk))
                alone = desk.server.run("reindex")
                assert (alone.code, "Another reindex of" in alone.err) == (1, True)
                one, _ = children(process)
                os.kill(one, signal.SIGKILL)
                first.kill()
                first.communicate()
                alone = desk.server.run("reindex")
                assert (alone.code, "Workers are still reading parts" in alone.err) == (1, True)
        said = desk.server.run("reindex", "--workers", "2")
    assert (said.code, said.err) == (0, "")
    read = re.findall(r"the rest: (\d+) captures? read", said.out)
    assert 0 < int(read[0]) < len(before["captures"]), "what was read is not read again"
    assert "nothing changed against the old index" in said.out
    assert difference(before, derived(desk)) == []


def test_parts_are_taken_over_from_a_killed_worker_and_repeated_where_only_they_were(
    desk: Desk,
) -> None:
    before = derived(desk)
    with begun(desk) as coordinator, worker(desk, 1) as one, worker(desk, 1) as other:
        wait_for(lambda: are_divided(desk))
        with held_up(desk):
            wait_for(lambda: are_held_up(desk))
            parts = [*children(one), *children(other)]
            assert len(parts) == 2
            for process in (one.pid, *parts):
                os.kill(process, signal.SIGKILL)
        out, err = coordinator.communicate(timeout=300)
    assert coordinator.returncode == 0, (out, err)
    said = out.decode()
    ended = re.findall(r"(?m)^part (\d/2) on \S+: (\S+)", said)
    assert sorted(how for _, how in ended) == ["failed", "succeeded;", "succeeded;"], said
    assert difference(before, derived(desk)) == []
    endings = asked(desk.url, "SELECT ending FROM runs WHERE job LIKE 'reindex-%'")
    assert sorted(row[0] for row in endings) == ["crashed", "failed", "succeeded", "succeeded"]


def test_a_part_of_nothing_is_refused(desk: Desk, tmp_path: Path) -> None:
    said = desk.server.run("reindex", "--part", "1/2")
    assert (said.code, said.out) == (1, "")
    assert "There is no unfinished reindex of" in said.err
    assert "reindex --workers 2" in said.err
    for words in (("--part", "0/2"), ("--part", "3/2"), ("--workers", "2", "--part", "1/2")):
        assert desk.server.run("reindex", *words).code == 2
    with begun(desk):
        wait_for(lambda: are_divided(desk))
        shutil.copytree(desk.server.archive, tmp_path / "copy")
        other = dict(desk.server.settings) | {"ARCHIVE_URL": str(tmp_path / "copy")}
        said = Workspace(desk.folder, other).run("reindex", "--part", "1/2")
        assert (said.code, "is of another archive than" in said.err) == (1, True), said
        said = desk.server.run("reindex", "--part", "1/3")
        assert (said.code, "There is no unfinished reindex of" in said.err) == (1, True), said
    before = derived(desk)
    said = desk.server.run("reindex")
    assert (said.code, said.err) == (0, ""), "parts that nobody reads are read by itself"
    assert difference(before, derived(desk)) == []


def test_parts_by_workers_need_a_database(tmp_path: Path) -> None:
    for words, sentence in (
        (("--workers", "2"), "--workers needs workers, and so an index in PostgreSQL"),
        (("--part", "1/2"), "--part is of a worker, and so an index in PostgreSQL"),
    ):
        said = Workspace(tmp_path, {"INDEX_URL": f"sqlite:///{tmp_path}/i"}).run("reindex", *words)
        assert (said.code, sentence in said.err) == (2, True), said


def test_a_dry_run_by_workers_says_what_one_process_says(desk: Desk) -> None:
    for statement in (
        "UPDATE captures SET outcome = 'unparsed', reason = 'no_body'"
        " WHERE outcome = 'new' AND outlet = 'etoday'",
        "UPDATE revisions SET headline = ''",
        "UPDATE revisions SET published_at = NULL, tags = '[\"a\"]' WHERE article % 3 = 1",
    ):
        asked(desk.url, statement)
    damage(desk)
    options = ("reindex", "--dry-run", "--since=2020-01-01", "--json")
    by_one = desk.server.run(*options)
    assert by_one.code == 1, "a record is damaged"
    with worker(desk):
        by_two = desk.server.run(*options, "--workers", "2")
    assert by_two.code == 1, by_two
    assert re.findall(r"(?m)^part (\d/2) on \S+: (?:succeeded|failed \(exit 1\))", by_two.err)
    one, two = json.loads(by_one.out), json.loads(by_two.out)
    assert one["captures"] > 10
    assert one["outcomes"]
    assert one["fields"]
    assert sums(one) == sums(two)
    for words in (("--limit", "3"), ("--part", "1/2")):
        assert desk.server.run(*options, "--workers", "2", *words).code == 2
    said = desk.server.run(*options, "--part", "1/2", "--of", "nobody")
    assert (said.code, "nobody waits for this part" in said.err) == (1, True), said


def sums(found: dict[str, Any]) -> dict[str, Any]:
    """Return a dry run without examples, which are those of any part, and its findings in an order."""
    kept: dict[str, Any] = dict(found)
    for kind in ("outcomes", "fields"):
        kept[kind] = [{k: v for k, v in one.items() if k != "examples"} for one in found[kind]]
    kept["findings"] = sorted(found["findings"], key=str)
    return kept
