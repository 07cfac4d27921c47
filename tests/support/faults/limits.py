"""Verbs under limits of the system: the size of a file, memory, descriptors."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

from bench.pages import captured, page
from tests.support.archives.traces import articles, wrong
from tests.support.crawling.crawls import Crawls
from tests.support.databases.postgres import copy_folder
from tests.support.documents import MADE
from tests.support.processes.cli import ROOT, Workspace
from tests.support.processes.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mock_site.server import MockSite

#: What is limited, and to how much: from what no verb can work with to what any can. Memory is
#: counted from what the command line takes before it has anything to do.
LIMITS = {
    "file size": (resource.RLIMIT_FSIZE, (0, 20_000, 60_000, 200_000, 5_000_000)),
    "descriptors": (resource.RLIMIT_NOFILE, (7, 9, 11, 16, 96)),
    "memory": (resource.RLIMIT_AS, (12_000_000, 25_000_000, 50_000_000, 130_000_000, 400_000_000)),
}
VERBS = (
    "replay", "reindex", "verify", "backup", "restore", "export", "export.wacz", "remove", "recover", "search", "show", "status",
    "crawl", "schedule",
)  # fmt: skip
#: Seconds that a verb may take.
_PATIENCE = 180
_ARTICLE = "newspim/20230915999901"
#: Python does not see that a file of its cache was cut by the limit, and fails to read it then.
_NO_CACHE = {"PYTHONDONTWRITEBYTECODE": "1"}


class Limited:
    """An archive of the seeds with a backup, and pages to replay, of which each trial gets a copy.

    ``site`` is what is crawled; its articles are `SETTLED`, so that a crawl has an end.
    """

    def __init__(self, top: Path, site: MockSite) -> None:
        self.top, self.site = top, site
        base = Workspace(top / "base")
        base.folder.mkdir(parents=True)
        assert base.call("replay", *MADE).code == 0
        assert base.call("backup", top / "backup").code == 0
        self.base, self.known = base, articles(base)
        self.pages = top / "pages"
        self.pages.mkdir()
        _write_large_page(self.pages)
        self.memory = _memory_of_start(base)

    def run(self, verb: str, kind: str, limit: int) -> tuple[int, list[str]]:
        """Run a verb under a limit, then without; return its exit status and what is wrong."""
        folder = self.top / "trial"
        size = limit + (self.memory if kind == "memory" else 0)
        copy_folder(self.base.folder, folder)
        what, limits = LIMITS[kind]
        try:
            code, wrongs = self._run(Workspace(folder), verb, what, size)
        finally:
            shutil.rmtree(folder)
        if code and limit == limits[-1]:
            wrongs.append("it does not work with the largest limit")
        return code, wrongs

    def _run(self, place: Workspace, verb: str, what: int, limit: int) -> tuple[int, list[str]]:
        target = place
        if verb == "restore":
            target = Workspace(place.folder / "restored")
        elif verb in ("crawl", "schedule"):
            target = Schedule(place.folder, [self.site]).workspace
        process = target.start(
            *self._command(place, verb),
            env=_NO_CACHE,
            stdout=PIPE,
            stderr=PIPE,
            preexec_fn=lambda: resource.setrlimit(what, (limit, limit)),
        )
        try:
            out, err = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return -1, [f"it did not end within {_PATIENCE} s"]
        code = process.returncode
        logs = b"".join(path.read_bytes() for path in place.folder.glob("log/**/*.log"))
        wrongs = list(_said_wrong(code, (out + err + logs).decode("utf-8", "replace")))
        if verb in ("crawl", "schedule"):
            Crawls(self.site, target).make_due()
            verb = "crawl"  # what a scheduler has run is due again tomorrow
        # what is restored is not restored again
        again = None if verb == "restore" and not code else target.run(*self._command(place, verb))
        if again is not None and again.code:
            wrongs.append(f"without the limit it ends with {again.code}: {again.err[-300:]}")
        kept = set(articles(place))
        expected = set(self.known) - ({tuple(_ARTICLE.split("/"))} if verb == "remove" else set())
        if not expected <= kept:
            wrongs.append(f"lost: {sorted(expected - kept)}")
        if verb == "replay" and len(kept) != len(self.known) + 1:
            wrongs.append("the page that did not fit at first is no article")
        if verb == "crawl" and len(kept) != len(self.known) + len(self.site.ids()):
            wrongs.append(f"of the site's articles {len(kept) - len(self.known)} are stored")
        wrongs += wrong(place)
        return code, wrongs

    def _command(self, place: Workspace, verb: str) -> list[str]:
        out = str(place.folder / "out")
        if verb == "crawl":
            return Crawls(self.site, place).command()
        if verb == "schedule":
            schedule = Schedule(place.folder, [self.site])
            schedule.jobs(f'outlet = "{self.site.outlet}"\nevery = "1d"\nretries = 0')
            return schedule.command("--once")
        return {
            "replay": ["replay", str(self.pages)],
            "reindex": ["reindex", "--processes", "1"],
            "backup": ["backup", out],
            "restore": ["restore", str(self.top / "backup")],
            "export": ["export", f"{out}.jsonl"],
            "export.wacz": ["export", f"{out}.wacz"],
            "remove": ["remove", _ARTICLE, "--reason", "test", "--yes"],
            "search": ["search", "푸틴"],
            "show": ["show", "etoday"],
        }.get(verb, [verb])


def leave_memory(process: int, more: int) -> None:
    """Let a process use so many more bytes of memory, from now on."""
    status = Path(f"/proc/{process}/status").read_text()
    now = int(status.split("VmSize:")[1].split()[0]) * 1024
    resource.prlimit(process, resource.RLIMIT_AS, (now + more, now + more))


def _said_wrong(code: int, said: str) -> Iterator[str]:
    if code not in (0, 1):
        yield f"it ended with {code}: {said[-300:]}"
    if "Traceback" in said:
        yield f"it printed a traceback: {said[-600:]}"
    if "this is a bug" in said:
        yield f"it took the limit for a bug: {said[-600:]}"
    if code and not said.strip():
        yield "it failed and said nothing"


def _memory_of_start(place: Workspace) -> int:
    """Return the most address space that the command line takes to list the outlets, in bytes."""
    code = (
        "import sys; from scrapy.cmdline import execute\n"
        "try: execute(['scrapy', 'list'])\n"
        "finally: print(open('/proc/self/status').read(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=place.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("VmPeak"))
    return int(line.split()[1]) * 1024


def _write_large_page(folder: Path) -> None:
    """Write a page near the limit of what is read, which takes most memory."""
    url, html = page(1)
    at = html.index("<p>")
    more = "<p>" + "기록은 그날 그대로 남아야 한다. " * 12 + "</p>\n"
    (folder / "large.html").write_text(html[:at] + more * 6000 + html[at:])
    stated = {"url": url, "captured_at": captured(1).isoformat()}
    (folder / "large.json").write_text(json.dumps(stated))
