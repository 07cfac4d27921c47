"""Measure idle cost: a waiting scheduler, an empty round, a crawl that finds nothing."""

from __future__ import annotations

import argparse
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.crawling.crawls import site_of_today
from tests.support.processes.cli import ROOT
from tests.support.processes.schedules import Schedule, wait_for_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.crawling.crawls import Crawls

#: By the CPU's time, not the wall's: other processes' is none of ours.
_PROFILED = """
import atexit, cProfile, sys, time
profile = cProfile.Profile(time.process_time)
atexit.register(lambda: (profile.disable(), profile.dump_stats(path)))
path, sys.argv[1:] = sys.argv[1], sys.argv[2:]
profile.enable()
from scrapy.cmdline import execute
execute(["scrapy", *sys.argv[1:]])
"""


def main() -> int:
    """Print CPU seconds and memory; return 1 if an empty crawl takes 3 CPU s or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=120, help="that the idle scheduler is watched"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(_idle(Schedule(Path(folder)), options.jobs, options.seconds), flush=True)
    with tempfile.TemporaryDirectory() as folder, site_of_today("etoday", 60) as site:
        schedule = Schedule(Path(folder), [site])
        schedule.jobs('outlet = "etoday"\nevery = "1d"')
        assert schedule.run("--once").code == 0
        once = [_cpu(lambda: schedule.run("--once").code) for _ in range(options.rounds)]
        print(
            f"schedule --once with nothing due: {statistics.median(once):.2f} CPU s (median of {len(once)})"
        )
        (crawls,) = schedule.crawls
        asked = len(site.requests())
        crawl = [_cpu(lambda: crawls.run().code) for _ in range(options.rounds)]
        each = (len(site.requests()) - asked) // options.rounds
        print(
            f"crawl with nothing new, {each} requests: {statistics.median(crawl):.2f} CPU s (median of {len(crawl)})"
        )
        _profile(crawls, Path(folder, "profile"))
    return 0 if statistics.median(crawl) < 3 else 1


def _idle(schedule: Schedule, jobs: int, seconds: int) -> str:
    """Return CPU seconds an hour and memory of a scheduler whose jobs are not due."""
    schedule.jobs(
        *(f'name = "j{n}"\ncommand = "verify"\ncron = "{n} 3 * * *"' for n in range(jobs))
    )
    daemon = schedule.start()
    try:
        for _ in range(jobs):
            wait_for_output(daemon, ": succeeded")
        began, before = time.monotonic(), _used(daemon.pid)
        time.sleep(seconds)  # that is what is measured
        used = (_used(daemon.pid) - before) / (time.monotonic() - began) * 3600
        status = Path(f"/proc/{daemon.pid}/status").read_text()
    finally:
        daemon.terminate()
        daemon.communicate(timeout=60)
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return f"an idle scheduler of {jobs} jobs: {used:.1f} CPU s an hour, {memory / 1024:.0f} MiB"


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cpu(work: Callable[[], int]) -> float:
    """Return the CPU seconds of the processes that the work starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert work() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _profile(crawls: Crawls, path: Path) -> None:
    """Print the time of an empty crawl by package (functions' own time)."""
    command = [sys.executable, "-c", _PROFILED, str(path), *crawls.command()]
    subprocess.run(
        command, cwd=ROOT, env=crawls.workspace.environment(), check=True, capture_output=True
    )
    packages: dict[str, float] = {}
    # The typed stubs leave out `stats`, which the module's own documentation is built on.
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(str(path)).stats.items():  # type: ignore[attr-defined]
        package = _package_of(file, name)
        packages[package] = packages.get(package, 0.0) + own
    for package, own in sorted(packages.items(), key=lambda pair: -pair[1])[:8]:
        print(f"  {own:5.2f} s {package}")


def _package_of(file: str, function: str) -> str:
    """Return the name under which a profiled function's time is printed."""
    parts = Path(file).parts
    if "marshal" in function:
        return "reading compiled modules"
    if "site-packages" in parts[:-1]:
        return parts[parts.index("site-packages") + 1]
    if str(ROOT) in file:
        return "ours"
    return "builtins" if file == "~" else "python"


if __name__ == "__main__":
    raise SystemExit(main())
