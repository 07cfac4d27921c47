"""Kill backups at every disk change and during a crawl, and time whole ones.

python -m bench.backup [--articles 800] [--pages 5000]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from archive.backup import inventory
from bench import pages
from tests.support.archives.backups import (
    back_up_workspace,
    check_restored,
    kill_backups,
    kill_restores,
    killed_after,
    made,
    same,
)
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.faults.fork_server import ForkServer, RequestLog
from tests.support.mock_site.story import KST
from tests.support.processes.cli import Workspace


def main() -> int:
    """Print kills, losses and seconds; return 1 if a backup or restore was not whole."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=800, help="crawled while it is backed up")
    parser.add_argument(
        "--pages", type=int, default=5000, help="in the archive that seconds are taken of"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        kills(top / "kills")
        while_crawled(top / "crawl", options.articles, options.seed)
        made_up = top / "pages.warc.gz"
        with made_up.open("wb") as out:
            pages.write(out, options.pages)
        speed(top / "speed", made_up)
    return 0


def kills(top: Path) -> None:
    """Kill at each disk change in turn; every later backup and restore must be whole."""
    top.mkdir()
    workspace = made(top / "desk")
    backup = top / "backup"
    back_up_workspace(workspace, backup)
    began = monotonic()
    backups, restores = kill_backups(workspace, top, 1), kill_restores(workspace, backup, top, 1)
    print(
        f"killed at every change to a disk: {backups} backups, {restores} restores; all whole, "
        f"{monotonic() - began:.0f} s",
        flush=True,
    )


def while_crawled(top: Path, articles: int, seed: int) -> None:
    """Back up during a crawl of small segments, kill every other one, verify each restore."""
    top.mkdir()
    pick, backup = random.Random(seed), top / "backup"
    done = killed = restored = opened = 0
    with site_of_today("etoday", articles) as site:
        request_log = site.log = RequestLog()
        crawls = Crawls.into(top / "desk", site)
        crawls.workspace.folder.mkdir()
        with ForkServer(request_log) as fork_server:
            days = (datetime.now(KST) - timedelta(days=60)).date()
            fork_server.start(
                crawls.command("-a", f"since={days}"),
                crawls.workspace.environment(),
                top / "said",
                0.05,
            )
            assert fork_server.arrived(20)
            length = 1.0
            while not fork_server.over(0):
                began = monotonic()
                if killed_after(
                    pick.random() * length if done > killed else 60,
                    back_up_workspace,
                    crawls.workspace,
                    backup,
                ):
                    killed += 1
                else:
                    done, length = done + 1, monotonic() - began
                known = inventory.read(backup)
                if known is None or known.at is None:
                    continue
                opened += any(name.endswith(".open") for name in known.files)
                other = Workspace(top / "other")
                for verb in (("restore", backup), ("verify",)):
                    result = other.call(*verb)
                    assert result.code == 0, result
                restored += 1
                shutil.rmtree(other.folder)
            assert "discovered or due" in (top / "said").read_text("utf-8")
        back_up_workspace(crawls.workspace, backup)
        assert same(check_restored(backup, top / "other"), crawls.workspace)
        print(
            f"while a crawl visited {len(crawls.frontier())} articles, in {len(crawls.segments())} segments: "
            f"{done} backups made, {killed} killed;\n"
            f"  restored after each, {opened} of {restored} with open segments: verify found nothing wrong",
            flush=True,
        )


def speed(top: Path, warc: Path) -> None:
    """Return the seconds of backup and restore, and of copying the same files."""
    top.mkdir()
    workspace, backup = Workspace(top / "desk"), top / "backup"
    assert workspace.run("replay", warc).code == 0
    size = (
        sum(path.stat().st_size for path in workspace.archive.iterdir())
        + workspace.index.stat().st_size
    )
    print(f"{size / 1e6:.0f} MB, of these the index {workspace.index.stat().st_size / 1e6:.0f} MB")
    began = monotonic()
    subprocess.run(["cp", "-r", str(workspace.folder), str(top / "copy")], check=True)
    os.sync()
    print(f"cp -r and sync: {monotonic() - began:.2f} s")
    for what, args in (("first", ()), ("again", ()), ("again, with --check", ("--check",))):
        began = monotonic()
        assert workspace.run("backup", backup, *args).code == 0
        print(f"scrapy backup, {what}: {monotonic() - began:.2f} s")
    began = monotonic()
    other = Workspace(top / "other")
    assert other.run("restore", backup).code == 0
    print(f"scrapy restore: {monotonic() - began:.2f} s")
    began = monotonic()
    assert other.run("list").code == 0
    print(f"scrapy list, which is what any verb costs: {monotonic() - began:.2f} s")
    assert same(workspace, other)
    check_restored(backup, top / "third")


if __name__ == "__main__":
    raise SystemExit(main())
