"""Each verb, measured on an index as its user runs it: a process of its own, start-up included."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench import pages
from bench.growth.measures import EITHER, Measure, ended
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.processes.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from tests.support.processes.cli import Workspace

#: The outlet that is crawled and shown.
OUTLET = "etoday"
#: New articles that a round of a crawl finds.
NEW = 60
#: Pages of the largest archive that is reindexed.
REINDEXED = 5000
_OK = frozenset({0})

#: Dies as a crawl does that is killed: the segment is left open, its records are on the disk.
_LEAVES_OPEN = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from archive.model.exchange import Exchange
from archive.segments.writer import SegmentWriter
from bench import pages
out = SegmentWriter(Path(sys.argv[1]))
for number in range(50):
    url, html = pages.page(int(sys.argv[2]) + number)
    head = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html; charset=utf-8\\r\\n\\r\\n"
    out.write(Exchange(url, datetime.now(UTC), html.encode(), head))
out.sync()
os._exit(9)
"""


@dataclass
class Verbs:
    """Measures of the verbs on one archive and index of so many articles."""

    workspace: Workspace
    count: int
    scratch: Path
    repeats: int
    found: dict[str, Measure] = field(default_factory=dict)

    def measure(self, names: Collection[str], report: Callable[[str, Measure], None]) -> None:
        """Measure these of `GROUPS`, in their order; ``report`` each as soon as it is known."""
        for name, group in GROUPS.items():
            if name in names:
                for measured, taken in group(self):
                    self.found[measured] = taken
                    report(measured, taken)

    def _start(self) -> Iterator[tuple[str, Measure]]:
        yield "start-up (list)", self._verb("list")

    def _open(self) -> Iterator[tuple[str, Measure]]:
        yield "open the index", self._asked("open")

    def _search(self) -> Iterator[tuple[str, Measure]]:
        yield "search, newest first", self._asked("newest")
        yield "search, newest first, JSON", self._asked("judged")
        yield "search, best first", self._asked("best")
        yield "search 대통령, the command", self._verb("search", "대통령")

    def _show(self) -> Iterator[tuple[str, Measure]]:
        yield "show", self._verb("show")
        yield f"show {OUTLET}", self._verb("show", OUTLET)
        yield "show OUTLET/ID", self._verb("show", f"{OUTLET}/{self._some_article()}")
        yield "show --limit all", self._verb("show", "--limit", str(self.count), repeats=1)

    def _status(self) -> Iterator[tuple[str, Measure]]:
        yield "status", self._verb("status", accept=EITHER)

    def _verify(self) -> Iterator[tuple[str, Measure]]:
        yield "verify --sample 1", self._verb("verify", "--sample", "1", accept=EITHER)

    def _verb(
        self, *args: str, repeats: int = 0, accept: frozenset[int] = _OK, items: int = 0
    ) -> Measure:
        return self._command([*args], self.workspace.environment(), repeats, accept, items)

    def _command(
        self,
        args: list[str],
        environment: Mapping[str, str],
        repeats: int = 0,
        accept: frozenset[int] = _OK,
        items: int = 0,
    ) -> Measure:
        taken = Measure(items=items)
        for _ in range(repeats or self.repeats):
            command = [sys.executable, "-m", "scrapy", *args]
            one = ended(command, environment, self.scratch, accept)
            taken.seconds.append(one.seconds)
            taken.cpu, taken.memory = one.cpu, max(taken.memory, one.memory)
        return taken

    def _asked(self, kind: str) -> Measure:
        """Measure what is asked of an index that stays open."""
        url = self.workspace.environment()["INDEX_URL"]
        command = [sys.executable, "-m", "bench.growth.queries", url, kind]
        command += ["--repeats", str(self.repeats)]
        one = ended(command, self.workspace.environment(), self.scratch, _OK)
        told = json.loads(one.out)
        return Measure(told["seconds"], memory=told["memory"])

    def _some_article(self) -> str:
        return self._scalar(
            f"SELECT article_id FROM articles WHERE outlet = '{OUTLET}' ORDER BY id DESC LIMIT 1"
        )

    def _export(self) -> Iterator[tuple[str, Measure]]:
        for ending in ("jsonl", "csv"):
            file = self.scratch / f"export.{ending}"
            repeats = min(self.repeats, 3 if self.count <= 100_000 else 1)
            yield (
                f"export .{ending}",
                self._verb("export", str(file), repeats=repeats, items=self.count),
            )
            file.unlink()

    def _schedule(self) -> Iterator[tuple[str, Measure]]:
        schedule = Schedule(self.scratch)
        schedule.jobs('name = "never"\ncommand = "recover"\ncron = "0 3 29 2 *"')
        self._command(schedule.command("--once"), self.workspace.environment(), 1)
        idle = self._command(schedule.command("--once"), self.workspace.environment())
        yield "schedule --once, idle", idle

    def _crawl(self) -> Iterator[tuple[str, Measure]]:
        with site_of_today(OUTLET, NEW) as site:
            crawls = Crawls.into(self.workspace.folder, site)
            environment = crawls.workspace.environment()
            round_of_new = self._command(crawls.command(), environment, 1, EITHER, NEW)
            yield f"crawl, {NEW} new articles", round_of_new
            yield "crawl, nothing new", self._command(crawls.command(), environment, 0, EITHER)

    def _recover(self) -> Iterator[tuple[str, Measure]]:
        command = [sys.executable, "-c", _LEAVES_OPEN, str(self.workspace.archive), "9000000"]
        subprocess.run(command, env=self.workspace.environment(), check=False)
        taken = self._verb("recover", repeats=1, accept=EITHER)
        yield "recover a crashed crawl", taken

    def _backup(self) -> Iterator[tuple[str, Measure]]:
        folder = self.scratch / "backup"
        # Status 1: the records of the made-up articles do not exist.
        yield "backup, the first", self._verb("backup", str(folder), repeats=1, accept=EITHER)
        again = self._verb("backup", str(folder), repeats=min(self.repeats, 2), accept=EITHER)
        shutil.rmtree(folder)
        yield "backup again", again

    def _remove(self) -> Iterator[tuple[str, Measure]]:
        where = (
            "SELECT a.outlet || '/' || a.article_id FROM articles a JOIN revisions r ON r.article"
        )
        segments = ", ".join(f"'{path.name}'" for path in self.workspace.archive.glob("*.warc.gz"))
        article = self._scalar(
            f"{where} = a.id JOIN captures c ON c.id = r.capture_id "
            f"WHERE c.warc_file IN ({segments}) LIMIT 1"
        )
        removal = ("remove", article, "--reason", "bench", "--yes")
        yield "remove one article", self._verb(*removal, repeats=1)

    def _reindex(self) -> Iterator[tuple[str, Measure]]:
        """Rebuild an index of real records, as many as there are articles, up to a number."""
        count = min(self.count, REINDEXED)
        warc = self.scratch / "pages.warc.gz"
        with warc.open("wb") as out:
            pages.write(out, count)
        environment = self.workspace.environment() | {
            "ARCHIVE_URL": str(self.scratch / "archive"),
            "INDEX_URL": f"sqlite:///{self.scratch / 'index.sqlite3'}",
        }
        self._command(["replay", str(warc)], environment, 1)
        warc.unlink()
        for processes in (1, 2):
            args = ["reindex", "--processes", str(processes)]
            taken = self._command(args, environment, min(self.repeats, 3), items=count)
            if processes > 1:
                taken.cpu = 0  # that of the reading processes is not known
            taken.note = f"an archive of {count:,} pages"
            yield f"reindex, {processes} process{'es' if processes > 1 else ''}", taken

    def _scalar(self, query: str) -> str:
        with closing(sqlite3.connect(self.workspace.index)) as connection:
            (value,) = connection.execute(query).fetchone()
        return str(value)


#: What can be measured, in this order: what only reads comes first.
GROUPS: dict[str, Callable[[Verbs], Iterator[tuple[str, Measure]]]] = {
    "start": Verbs._start,
    "open": Verbs._open,
    "search": Verbs._search,
    "show": Verbs._show,
    "status": Verbs._status,
    "export": Verbs._export,
    "schedule": Verbs._schedule,
    "verify": Verbs._verify,
    "crawl": Verbs._crawl,
    "recover": Verbs._recover,
    "backup": Verbs._backup,
    "remove": Verbs._remove,
    "reindex": Verbs._reindex,
}
#: Those that change nothing.
READING = frozenset({"start", "open", "search", "show", "status", "export", "backup"})


def usual_repeats(count: int) -> int:
    """Return how often what reads is repeated: less often where it takes long."""
    if count <= 10_000:
        return 7
    return 5 if count <= 100_000 else 3
