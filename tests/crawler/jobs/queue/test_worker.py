"""Workers: they run what a scheduler defers, each moment once, and end as they are told."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

import pytest

from tests.support.databases.postgres import new_database
from tests.support.databases.postgres_door import PostgresDoor
from tests.support.faults.own_server import OwnServer
from tests.support.processes.cli import ROOT, Workspace
from tests.support.processes.schedules import wait_for as wait
from tests.support.processes.workers import Fleet, end
from tests.support.sites.shared_hosts import SharedHosts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Seconds within which workers, each of some processes, have done what is waited for.
PATIENCE = 180


def wait_for(what: Callable[[], bool], patience: float = PATIENCE) -> float:
    """Look until it is so; how many seconds it took."""
    return wait(what, patience)


@pytest.mark.parametrize("together", [1, 10])
def test_what_is_due_is_deferred_once_and_run_by_a_worker_without_a_jobs_file(
    tmp_path: Path, together: int
) -> None:
    with SharedHosts(3, 2, 4) as site:
        fleet = Fleet(tmp_path, site, {"JOBS_TOGETHER": str(together)})
        fleet.crawl_every("1d")
        first = fleet.run("schedule", "--once")
        assert (first.code, first.out) == (0, "deferred: paper1, paper2, paper3\n"), first.err
        again = fleet.run("schedule", "--once")
        assert (again.code, again.out, again.err) == (0, "", "")
        assert site.log == []
        (tmp_path / "jobs.toml").unlink()
        with fleet.started("worker", "--at-once", "3") as worker:
            wait_for(lambda: len(fleet.runs()) == 3 and all(row["ending"] for row in fleet.runs()))
            assert end(worker) == 0
        assert {row["ending"] for row in fleet.runs()} == {"succeeded"}, fleet.said("worker")
        assert sorted(site.fetched()) == sorted(site.urls())
        assert site.overlaps() == []
        assert fleet.rows("SELECT * FROM leases") == []
        assert fleet.rows("SELECT * FROM procrastinate.procrastinate_jobs") == []
        assert [row["ending"] for row in fleet.runs("worker")] == ["succeeded"]


def test_a_worker_that_is_told_to_end_lets_its_jobs_end(tmp_path: Path) -> None:
    with SharedHosts(2, 1, 20, latency=0.1) as site:
        fleet = Fleet(tmp_path, site, {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"})
        fleet.crawl_every("1d")
        assert fleet.run("schedule", "--once").code == 0
        worker = fleet.start("worker", "--at-once", "1")
        wait_for(lambda: len(site.fetched()) > 2)
        assert end(worker) == 0
        assert [row["ending"] for row in fleet.runs()] == ["succeeded"]
        assert len(site.fetched()) == 20


@pytest.mark.parametrize("way", ["grace", "second signal"])
def test_a_job_that_does_not_end_in_time_is_stopped_and_repeated(tmp_path: Path, way: str) -> None:
    with SharedHosts(1, 1, 400, latency=0.1) as site:
        fleet = Fleet(tmp_path, site, {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"})
        fleet.crawl_every("1d")
        assert fleet.run("schedule", "--once").code == 0
        grace = ("--grace", "1") if way == "grace" else ()
        worker = fleet.start("worker", *grace)
        wait_for(lambda: len(site.fetched()) > 2)
        worker.send_signal(signal.SIGINT)
        if way != "grace":
            wait_for(lambda: "no more jobs are taken; 1 running" in fleet.said("worker"))
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0
        assert [row["ending"] for row in fleet.runs()] == ["stopped"]
        assert fleet.run("schedule", "--once").out == "deferred: paper1\n"


def test_the_status_shows_the_queue_and_the_workers(tmp_path: Path) -> None:
    with SharedHosts(2, 1, 400, latency=0.2) as site:
        fleet = Fleet(tmp_path, site, {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"})
        fleet.crawl_every("1d")
        assert fleet.run("schedule", "--once").code == 0
        said = fleet.status()
        assert (said["queue"]["waiting"], said["queue"]["running"], said["workers"]) == (2, 0, [])
        with fleet.started("worker", "--grace", "1"):
            wait_for(lambda: len(site.fetched()) > 2)
            said = fleet.status()
            assert (said["queue"]["waiting"], said["queue"]["running"]) == (1, 1)
            (worker,) = said["workers"]
            assert worker["jobs"] in (["paper1"], ["paper2"])
            shown = fleet.run("status").out
            assert "queue: 1 waiting, the oldest since " in shown
            assert "1 running; 1 worker\n" in shown
        assert fleet.status()["workers"] == []


def test_deferred_jobs_that_no_worker_takes_are_a_problem(tmp_path: Path) -> None:
    with SharedHosts(1, 1, 1) as site:
        fleet = Fleet(tmp_path, site)
        fleet.crawl_every("1d")
        assert fleet.run("schedule", "--once").code == 0
        assert fleet.status()["problems"] == []
        fleet.change("UPDATE procrastinate.procrastinate_events SET at = at - interval '6 minutes'")
        (problem,) = fleet.status()["problems"]
        assert problem.startswith("1 deferred job waiting since ")
        assert "and no worker runs; start " in problem


def test_a_worker_whose_server_goes_away_as_its_job_ends_says_so_in_a_sentence(
    tmp_path: Path,
) -> None:
    url = new_database()
    with SharedHosts(1, 1, 400, latency=0.1) as site, PostgresDoor(url) as door:
        fleet = Fleet(tmp_path, site, {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}, url=url)
        fleet.crawl_every("1d")
        assert fleet.run("schedule", "--once").code == 0
        fleet.workspace = replace(
            fleet.workspace, settings={**fleet.workspace.settings, "INDEX_URL": door.url}
        )
        worker = fleet.start("worker", "--grace", "1")
        wait_for(lambda: len(site.fetched()) > 2)
        with door.shut():
            assert end(worker) == 1
        said = fleet.said("worker")
        assert "Traceback" not in said
        assert "the queue could not be told" in said
        assert fleet.rows("SELECT status FROM procrastinate.procrastinate_jobs") == [
            {"status": "doing"}
        ]


def test_scheduler_and_worker_go_on_when_their_server_is_back_and_each_moment_is_run_once(
    tmp_path: Path,
) -> None:
    with OwnServer() as server, SharedHosts(2, 1, 2) as site:
        fleet = Fleet(tmp_path, site, url=server.database("index"))
        fleet.jobs('outlet = "paper1"\nevery = "1d"')
        assert fleet.run("schedule", "--once").code == 0
        with fleet.started("schedule") as scheduler, fleet.started("worker") as worker:
            wait_for(lambda: [row["ending"] for row in fleet.runs()] == ["succeeded"])
            server.stop()
            fleet.crawl_every("1d")  # what falls due while the server is away
            wait_for(lambda: "It is tried again every 10 seconds." in fleet.said("schedule"))
            wait_for(lambda: f"jobs.toml: {len(site.feeds)} jobs" in fleet.said("schedule"))
            server.start()
            wait_for(lambda: [row["ending"] for row in fleet.runs()] == ["succeeded"] * 2)
            wait_for(lambda: fleet.status()["queue"]["running"] == 0)
            assert (end(scheduler), end(worker)) == (0, 0)
        assert sorted(row["job"] for row in fleet.runs()) == ["paper1", "paper2"]
        assert sorted(site.fetched()) == sorted(site.urls())
        for verb in ("schedule", "worker"):
            assert "Traceback" not in fleet.said(verb)
            assert "cannot be reached" in fleet.said(verb)
            assert repeated(fleet.said(verb)) == []  # said once by each who asks
        assert "the server can be reached again" in fleet.said("worker")


def repeated(said: str) -> list[str]:
    """Return what one who asks a server says of reaching it, twice in a row."""
    lines = re.findall(r"(?m)\[([\w.]+)\] [A-Z]+: (.* can(?:not)? be reached.*)", said)
    by_speaker = sorted(lines, key=itemgetter(0))  # of one, in the order in which they were said
    return [one[1] for one, other in pairwise(by_speaker) if one == other]


@pytest.mark.sqlite_only(reason="it is of the sentence that names PostgreSQL")
def test_workers_need_postgresql(tmp_path: Path) -> None:
    said = Workspace(tmp_path).run("worker")
    assert said.code == 2
    assert "workers share an index in PostgreSQL, and INDEX_URL names none" in said.err


def test_a_worker_with_another_archive_takes_no_job(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, {"INDEX_URL": new_database()})
    assert workspace.run("replay", ROOT / "seeds" / "newspim").code == 0
    workspace.archive.rename(tmp_path / "elsewhere")
    said = workspace.run("worker")
    assert said.code == 1
    assert "contains no segment, but the index refers to segments there" in said.err
    other = Workspace(tmp_path / "other", {"INDEX_URL": new_database()})
    assert other.run("replay", ROOT / "seeds" / "etoday").code == 0
    said = workspace.run("worker", env={"ARCHIVE_URL": str(other.archive)})
    assert said.code == 1
    assert "has none of the segments that the index refers to last" in said.err


def test_a_worker_without_a_contact_says_what_will_fail(tmp_path: Path) -> None:
    with SharedHosts(1, 1, 1) as site:
        fleet = Fleet(tmp_path, site, env={"CONTACT": ""})
        wrong = fleet.run("worker", "-s", "CONTACT=desk at example")
        assert (wrong.code, "CONTACT 'desk at example' has a space" in wrong.err) == (2, True)
        with fleet.started("worker") as worker:
            wait_for(lambda: "ready" in fleet.said("worker"))
            assert end(worker) == 0
    assert "CONTACT is not set: here crawls fail whose jobs name none" in fleet.said("worker")


def test_a_server_that_cannot_be_reached_is_reported(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, {"INDEX_URL": "postgresql+psycopg://127.0.0.1:1/none"})
    said = workspace.run("worker")
    assert (said.code, said.out) == (1, "")
    assert "the server cannot be reached" in said.err
    assert "Traceback" not in said.err
    crawl = workspace.run("crawl", "etoday", env={"CONTACT": "desk@example.org"})
    assert len(crawl.sentences) == 1, crawl.err  # its end cannot be recorded either
