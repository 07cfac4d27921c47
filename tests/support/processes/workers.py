"""A scheduler and workers as their users start them, on PostgreSQL, over outlets that share hosts."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from tests.support.crawling.crawls import HASTE
from tests.support.databases.postgres import new_database
from tests.support.processes.cli import ROOT, CommandResult, Workspace
from tests.support.processes.schedules import wait_over_midnight
from tests.support.sites.shared_hosts import MODULES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.sites.shared_hosts import SharedHosts


@dataclass
class Fleet:
    """An archive in a folder, an index in PostgreSQL, a jobs file, and the outlets of its jobs.

    ``archive`` and ``url`` name other ones; ``env`` is what its processes see besides.
    """

    folder: Path
    site: SharedHosts
    settings: Mapping[str, str] = field(default_factory=dict)
    url: str = field(default_factory=new_database)
    archive: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wait_over_midnight()
        places = self.site.write_outlets(self.folder)
        led = {
            f"{host}:{port}": f"{ip}:{real}"
            for (host, port), (ip, real) in self.site.endpoints().items()
        }
        own = {
            "INDEX_URL": self.url,
            "ARCHIVE_URL": self.archive or str(self.folder / "archive"),
            "CONTACT": "desk@example.org",
            "JOBS_FILE": str(self.folder / "jobs.toml"),
            "LOG_FOLDER": str(self.folder / "log"),
            "PYTHONPATH": f"{ROOT}:{places}",
            "SACHO_HOME": str(self.folder),
        }
        self.workspace = Workspace(self.folder, own | dict(self.env))
        every = {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(led), "OUTLET_MODULES": MODULES}
        every |= HASTE | dict(self.settings)
        self.options = [word for pair in every.items() for word in ("-s", "=".join(pair))]

    def jobs(self, *tables: str) -> None:
        """Write the jobs file: a table's lines for each job."""
        new = self.folder / "jobs.new"
        new.write_text("".join(f"[[job]]\n{table}\n" for table in tables))
        new.replace(self.folder / "jobs.toml")

    def crawl_every(self, interval: str) -> None:
        """Write the jobs file: a crawl of each outlet."""
        self.jobs(*(f'outlet = "{name}"\nevery = "{interval}"' for name in self.site.feeds))

    def run(self, *args: str) -> CommandResult:
        """Run a verb to its end."""
        return self.workspace.run(*args, *self.options)

    @contextmanager
    def started(self, *args: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a verb until the end of the block; what it says goes to a file."""
        process = self.start(*args)
        try:
            yield process
        finally:
            end(process)

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a verb and leave it running; what it says goes to a file."""
        with (self.folder / f"{args[0]}.said").open("ab") as said:
            return self.workspace.start(
                *args, *self.options, stdout=said, stderr=said, process_group=0
            )

    def said(self, verb: str) -> str:
        """Return what all runs of a verb have said."""
        return (self.folder / f"{verb}.said").read_text("utf-8", "replace")

    def status(self) -> dict[str, Any]:
        """Return what ``status --json`` says."""
        found: dict[str, Any] = json.loads(self.run("status", "--json").out)
        return found

    def change(self, statement: str) -> None:
        """Change rows in the index's database."""
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of a query of the index's database."""
        return rows_of(self.url, statement)

    def runs(self, verb: str = "crawl") -> list[dict[str, Any]]:
        """Return the runs of a verb, as they began."""
        ordered = f"SELECT * FROM runs WHERE verb = '{verb}' ORDER BY started_at, id"
        return self.rows(ordered)


def rows_of(url: str, statement: str) -> list[dict[str, Any]]:
    """Return the rows of a query of an index's database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(text(statement)).mappings()]
    engine.dispose()
    return found


def end(process: subprocess.Popen[bytes], patience: float = 120) -> int:
    """Ask a process to end, and wait for that; return its exit code."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    return process.wait(patience)
