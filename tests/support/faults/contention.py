"""Many processes on one archive and index at once: writers, readers, and one that will not let go of the lock."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from archive.index.address import is_postgres_url
from bench.pages import captured, page
from tests.support.crawling.crawls import Crawls
from tests.support.databases.postgres import let_stand_for
from tests.support.faults.fork_server import PATIENCE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier, Event
    from pathlib import Path

    from tests.support.mock_site.server import MockSite


@dataclass(slots=True)
class ContentionResult:
    """What came of it: verbs run, the longest wait of each kind, and what must not be."""

    replays: int = 0
    reads: int = 0
    articles: int = 0
    lost: int = 0
    twice: int = 0
    locked: int = 0
    held: float = 0.0
    longest_read: float = 0.0
    longest_write: float = 0.0
    complaints: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nobody was turned away and nothing is missing."""
        return not (self.lost or self.twice or self.locked or self.complaints)


def saved_pages(folder: Path, folders: int, each: int) -> list[Path]:
    """Folders of pages as large as real ones, no two alike."""
    made = [folder / f"pages-{number}" for number in range(folders)]
    for number, place in enumerate(made):
        place.mkdir()
        for n in range(number * each, number * each + each):
            url, html = page(n)
            (place / f"{n}.html").write_text(html, "utf-8")
            (place / f"{n}.json").write_text(
                json.dumps({"url": url, "captured_at": captured(n).isoformat()}), "utf-8"
            )
    return made


def run_concurrently(
    folder: Path, pages: list[Path], *, writers: int = 4, readers: int = 8, hold: float = 20.0
) -> ContentionResult:
    """Replay the pages from so many processes at once, each its share, while others read and one holds the lock.

    The writers begin when the lock is held, on an index that is there; the readers read until the
    last one is done. ``pages`` are folders of saved pages.
    """
    workspace = Workspace(folder)
    first, *rest = pages
    assert workspace.call("replay", first).code == 0
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "tests.support.faults.contention",
            "crawler.commands.upkeep.replay",
            "crawler.commands.reading.export",
        ]
    )
    held, done, told = context.Event(), context.Event(), context.Queue()
    together = context.Barrier(writers + 1)
    holder = context.Process(target=_hold, args=(workspace.index_url, hold, held, together))
    holder.start()
    assert held.wait(PATIENCE)
    url = workspace.index_url
    shares = [rest[number::writers] for number in range(writers)]
    those = [
        context.Process(target=_write, args=(folder, url, share, told, together))
        for share in shares
    ]
    others = [
        context.Process(target=_read, args=(folder, url, number, done, told))
        for number in range(readers)
    ]
    for process in (*those, *others):
        process.start()
    contention = ContentionResult(held=hold)
    living = writers + readers
    writing = writers
    while living:
        kind, seconds, code, words = told.get(timeout=hold + 120)
        if kind == "end":
            living -= 1
            writing -= words == "writer"
            if not writing:
                done.set()
        else:
            _count(contention, kind, seconds, code, words)
    for process in (*those, *others, holder):
        process.join(PATIENCE)
        if process.exitcode:
            contention.complaints.append(f"a process ended with {process.exitcode}")
    _compare(contention, workspace, folder, pages)
    return contention


def _count(contention: ContentionResult, kind: str, seconds: float, code: int, words: str) -> None:
    contention.locked += "locked" in words or "another process has been writing" in words
    if code or "Traceback" in words:
        contention.complaints.append(f"{kind}: {code}: {words[-1000:]}")
    if kind == "replay":
        contention.replays += 1
        contention.longest_write = max(contention.longest_write, round(seconds, 2))
    else:
        contention.reads += 1
        contention.longest_read = max(contention.longest_read, round(seconds, 2))


def _compare(
    contention: ContentionResult, workspace: Workspace, folder: Path, pages: list[Path]
) -> None:
    """Hold what the commands left against one process that had it all to itself."""
    alone = Workspace(folder / "alone")
    alone.folder.mkdir()
    assert alone.call("replay", *pages).code == 0
    verified = workspace.call("verify")
    if verified.code:
        contention.complaints.append(f"scrapy verify: {verified.out[-2000:]}{verified.err[-1000:]}")
    ours, theirs = (Crawls(cast("MockSite", None), each) for each in (workspace, alone))
    ours.check_captures()
    told, expected = _counted(ours), _counted(theirs)
    contention.articles = len(expected)
    contention.lost, contention.twice = (expected - told).total(), (told - expected).total()
    if ours.revisions() != theirs.revisions():
        contention.complaints.append("revisions differ")
    shutil.rmtree(alone.folder)


def _counted(crawls: Crawls) -> Counter[tuple[Any, ...]]:
    return Counter(
        (row["url"], row["payload_digest"], row["outcome"])
        for row in crawls.workspace.rows("captures")
    )


def _hold(url: str, seconds: float, held: Event, together: Barrier) -> None:
    """Hold the lock from before the writers begin until so long after: however slow they start, they meet it.

    PostgreSQL has none of all writers: there it is the lock of a table that each of them writes.
    """
    statement = "BEGIN IMMEDIATE"
    if is_postgres_url(url):
        statement = "BEGIN; LOCK TABLE captures IN EXCLUSIVE MODE"
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
        held.set()
        together.wait(PATIENCE)
        sleep(seconds)  # this is the fault, and nobody waits for it by a clock
        connection.exec_driver_sql("ROLLBACK")


def _write(folder: Path, url: str, share: list[Path], told: Any, together: Barrier) -> None:
    workspace = _shared(folder, url)
    together.wait(PATIENCE)
    for pages in share:
        _run(workspace, "replay", ("replay", pages), told)
    told.put(("end", 0.0, 0, "writer"))


def _read(folder: Path, url: str, number: int, done: Event, told: Any) -> None:
    workspace = _shared(folder, url)
    kinds = (("show",), ("search", "기자"), ("export", folder / f"export-{number}.jsonl"))
    turn = number
    while not done.is_set():
        _run(workspace, "read", kinds[turn % len(kinds)], told)
        turn += 1
    told.put(("end", 0.0, 0, "reader"))


def _shared(folder: Path, url: str) -> Workspace:
    """Return the workspace whose index another process has made."""
    workspace = Workspace(folder)
    let_stand_for(workspace.index, url)
    return workspace


def _run(workspace: Workspace, kind: str, arguments: tuple[str | Path, ...], told: Any) -> None:
    began = monotonic()
    result = workspace.call(*arguments)
    told.put((kind, monotonic() - began, result.code, result.err))
