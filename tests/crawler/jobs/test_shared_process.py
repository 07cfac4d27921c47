"""Crawls of a scheduler that share a process: JOBS_TOGETHER."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.runs.record import Ending
from crawler.jobs.due import Order
from crawler.jobs.execution import runner
from crawler.jobs.execution.logs import Logs
from crawler.jobs.execution.shared_process import SharedProcesses
from crawler.jobs.job import Job
from crawler.jobs.schedule import every
from crawler.jobs.signals import Stop
from tests.support.processes.schedules import by_the_scheduler, wait_for
from tests.support.sites.made_outlets import MadeSites, ManyCrawls

if TYPE_CHECKING:
    import pytest

pytestmark = by_the_scheduler

THREE = {"north": 12, "south": 12, "west": 12}
DONE = ("succeeded", 0)
#: With a server that takes its time, crawls last longer than a busy machine holds up who looks on.
ONE_AT_A_TIME = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}


def crawling(scheduler: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes that a scheduler has started and that are there.

    Each leads a process group, unlike the process that forks them for it.
    """
    found = subprocess.run(
        ["ps", "-o", "pid=,pgid=", "--ppid", str(scheduler.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    processes = [line.split() for line in found.stdout.splitlines()]
    return [int(pid) for pid, group in processes if pid == group]


def crawling_until_all_are_asked(scheduler: subprocess.Popen[bytes], many: ManyCrawls) -> set[int]:
    """Wait until a scheduler's crawls have asked each outlet; return the processes seen by then."""
    seen = set[int]()

    def all_are_asked() -> bool:
        asked = all(many.sites.times(name) for name in many.names)
        seen.update(crawling(scheduler))  # after it, since what asked was there already
        return asked

    wait_for(all_are_asked)
    return seen


def logs(many: ManyCrawls) -> dict[str, str]:
    """Return the text of all logs of each job."""
    return {
        folder.name: "".join(path.read_text() for path in sorted(folder.glob("*.log")))
        for folder in (many.folder / "log").iterdir()
    }


def test_one_process_crawls_what_is_due_and_each_run_has_its_log(tmp_path: Path) -> None:
    with MadeSites(THREE, latency=0.2) as sites:
        many = ManyCrawls(tmp_path, sites)
        started = many.workspace.start(
            *many.schedule("--once", **ONE_AT_A_TIME),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert len(crawling_until_all_are_asked(started, many)) == 1
        out, err = started.communicate(timeout=120)
        assert (started.returncode, err) == (0, b""), (out, err)
        assert many.fetched() == many.published()
        assert many.endings() == {name: [DONE] for name in THREE}
        runs = {row["job"]: row for row in many.workspace.rows("runs")}
        for name, text in logs(many).items():
            assert text.startswith(f"# scrapy crawl {name}\n")
            assert f"crawl {name} begins" in text
            assert "discovered or due 12 = stored 12" in text
            assert "exit status 0 after" in text
            assert "Spider opened" in text
            assert not any(other in text for other in THREE if other != name), text
            assert runs[name]["log"] == str(next((tmp_path / "log" / name).glob("*.log")))
        assert many.workspace.rows("leases") == []
        many.crawls.check_captures()


def test_a_job_with_settings_has_a_process_of_its_own(tmp_path: Path) -> None:
    with MadeSites(THREE, latency=0.2) as sites:
        many = ManyCrawls(tmp_path, sites)
        many.schedule()
        jobs = tmp_path / "jobs.toml"
        jobs.write_text(jobs.read_text() + 'settings = { LOG_LEVEL = "WARNING" }\n')
        started = many.workspace.start(
            *many.schedule("--once", **ONE_AT_A_TIME),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert len(crawling_until_all_are_asked(started, many)) == 2
        out, err = started.communicate(timeout=120)
        assert started.returncode == 0, (out, err)
        assert many.endings() == {name: [DONE] for name in THREE}
        assert "Spider opened" in logs(many)["north"]
        assert "Spider opened" not in logs(many)["west"]


def test_a_time_limit_ends_only_its_crawl(tmp_path: Path) -> None:
    with MadeSites({"north": 12, "south": 300}, latency=0.05) as sites:
        many = ManyCrawls(tmp_path, sites)
        many.schedule()
        jobs = tmp_path / "jobs.toml"
        jobs.write_text(jobs.read_text() + 'time_limit = "8s"\nretries = 0\n')
        said = many.workspace.run(*many.schedule("--once", **ONE_AT_A_TIME))
        assert said.code == 1
        assert many.endings() == {"north": [DONE], "south": [("timed_out", 1)]}, said
        assert "stopped before the end (shutdown)" in logs(many)["south"]


def test_a_killed_process_is_a_crash_of_its_runs_which_are_repeated(tmp_path: Path) -> None:
    with MadeSites(dict.fromkeys(THREE, 60), latency=0.3) as sites:
        many = ManyCrawls(tmp_path, sites)
        started = many.workspace.start(
            *many.schedule("--once", **ONE_AT_A_TIME),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: all(len(sites.times(name)) > 8 for name in THREE))
        (process,) = crawling(started)
        os.kill(process, signal.SIGKILL)
        out, err = started.communicate(timeout=120)
        assert started.returncode == 1, (out, err)
        assert b"north: crashed in " in out + err, (out, err)
        assert many.endings() == {name: [("crashed", None)] for name in THREE}
        sites.latency = 0.0
        said = many.workspace.run(*many.schedule("--once"))
        assert said.code == 0, said
        assert many.endings() == {name: [("crashed", None), DONE] for name in THREE}
        assert set(many.fetched()) == set(many.published())
        many.crawls.check_captures()


def test_a_process_whose_scheduler_is_killed_ends_its_crawls_and_records_them(
    tmp_path: Path,
) -> None:
    with MadeSites(dict.fromkeys(THREE, 60), latency=0.3) as sites:
        many = ManyCrawls(tmp_path, sites)
        started = many.workspace.start(
            *many.schedule("--once", **ONE_AT_A_TIME),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: all(len(sites.times(name)) > 8 for name in THREE))
        (process,) = crawling(started)
        started.kill()
        started.wait()
        wait_for(lambda: many.endings() == {name: [("stopped", 1)] for name in THREE})
        assert {path.suffix for path in many.crawls.segments()} == {".gz"}
        wait_for(lambda: not Path(f"/proc/{process}").exists())
        many.crawls.check_captures()


def test_a_process_that_hangs_is_killed_and_only_one_run_has_taken_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MadeSites({"north": 300, "south": 300}, latency=0.2) as sites:
        many = ManyCrawls(tmp_path, sites)
        for name, value in many.workspace.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(runner, "GRACE", 1.0)
        settings = dict(
            word.split("=", 1) for word in many.options(**ONE_AT_A_TIME) if word != "-s"
        )
        with (
            Index(f"sqlite:///{many.workspace.index}") as index,
            SharedProcesses(2, settings) as shared,
            ThreadPoolExecutor(2) as threads,
        ):
            context = runner.RunnerContext(
                index=index, logs=Logs(tmp_path / "log", 1), settings=settings, shared=shared
            )
            orders = [order_of("north", hours=1), order_of("south", seconds=25)]
            running = [threads.submit(runner.run_job, one, context, Stop()) for one in orders]
            wait_for(lambda: all(len(sites.times(name)) > 8 for name in ("north", "south")))
            (process,) = shared.pids()
            os.kill(process, signal.SIGSTOP)
            ended = [future.result(timeout=180) for future in running]
        assert [run.record.ending for run in ended if run] == [Ending.CRASHED, Ending.TIMED_OUT]
        assert many.workspace.rows("leases") == []


def order_of(name: str, **limit: float) -> Order:
    """Return the order of a crawl with a time limit."""
    job = Job(
        name=name,
        verb="crawl",
        words=(name,),
        schedule=every("1d"),
        outlet=name,
        time_limit=timedelta(**limit),
    )
    return Order(job=job, due_at=datetime.now(UTC), attempt=1)
