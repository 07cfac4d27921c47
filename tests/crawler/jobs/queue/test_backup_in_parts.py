"""A backup whose segments workers copy: whole, or none, and restored like any other."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from archive.backup import inventory
from tests.support.databases.postgres import new_database
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace
from tests.support.processes.schedules import wait_for
from tests.support.processes.workers import end, rows_of

#: Seconds within which processes have done what is waited for.
PATIENCE = 180
_PARTS = "SELECT * FROM runs WHERE verb = 'backup' AND job <> '' ORDER BY started_at, id"


def test_workers_copy_segments_after_a_command_that_was_killed(tmp_path: Path) -> None:
    url, backup = new_database(), tmp_path / "backup"
    workspace = Workspace(tmp_path, {"INDEX_URL": url, "LOG_FOLDER": str(tmp_path / "log")})
    for outlet in ("etoday", "newspim"):
        assert workspace.run("replay", SEEDS / outlet).code == 0

    killed = workspace.start("backup", backup, "--workers", "2", stdout=DEVNULL, stderr=DEVNULL)
    wait_for(lambda: bool([*backup.glob("state-*/parts/plan.json")]), PATIENCE)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    refused = workspace.run("restore", backup)
    assert "has not finished: there is nothing to restore yet" in refused.err

    worker = workspace.start("worker", "--at-once", "2", stdout=DEVNULL, stderr=DEVNULL)
    try:
        made = workspace.run("backup", backup, "--workers", "2")
        with Path("/dev/full").open("w") as full:
            words = ("backup", tmp_path / "untold", "--workers", "2")
            untold = workspace.start(*words, stdout=full, stderr=PIPE)
            _, err = untold.communicate(timeout=PATIENCE)
    finally:
        assert end(worker) == 0
    assert made.code == 0, made.err
    assert re.findall(r"(?m)^part ([12]/2) on \S+: succeeded; \S+$", made.out) in (
        ["1/2", "2/2"],
        ["2/2", "1/2"],
    )
    assert "segments: 2 new, 0 unchanged, 0 deleted" in made.out
    assert untold.returncode == 1
    assert b"output" in err
    assert str(tmp_path / "untold").encode() not in err, "its disk is not to blame"
    known, whole = inventory.read(backup), inventory.read(tmp_path / "untold")
    assert known is not None
    assert whole is not None
    assert len(whole.files) == len(known.files)
    for run in rows_of(url, _PARTS):
        is_of_killed = run["arguments"][-1] not in (known.state, whole.state)
        assert run["ending"] == ("failed" if is_of_killed else "succeeded"), run

    unsplit = workspace.run("backup", tmp_path / "unsplit")
    assert unsplit.code == 0, unsplit.err
    other = inventory.read(tmp_path / "unsplit")
    assert other is not None
    names = {name.replace(other.state, known.state): one for name, one in other.files.items()}
    index = f"{known.state}/{inventory.INDEX}"
    assert {**known.files, index: None} == {**names, index: None}
    for name in known.files:
        lies = tmp_path / "unsplit" / name.replace(known.state, other.state)
        assert name == index or (backup / name).read_bytes() == lies.read_bytes()

    restored = Workspace(tmp_path / "restored")
    assert restored.run("restore", backup).code == 0
    verified = restored.run("verify")
    assert verified.code == 0, verified


@pytest.mark.sqlite_only(reason="it is of the sentence that names PostgreSQL")
def test_backups_by_workers_need_a_queue(tmp_path: Path) -> None:
    said = Workspace(tmp_path).run("backup", tmp_path / "backup", "--workers", "2")
    assert said.code == 2
    assert "--workers needs workers, and so an index in PostgreSQL" in said.err
    assert not (tmp_path / "backup").exists()
