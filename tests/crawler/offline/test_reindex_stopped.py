"""A reindex killed, interrupted, locked out or overtaken by others: no index is lost, and the same command ends it."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from archive.index.database import Index, IndexUnusableError
from archive.index.schema import captures
from archive.index.sqlite import database as index
from archive.reindex.builder import IndexBuilder
from archive.reindex.replacement import swap
from archive.reindex.spans import END, Segment, Span
from archive.segments.store import FolderStore
from archive.segments.writer import SegmentWriter
from crawler.offline import reindex, segment_reading, workers
from tests.support.archives.captures import exchange
from tests.support.archives.reindex import of_the_seeds, reindexed, without_the_run
from tests.support.databases.index_comparison import difference, tables_of
from tests.support.databases.postgres import ON_POSTGRES, url_of
from tests.support.documents import SEEDS
from tests.support.processes.cli import ROOT, CommandResult, Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return of_the_seeds(tmp_path)


def test_what_readers_are_forked_from_does_not_hear_ctrl_c() -> None:
    """It would print a traceback beside the one line, while it loads our modules."""
    with workers._pool(1) as pool:
        blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


#: Run within the process: small spans, and what happens at the n-th call of a function.
PATCHED = """
import os, signal, sys
from archive.reindex import builder, spans
from crawler.offline import reindex
from crawler.extraction.judge import read_capture
from scrapy.cmdline import execute

spans.STEP = 4_000
name, number, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
place = builder.IndexBuilder if name in ("write", "finish") else reindex
whole = getattr(place, name)
calls = 0

def patched(*args, **kwargs):
    global calls
    calls += 1
    result = whole(*args, **kwargs)
    if calls == number:
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt
    return result

