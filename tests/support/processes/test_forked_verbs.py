"""Forked verbs are processes like those that are started: streams, signals and groups."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.documents import SEEDS
from tests.support.processes.cli import FileWorkspace, Workspace
from tests.support.processes.fake_clock import clock, library
from tests.support.processes.forked_verbs import ForkedVerb, can_fork, own_environment


@pytest.mark.parametrize("words", [["status"], ["list"], ["nosuch"], ["search", "--nosuch"]])
def test_a_forked_verb_ends_as_a_started_one(tmp_path: Path, words: list[str]) -> None:
    workspace = Workspace(tmp_path)
    started = subprocess.run(
        [sys.executable, "-m", "scrapy", *words],
        cwd=workspace.checkout,
        env=workspace.environment(),
        capture_output=True,
        check=False,
    )
    said = workspace.run(*words)
    left = workspace.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = left.communicate()
    expected = (started.returncode, started.stdout.decode(), started.stderr.decode())
    assert (said.code, said.out, said.err) == expected
    assert (left.returncode, out.decode(), err.decode()) == expected


def test_a_verb_left_running_is_a_child_that_signals_reach(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.run("replay", SEEDS / "etoday").code == 0
    serve = ("serve", "--port", "0")
    with workspace.start(*serve, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        assert b"http://127.0.0.1:" in process.stdout.readline()
        assert os.getpgid(process.pid) == process.pid
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(library() is None, reason="libfaketime is not installed (Debian: faketime)")
@pytest.mark.parametrize("years", [2, 5, 0])
def test_each_verb_has_the_clock_that_it_is_given(tmp_path: Path, years: int) -> None:
    environment = own_environment() | clock("UTC", FAKETIME=f"+{365 * years}d")
    assert can_fork(environment, Workspace(tmp_path).checkout)
    day = datetime.now(UTC) + timedelta(days=365 * years)
    calendar = ForkedVerb([], module="calendar", env=environment, stdout=subprocess.PIPE)
    out, _ = calendar.communicate()
    assert out.split()[0].decode() in (str(day.year), str((day + timedelta(hours=1)).year))


def test_a_verb_has_the_limits_and_rights_that_it_is_given() -> None:
    how: dict[str, Any] = {}
    if os.geteuid() == 0:
        how = {"user": 61003, "group": 61002, "extra_groups": [61004]}
    limits = {resource.RLIMIT_NOFILE: 77}
    serve = ("serve", "--port", "0")
    with TemporaryDirectory() as place:  # pytest's folders are for one user alone
        workspace = FileWorkspace(Path(place))  # the tests' server is for one user, too
        assert workspace.run("replay", SEEDS / "etoday").code == 0
        for path in (workspace.folder, *workspace.folder.rglob("*")) if how else ():
            os.chown(path, how["user"], how["group"])
        with workspace.start(*serve, stdout=subprocess.PIPE, limits=limits, **how) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            status, limited = (
                Path(f"/proc/{process.pid}/{name}").read_text().splitlines()
                for name in ("status", "limits")
            )
            process.kill()
    assert b"http://127.0.0.1:" in said
    assert [line.split()[3:5] for line in limited if "open files" in line] == [["77", "77"]]
    if how:
        assert [line for line in status if line.startswith(("Uid", "Gid", "Groups"))] == [
            "Uid:\t" + "\t".join(["61003"] * 4),
            "Gid:\t" + "\t".join(["61002"] * 4),
            "Groups:\t61004 ",
        ]
