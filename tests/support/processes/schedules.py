"""Schedulers as their users start them, over mock sites of several outlets, and what is asked of the history afterwards."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from archive.model.article import KST
from tests.support.crawling.crawls import HASTE, Crawls
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tests.support.mock_site.server import MockSite
    from tests.support.processes.cli import CommandResult

#: Marks a test of a scheduler that runs its jobs itself.
by_the_scheduler = pytest.mark.sqlite_only(
    reason="on PostgreSQL workers run the jobs; tests/crawler/jobs/queue is of them"
)
#: Before midnight in Seoul no test begins whose jobs are due daily: it would see two moments of each.
_BEFORE_MIDNIGHT = timedelta(minutes=3)
#: Seconds within which a scheduler has to say what is waited for.
PATIENCE = 180


@dataclass(frozen=True)
class Schedule:
    """One archive and index, a jobs file, and the mock sites that its jobs crawl."""

    folder: Path
    sites: Sequence[MockSite] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wait_over_midnight()

    @property
    def workspace(self) -> Workspace:
        """The folder's verbs, each mock site's certificates trusted."""
        trusted = self.folder / "trusted.pem"
        if not trusted.exists():  # a run may be reading it
            trusted.write_text("".join(site.ca_file.read_text() for site in self.sites))
        return Workspace(
            self.folder, {"SSL_CERT_FILE": str(trusted), "CONTACT": "desk@example.org"}
        )

    @property
    def crawls(self) -> list[Crawls]:
        """What is asked of each mock site's crawls."""
        return [Crawls(site, self.workspace) for site in self.sites]

    @property
    def jobs_file(self) -> Path:
        return self.folder / "jobs.toml"

    def jobs(self, *tables: str) -> None:
        """Write the jobs file: a table's lines for each job."""
        new = self.folder / "jobs.new"
        new.write_text("".join(f"[[job]]\n{table}\n" for table in tables))
        new.replace(self.jobs_file)

    def command(self, *args: str, **settings: str) -> list[str]:
        """What comes after ``scrapy``."""
        places: dict[str, str] = {}
        for site in self.sites:
            places |= {
                f"{host}:{port}": f"{ip}:{real}"
                for (host, port), (ip, real) in site.endpoints().items()
            }
        own = {"JOBS_FILE": str(self.jobs_file), "LOG_FOLDER": str(self.folder / "log")}
        led = {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(places)}
        every = own | led | HASTE | dict(self.settings) | settings
        return ["schedule", *args, *(x for pair in every.items() for x in ("-s", "=".join(pair)))]

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, **settings: str
    ) -> CommandResult:
        """Run the scheduler to its end: with ``--once`` or ``--list``."""
        return self.workspace.run(*self.command(*args, **settings), env=env)

    def start(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
        said: Any = subprocess.PIPE,
        **settings: str,
    ) -> subprocess.Popen[bytes]:
        """Start one and leave it running; what it says goes to a pipe, or to ``said``."""
        command = self.command(*args, **settings)
        return self.workspace.start(
            *command, env=env, under=under, stdout=said, stderr=said, process_group=0
        )

    def runs(self, job: str = "") -> list[dict[str, Any]]:
        """The history, as it began; of one job, if it is named. JSON columns as values."""
        if not self.workspace.has_index:
            return []
        rows = sorted(
            self.workspace.rows("runs"),
            key=lambda row: (row["due_at"] or "", row["attempt"], row["started_at"]),
        )
        for row in rows:
            row["counts"], row["arguments"] = (
                json.loads(row["counts"]),
                json.loads(row["arguments"]),
            )
        return [row for row in rows if not job or row["job"] == job]

    def endings(self, job: str = "") -> list[str]:
        """How its runs ended."""
        return [row["ending"] for row in self.runs(job)]


def wait_for_output(process: subprocess.Popen[bytes], *words: str) -> str:
    """Read what a process says until a line holds all words; the line. One that never says it is killed."""
    assert process.stderr is not None
    result: list[str] = []
    impatience = threading.Timer(PATIENCE, process.kill)
    impatience.start()
    try:
        for raw in process.stderr:
            result.append(raw.decode("utf-8", "replace"))
            if all(word in result[-1] for word in words):
                return result[-1]
    finally:
        impatience.cancel()
    raise AssertionError(f"it ended without saying {words}: {result}")


def overlaps(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, Any]]:
    """Pairs of runs of one outlet of which one began before the other had ended."""
    spans = sorted(
        (row["outlet"], _time(row["started_at"]), _time(row["ended_at"]), row["id"]) for row in rows
    )
    return [
        (one[3], other[3])
        for one, other in pairwise(spans)
        if one[0] == other[0] and other[1] < one[2]
    ]


def done_once(rows: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """How often each moment of each job was done."""
    return Counter((row["job"], row["due_at"]) for row in rows if row["ending"] == "succeeded")


def wait_for(what: Callable[[], object], patience: float = PATIENCE) -> float:
    """Look until it is so: at the clock, or at what another process does; how many seconds it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() < began + patience, "it never came"
        time.sleep(0.05)
    return time.monotonic() - began


def wait_over_midnight() -> None:
    """Wait for midnight in Seoul, if it is near."""
    day = datetime.now(KST).date()
    if (datetime.now(KST) + _BEFORE_MIDNIGHT).date() != day:
        wait_for(lambda: datetime.now(KST).date() != day, 2 * _BEFORE_MIDNIGHT.total_seconds())


def _time(text: str | None) -> datetime:
    return (
        datetime.fromisoformat(text).replace(tzinfo=UTC)
        if text
        else datetime.max.replace(tzinfo=UTC)
    )