setattr(place, name, patched)
execute(["scrapy", "reindex", "--processes", "2"])
"""


def stopped_at(workspace: Workspace, name: str, number: int, how: str) -> CommandResult:
    """A reindex that is killed, or interrupted, behind the n-th call of one of its steps."""
    command = [sys.executable, "-c", PATCHED, name, str(number), how]
    # That the pipes end within the time shows that the reading processes have ended, too.
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=workspace.environment(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("step", "number"),
    [("write", 1), ("write", 3), ("carry_over", 1), ("finish", 1), ("swap_in", 1)],
)
def test_killed_at_any_step_the_same_command_completes_it(
    workspace: Workspace, step: str, number: int
) -> None:
    before = tables_of(workspace.index)
    assert stopped_at(workspace, step, number, "kill").code == -signal.SIGKILL
    changed = without_the_run(tables_of(workspace.index))
    assert difference(before, changed) == []
    said = reindexed(workspace)
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(tables_of(workspace.index))) == []
    assert ("the rest: " in said.out) == (step != "swap_in"), "what was read is not read again"


def test_ctrl_c_ends_it_cleanly_and_it_goes_on(workspace: Workspace) -> None:
    before = tables_of(workspace.index)
    said = stopped_at(workspace, "write", 2, "stop")
    assert said.code == 1
    assert said.sentences == [
        "scrapy reindex: Stopped. Everything reported is kept; run the same command to continue."
    ]
    assert tables_of(workspace.index) == before
    assert "the rest: " in reindexed(workspace).out
    assert difference(before, without_the_run(tables_of(workspace.index))) == []


def test_another_archive_or_other_code_starts_from_the_beginning(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables_of(workspace.index)
    stopped_at(workspace, "write", 1, "kill")
    monkeypatch.setattr(segment_reading, "_PACKAGES", ("archive",))
    assert "the rest: " not in workspace.call("reindex").out
    assert difference(before, without_the_run(tables_of(workspace.index))) == []


def test_it_does_not_start_while_another_process_writes(workspace: Workspace) -> None:
    before = tables_of(workspace.index)
    with SegmentWriter(workspace.archive) as segments:
        segments.write(exchange("https://www.etoday.co.kr/", b"<p>"))
        said = workspace.call("reindex")
        assert said.code == 1
        assert "is being written, by a crawl or a replay" in said.err
    assert tables_of(workspace.index) == before
    assert {path.name for path in workspace.folder.iterdir()} <= {"archive", "index.sqlite3"}


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_an_index_in_use_is_not_replaced_and_nothing_is_read_twice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables_of(workspace.index)
    monkeypatch.setattr(reindex, "exclusive", partial(swap.exclusive, wait=0.0))
    with Index(workspace.index_url) as reader:
        said = workspace.call("reindex")
        assert said.code == 1
        assert "has it open" in said.err or "open (a crawl, or a search)" in said.err
        with reader.reading() as connection:
            assert connection.scalar(select(func.count()).select_from(captures)) == len(
                before["captures"]
            )
    assert tables_of(workspace.index) == before
    assert "the rest: 0 captures" in workspace.call("reindex").out
    assert difference(before, without_the_run(tables_of(workspace.index))) == []


def test_one_at_a_time(workspace: Workspace) -> None:
    with IndexBuilder(workspace.index_url, "another's"):
        said = workspace.call("reindex")
    assert said.code == 1
    assert "Another reindex" in said.err


@pytest.mark.sqlite_only(reason="of a server's disk nothing is known")
def test_a_full_disk_leaves_the_old_index_as_it_was(workspace: Workspace) -> None:
    before = tables_of(workspace.index)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (150_000, 150_000))
    process = workspace.start(
        "reindex", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limit
    )
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Traceback" not in err.decode()
    assert "run the same command again" in err.decode()
    assert tables_of(workspace.index) == before
    assert reindexed(workspace).code == 0
    assert difference(before, without_the_run(tables_of(workspace.index))) == []


def test_what_a_crawl_adds_meanwhile_is_read_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A replay that begins and ends while the archive is read; its segment is there, empty, at the first look."""
    page = tmp_path / "late.html"
    shutil.copy(SEEDS / "etoday" / "own-mobile.html", page)
    facts = {
        "url": "https://www.etoday.co.kr/news/view/555",
        "captured_at": "2026-11-01T00:00:00+00:00",
    }
    (tmp_path / "late.json").write_text(json.dumps(facts))
    whole, calls = reindex._read_segments, list[Any]()

    def reading(*args: Any) -> None:
        whole(*args)
        if not calls:
            known = set(workspace.archive.glob("*.warc.gz*"))
            assert workspace.call("replay", page).code == 0
            (late,) = set(workspace.archive.glob("*.warc.gz*")) - known
            segment = Segment(FolderStore(late.parent), late.name, 0)
            args[0].write(Span(segment, 0, END), END, [], [])
        calls.append(args)

    monkeypatch.setattr(reindex, "_read_segments", reading)
    said = workspace.call("reindex")
    assert said.code == 0, said
    assert len(calls) == 2
    assert "555" in {row["article_id"] for row in workspace.rows("articles")}
    if not ON_POSTGRES:
        old = tables_of(workspace.index.with_name("index.sqlite3.old"))
        assert difference(old, without_the_run(tables_of(workspace.index))) == []


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_a_process_that_opens_it_during_the_swap_gets_the_new_index(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, fresh = workspace.index_url, workspace.folder / "fresh"
    with swap.exclusive(url) as old:
        assert old is not None
        with pytest.raises(IndexUnusableError, match="has"), swap.exclusive(url, wait=0.0):
            pass
    Index(url_of(fresh)).close()
    looks: list[str] = []
    real = index._inode

    def look(which: str) -> int:
        looks.append(which)
        if len(looks) == 2:
            swap.swap_in(f"sqlite:///{fresh}", url, None)
        return real(which)

    monkeypatch.setattr(index, "_inode", look)
    with Index(url) as opened, opened.reading() as connection:
        assert len(looks) > 2
        assert connection.scalar(select(func.count()).select_from(captures)) == 0
