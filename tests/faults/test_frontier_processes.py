"""The frontier shared by processes: leases of killed, stopped and concurrent runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from archive.index.writers import process_identity as holder
from archive.index.writers.process_identity import is_gone, this_process
from tests.support.archives.frontier import FrontierIndex, a_dead_process, frontier_index, links

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Takes in small batches until nothing is left, and says what it got.
TAKER = """
import sys
from pathlib import Path
from tests.support.archives.frontier import *
from tests.support.databases.postgres import let_stand_for
let_stand_for(Path(sys.argv[1]), sys.argv[2])
with frontier_index(Path(sys.argv[1])) as at:
    run = at.run(sys.argv[3])
    visits = run.lease(7)
    print("ready", flush=True)
    sys.stdin.readline()
    while visits:
        at.settle(run, *(new(visit.article_id) for visit in visits))
        print(*(visit.article_id for visit in visits), sep="\\n")
        visits = run.lease(7)
"""

#: Takes, says so, and stays.
HOLDER = """
import sys, time
from pathlib import Path
from tests.support.archives.frontier import *
from tests.support.databases.postgres import let_stand_for
let_stand_for(Path(sys.argv[1]), sys.argv[2])
with frontier_index(Path(sys.argv[1])) as at:
    print(len(at.run("held").lease(3)), flush=True)
    time.sleep(600)  # until it is killed
"""


@pytest.fixture
def at(tmp_path: Path) -> Iterator[FrontierIndex]:
    with frontier_index(tmp_path / "index.sqlite3") as made:
        yield made


def start(program: str, at: FrontierIndex, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(at.path), at.index.url, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_processes_never_take_the_same(at: FrontierIndex) -> None:
    at.run("finder").discover(links(range(600)))
    takers = [start(TAKER, at, name) for name in "abcd"]
    assert [line(taker) for taker in takers] == ["ready"] * 4
    result: dict[str, list[str]] = {}

    def go(name: str, taker: subprocess.Popen[str]) -> None:
        result[name] = taker.communicate("go\n", timeout=300)[0].split()

    threads = [threading.Thread(target=go, args=pair) for pair in zip("abcd", takers, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [taker.returncode for taker in takers] == [0] * 4
    times = Counter(article_id for taken in result.values() for article_id in taken)
    assert times == Counter(map(str, range(600)))
    assert all(result.values())
    balances = [at.run(name).balance() for name in "abcd"]
    assert all(one.is_even for one in balances)
    assert sum(one.stored for one in balances) == 600
    assert all(row.visits == 1 for row in at.rows().values())


def test_what_a_killed_process_held_is_due_at_once(at: FrontierIndex) -> None:
    run = at.run()
    run.discover(links(range(5)))
    held = start(HOLDER, at)
    try:
        assert line(held) == "3"
        assert [visit.article_id for visit in run.lease(5)] == ["3", "4"]
        assert run.release_expired() == 0
        held.send_signal(signal.SIGKILL)
        # Not waited for: a zombie is dead as well.
        deadline = time.monotonic() + 60
        while not is_gone(at.holder("held")):
            assert time.monotonic() < deadline
        assert [visit.article_id for visit in run.lease(5)] == ["0", "1", "2"]
        assert at.run("held").balance().discovered == 0
    finally:
        held.kill()
        held.communicate()


def test_release_expired_frees_the_articles_of_dead_runs(at: FrontierIndex) -> None:
    run = at.run()
    run.discover(links(range(5)))
    held = start(HOLDER, at)
    line(held)
    held.kill()
    held.communicate()
    assert run.due_count() == 5
    assert run.release_expired() == 3
    assert run.due_count() == 5


def test_a_stopped_process_keeps_its_lease_until_it_is_killed(at: FrontierIndex) -> None:
    run = at.run()
    run.discover(links(range(3)))
    held = start(HOLDER, at)
    try:
        line(held)
        held.send_signal(signal.SIGSTOP)
        assert run.lease(3) == []
        at.clock.turn(timedelta(hours=1))
        assert run.lease(3) == []
        held.kill()
        held.wait()
        assert len(run.lease(3)) == 3
    finally:
        held.kill()
        held.communicate()


def test_only_the_certainly_dead_are_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    me, dead = this_process(), a_dead_process()
    machine, pid, started = me.split(" ")
    assert is_gone(dead)
    assert not is_gone(me)
    assert is_gone(f"{machine} {pid} {int(started) - 1}")  # the number is used again
    assert not is_gone(f"{machine} {pid} -")
    assert not is_gone(dead.replace(machine, "another-boot/pid:[1]"))
    assert not is_gone("")
    assert not is_gone("nonsense")
    # Where the system tells nothing of processes, only a number that nobody has is dead.
    monkeypatch.setattr(holder, "_PROC", tmp_path)
    name = this_process()
    assert name.endswith(f" {os.getpid()} -")
    assert not is_gone(name)
    assert is_gone(name.replace(pid, dead.split(" ")[1]))
