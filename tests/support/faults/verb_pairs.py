"""Two verbs at once on one archive and index, one of them killed at a random moment at times.

Afterwards what was killed or refused is run again, and the archive has to be as if they had run one
after the other: nothing lost, nothing found by verify, and nothing left of what was removed.
"""

from __future__ import annotations

import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from subprocess import PIPE, TimeoutExpired
from time import monotonic
from typing import TYPE_CHECKING

from archive.backup.restore import restore
from tests.support.archives.traces import articles, traces, wrong
from tests.support.crawling.crawls import Crawls
from tests.support.databases.postgres import copy_folder
from tests.support.processes.cli import Workspace
from tests.support.processes.schedules import Schedule

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from tests.support.mock_site.server import MockSite

VERBS = (
    "backup", "crawl", "export", "recover", "reindex", "remove", "replay", "restore", "schedule", "verify",
)  # fmt: skip
PAIRS = tuple(combinations_with_replacement(VERBS, 2))
#: Within how many times what a process takes to start the second verb starts, and how long after
#: that, at least and at most, a kill comes: most of them while the verb is at work.
_APART, _KILLED = 0.7, (0.4, 1.4)
_PATIENCE = 180
#: How often a verb is given again that says that another one is in its way.
_AGAIN = 3


@dataclass(slots=True)
class Tally:
    """What pairs did. Everything but the first three has to be nothing."""

    pairs: int = 0
    kills: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The figures."""
        return (
            f"{self.pairs} pairs, {self.kills} kills, {self.refused} times refused with a sentence, "
            f"faults {len(self.wrong)}"
        )


@dataclass(slots=True)
class Running:
    """A verb at work, or what came of it."""

    verb: str
    process: subprocess.Popen[bytes]
    code: int = 0
    said: str = ""

    @property
    def killed(self) -> bool:
        """Whether it was killed: it may have ended by itself when the signal was sent."""
        return self.code == -signal.SIGKILL

    def end(self) -> None:
        """Wait for the end."""
        try:
            out, err = self.process.communicate(timeout=_PATIENCE)
        except TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            err += b"\nTraceback: it did not end"
        self.code = self.process.returncode
        self.said = (out + err).decode("utf-8", "replace")


class Pairs:
    """An archive with its crawled site, of which each pair gets a copy."""

    def __init__(self, top: Path, site: MockSite) -> None:
        self.top, self.site, self._number = top, site, 0
        base = Crawls.into(_made(top / "base"), site)
        done = base.run()
        assert done.code == 0, done.err
        self.base = base.workspace
        began = monotonic()
        self.base.run("list")
        self.starting = monotonic() - began
        base.make_due()
        self.texts = articles(self.base)
        self.target = sorted(self.texts)[len(self.texts) // 2]
        self.package = top / "all.wacz"
        assert self.base.call("export", self.package).code == 0
        self.backup = top / "backup"
        assert self.base.call("backup", self.backup).code == 0

    def run(self, first: str, second: str, dice: Random, tally: Tally) -> None:
        """Run one pair and look at what it left."""
        self._number += 1
        folder = self.top / str(self._number)
        trial = Trial(self, folder)
        name = f"{first}+{second}"
        running = [Running(first, trial.start(first))]
        _wait(running[0], dice.random() * _APART * self.starting)
        running.append(Running(second, trial.start(second)))
        victim = dice.choice(running) if dice.random() < 0.7 else None
        if victim is not None and not _wait(victim, dice.uniform(*_KILLED) * self.starting):
            victim.process.send_signal(signal.SIGKILL)
            name += f", {victim.verb} killed"
        for one in running:
            one.end()
        tally.kills += sum(one.killed for one in running)
        tally.pairs += 1
        found = len(tally.wrong)
        tally.wrong += [f"{name}: {what}" for what in trial.check(running, tally)]
        if len(tally.wrong) == found:
            shutil.rmtree(folder)


class Trial:
    """One copy of the archive."""

    def __init__(self, pairs: Pairs, folder: Path) -> None:
        self.pairs, self.folder = pairs, folder
        copy_folder(pairs.base.folder, folder)
        self.crawls = Crawls.into(folder, pairs.site)
        self.workspace = self.crawls.workspace
        self.schedule = Schedule(folder, [pairs.site])
        self.schedule.jobs(
            f'outlet = "{pairs.site.outlet}"\nevery = "1d"',
            'name = "look"\ncommand = "verify"\nevery = "1d"',
        )

    def command(self, verb: str) -> list[str]:
        """Return what comes after ``scrapy``."""
        outlet, article_id = self.pairs.target
        return {
            "crawl": lambda: self.crawls.command(),
            "schedule": lambda: self.schedule.command("--once"),
            "remove": lambda: ["remove", f"{outlet}/{article_id}", "--reason", "test", "--yes"],
            "replay": lambda: ["replay", str(self.pairs.package)],
            "backup": lambda: ["backup", str(self.folder / "kept")],
            "restore": lambda: ["restore", str(self.folder / "given")],
            "export": lambda: ["export", str(self.folder / "out.jsonl")],
            "reindex": lambda: ["reindex", "--processes", "1"],
        }.get(verb, lambda: [verb])()

    def start(self, verb: str) -> subprocess.Popen[bytes]:
        """Start a verb."""
        workspace = self.schedule.workspace if verb == "schedule" else self.workspace
        if verb == "restore":  # to new places, from a backup that another verb may be writing
            given = self.folder / "given"
            if not given.exists():
                given.symlink_to(self.folder / "kept")
                shutil.copytree(self.pairs.backup, self.folder / "kept", dirs_exist_ok=True)
            workspace = Workspace(_made(self.folder / "restored"))
        return workspace.start(*self.command(verb), stdout=PIPE, stderr=PIPE)

    def check(self, running: list[Running], tally: Tally) -> Iterator[str]:
        """Yield what is wrong of the verbs, and of the archive when they have been run again."""
        for one in running:
            yield from _faults(one)
            tally.refused += one.code == 1
        again = [one.verb for one in running if one.code and one.verb != "restore"]
        yield from self._again(again)
        yield from self._again(["recover"])
        if any(one.verb == "restore" for one in running):
            yield from self._restored()
        if any(one.verb == "backup" for one in running):
            yield from self._backed_up()
        yield from self._kept(removed=any(one.verb == "remove" for one in running))

    def _again(self, verbs: list[str]) -> Iterator[str]:
        """Run verbs again, one after the other, until each has done its work."""
        for verb in dict.fromkeys(verbs):
            said = ""
            for _ in range(_AGAIN):
                one = Running(verb, self.start(verb))
                one.end()
                yield from _faults(one)
                said = one.said
                if one.code == 0:
                    break
            else:
                yield f"{verb} again ends with 1: {said[-400:]}"

    def _restored(self) -> Iterator[str]:
        place = Workspace(self.folder / "restored")
        if place.archive.exists() and place.index.exists():
            found = wrong(place)
            if found:
                yield f"what was restored does not verify: {found[:3]}"

    def _backed_up(self) -> Iterator[str]:
        place = Workspace(_made(self.folder / "from backup"))
        done = restore(self.folder / "kept", place.archive, place.index_url)
        recovered = place.run("recover")  # the backup holds what a killed crawl left open
        found = [
            *map(str, done.faults),
            *(recovered.sentences if recovered.code else ()),
            *wrong(place),
        ]
        if found:
            yield f"the backup does not restore: {found[:3]}"
        shutil.rmtree(place.folder)

    def _kept(self, *, removed: bool) -> Iterator[str]:
        """Yield what is lost, what is left of the removed article, and what verify finds."""
        target, known = self.pairs.target, self.pairs.texts
        expected = set(known) - {target} if removed else set(known)
        there = articles(self.workspace)
        lost = sorted(expected - set(there))
        if lost:
            yield f"lost: {lost[:5]}"
        changed = [key for key in expected & set(there) if there[key] != known[key]]
        if changed:
            yield f"changed: {changed[:5]}"
        found = wrong(self.workspace)
        if found:
            yield f"verify: {found[:3]}"
        if removed:
            for name in ("given", "kept", "restored", "out.jsonl"):  # the user's copies
                with suppress(FileNotFoundError):
                    path = self.folder / name
                    path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
            left = traces(self.folder, max(known[target].split("\n\n"), key=len))
            if target in there or left.any:
                yield f"the removed article is still there: {left}"


def _faults(one: Running) -> Iterator[str]:
    if one.killed:
        return
    if one.code not in (0, 1):
        yield f"{one.verb} ended with {one.code}: {one.said[-600:]}"
    elif "Traceback" in one.said:
        yield f"{one.verb} printed a traceback: {one.said[-1500:]}"
    elif one.code and not one.said.strip():
        yield f"{one.verb} ended with {one.code} and said nothing"


def _wait(one: Running, seconds: float) -> bool:
    """Wait so long, or until the process ends; return whether it did."""
    began = monotonic()
    with suppress(TimeoutExpired):
        one.process.wait(max(0.0, seconds - (monotonic() - began)))
    return one.process.returncode is not None


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
