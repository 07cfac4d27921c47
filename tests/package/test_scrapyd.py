"""Deployed by scrapyd-deploy to a scrapyd, both the real packages, an outlet is crawled from the egg."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from crawler.outlets import known_outlets
from tests.outlets.test_outlets_of_users import OUTLET
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.package_sources import copy_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A job is looked for at once.
CONFIG = "[scrapyd]\nhttp_port = {port}\npoll_interval = 0.1\n"
DEPLOYED = {"project": "sacho", "version": "r1"}


@dataclass(frozen=True)
class Scrapyd:
    """A scrapyd that runs in a folder; ``process`` writes its log to standard output."""

    folder: Path
    process: subprocess.Popen[str]
    url: str

    @classmethod
    @contextmanager
    def running(cls, folder: Path, environment: dict[str, str]) -> Iterator[Scrapyd]:
        """Start it, and end it with the block."""
        process, port = _start(folder, environment)
        with process:
            try:
                yield cls(folder, process, f"http://127.0.0.1:{port}/")
            finally:
                process.terminate()

    def ask(self, service: str, *fields: tuple[str, str], post: bool = False) -> dict[str, Any]:
        """Call a service of its API and return the answer."""
        given = urlencode(fields)
        address = f"{self.url}{service}.json"
        with urlopen(address, given.encode()) if post else urlopen(f"{address}?{given}") as answer:
            said: dict[str, Any] = json.load(answer)
        assert said["status"] == "ok", said
        return said

    def deploy(self, source: Path) -> None:
        """Deploy a checkout, as its user does in its folder."""
        home = self.folder / "home"
        home.mkdir()
        target = f"[deploy]\nurl = {self.url}\nproject = {DEPLOYED['project']}\n"
        (home / ".scrapy.cfg").write_text(target)
        done = subprocess.run(
            [Path(sys.executable).parent / "scrapyd-deploy", "--version", DEPLOYED["version"]],
            cwd=source,
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["status"] == "ok", said

    def crawl(self, spider: str, *fields: tuple[str, str]) -> tuple[str, str, str]:
        """Crawl to the end; return the job's id, how scrapyd says it ended, and the job's log."""
        job = self.ask(
            "schedule", ("project", DEPLOYED["project"]), ("spider", spider), *fields, post=True
        )["jobid"]
        ending = _wait_for(self.process, r"Process (?:finished|died).*")[0]
        log = self.folder / "logs" / DEPLOYED["project"] / spider / f"{job}.log"
        return job, ending, log.read_text("utf-8")


def _start(folder: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[str], int]:
    """Start a scrapyd on a port that nobody has; return the port, too: it takes 0 for none at all.

    The port is none of those that the system gives to whoever asks for any.
    """
    while True:
        port = random.randrange(20_000, 30_000)
        (folder / "scrapyd.conf").write_text(CONFIG.format(port=port))
        process = subprocess.Popen(
            [sys.executable, "-m", "scrapyd", "--pidfile="],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if _wait_for(process, rf"Site starting on {port}|CannotListenError")[0].startswith("Site"):
            return process, port
        process.communicate()


def _wait_for(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read the log until a line matches."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        found = re.search(pattern, line)
        if found is not None:
            return found
    raise AssertionError("".join(seen))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with one more outlet, by which it can be told from this one."""
    folder = tmp_path_factory.mktemp("source")
    copy_sources(folder, "scrapy.cfg")
    own = OUTLET.format(name="ourpaper", host="news.ourpaper.example")
    (folder / "crawler" / "outlets" / "ourpaper.py").write_text(own, "utf-8")
    return folder


def test_a_crawl_that_scrapyd_runs_from_an_egg_stores_articles(
    tmp_path: Path, source: Path
) -> None:
    with site_of_today("newspim", 5) as site:
        crawls = Crawls.into(tmp_path / "kept", site)
        environment = crawls.workspace.environment({"PYTHONPATH": ""})
        with Scrapyd.running(tmp_path, environment) as scrapyd:
            scrapyd.deploy(source)
            listed = scrapyd.ask("listspiders", ("project", DEPLOYED["project"]))["spiders"]
            assert listed == sorted([*known_outlets(), "ourpaper"])
            words = crawls.command(LOG_LEVEL="INFO")[2:]
            settings = [("setting", word) for word in words if word != "-s"]
            job, ending, log = scrapyd.crawl("newspim", ("limit", "3"), *settings)
    assert ending.startswith("Process finished"), log
    assert f"_job={job}" in ending
    assert "Traceback" not in log
    assert "'item_scraped_count': 3" in log
    assert len(crawls.revisions()) == 3
    agents = {entry.header("User-Agent") for entry in site.requests()}
    assert len(agents) == 1
    assert agents.pop().endswith("(+desk@example.org)")
    assert "/robots.txt" in {entry.path for entry in site.requests()}
    crawls.check_captures()
