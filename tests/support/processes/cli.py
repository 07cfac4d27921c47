"""The command line as its users start it: a real process, an archive and an index in a folder of the test's."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.cmdline import execute
from scrapy.settings import Settings

from archive.index.database import file_url
from tests.support.databases.index_rows import ask
from tests.support.databases.postgres import ON_POSTGRES, url_of
from tests.support.processes import forked_verbs
from tests.support.processes.forked_verbs import set_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[3]
#: Seconds after which a verb hangs that should end.
_PATIENCE = 120

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes what it runs in the background deaf to Ctrl-C, and so all that the tests start
    # from there.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a verb said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def sentences(self) -> list[str]:
        """The lines of stderr."""
        return [line for line in self.err.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Workspace:
    """One folder with an archive and an index, and verbs, run in a checkout, that work on them."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    checkout: Path = ROOT

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def index(self) -> Path:
        return self.folder / "index.sqlite3"

    @property
    def index_url(self) -> str:
        """The index's address: its file, or the database that stands for it."""
        return url_of(self.index)

    @property
    def has_index(self) -> bool:
        """Whether there is an index; in PostgreSQL one is made when it is asked for."""
        return ON_POSTGRES or self.index.exists()

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the process sees: this tree's code, this folder's archive, no colours asked for."""
        kept = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")
        }
        own = {
            "ARCHIVE_URL": str(self.archive),
            "INDEX_URL": self.index_url,
            "PYTHONPATH": str(ROOT),
        }
        return kept | own | dict(self.settings) | dict(more or {})

    def start(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
        **how: Any,
    ) -> subprocess.Popen[bytes]:
        """Start a verb and leave it running; ``under`` is a command that runs it, as `env` would.

        ``how`` are arguments of `subprocess.Popen`, and ``limits``: what it is allowed of a
        resource (RLIMIT_…).
        """
        environment = self.environment(env)
        if (
            not under
            and how.keys() <= forked_verbs.OPTIONS
            and forked_verbs.can_fork(environment, self.checkout)
        ):
            return forked_verbs.ForkedVerb([*map(str, args)], env=environment, **how)
        if "limits" in how:
            how["preexec_fn"] = partial(set_limits, how.pop("limits"))
        command = [*under, sys.executable, "-m", "scrapy", *map(str, args)]
        return subprocess.Popen(command, cwd=self.checkout, env=environment, **how)

    def run(self, *args: str | Path, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run a verb to its end, in a process of its own."""
        environment = self.environment(env)
        if forked_verbs.can_fork(environment, self.checkout):
            code, out, err = forked_verbs.run([*map(str, args)], environment, _PATIENCE)
        else:
            process = self.start(*args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = process.communicate(timeout=_PATIENCE)
            code = process.returncode
        return CommandResult(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def call(self, *args: str | Path) -> CommandResult:
        """Run a verb within this process: its exit status and what it prints, without the process's own second."""
        forked_verbs.remember_entry_points()
        settings = Settings()
        settings.setmodule("crawler.settings")
        settings.setdict({"ARCHIVE_URL": str(self.archive), "INDEX_URL": self.index_url}, "cmdline")
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            try:
                execute(["scrapy", *map(str, args)], settings)
            except SystemExit as end:
                code = end.code
        result = (stream.buffer.getvalue().decode("utf-8") for stream in (out, err))  # type: ignore[attr-defined]
        return CommandResult(int(code or 0), *result)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """A table's rows as they lie in the index."""
        # SQLite reads them by their ids; PostgreSQL as they lie, which a change moves.
        order = "ORDER BY 1" if ON_POSTGRES else ""
        return ask(self.index_url, f"SELECT * FROM {table} {order}")

    def export(self) -> list[dict[str, Any]]:
        """All articles as the export gives them."""
        path = self.folder / "export.jsonl"
        result = self.call("export", path)
        assert result.code == 0, result.err
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def kept_bytes(self) -> dict[str, bytes]:
        """Every file of the archive."""
        return {path.name: path.read_bytes() for path in sorted(self.archive.glob("*"))}


class FileWorkspace(Workspace):
    """One whose index is in a file, wherever those of the other tests are."""

    __slots__ = ()

    @property
    def index_url(self) -> str:
        return file_url(self.index)

    @property
    def has_index(self) -> bool:
        return self.index.exists()


def summary(said: CommandResult) -> dict[str, dict[str, int]]:
    """The figures of the printed table: outlet -> outcome -> count."""
    rows = [
        [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]
        for line in said.out.splitlines()
    ]
    head = next((row for row in rows if row[0] == "outlet"), [])
    return {
        row[0]: dict(zip(head[1:], map(int, row[1:]), strict=True))
        for row in rows
        if len(row) == len(head) > 1 and row[0] != "outlet" and row[1].isdigit()
    }
