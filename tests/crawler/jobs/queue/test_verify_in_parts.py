"""A verification whose parts workers do says what one without parts says, whatever others left."""

from __future__ import annotations

import json
import re
import signal
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.database import Index
from tests.support.databases.postgres import new_database
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace
from tests.support.processes.schedules import wait_for
from tests.support.processes.workers import end, rows_of

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds within which processes have done what is waited for.
PATIENCE = 180


def parts_of(url: str) -> list[dict[str, Any]]:
    """Return the runs of parts, as they began."""
    query = "SELECT * FROM runs WHERE verb = 'verify' AND job <> '' ORDER BY started_at, id"
    return rows_of(url, query)


def waiting(url: str) -> int:
    """Return how many parts are in the queue."""
    there = "SELECT 1 FROM pg_tables WHERE tablename = 'procrastinate_jobs'"
    if not rows_of(url, there):
        return 0
    return len(rows_of(url, "SELECT 1 FROM procrastinate.procrastinate_jobs"))


def test_workers_verify_parts_and_the_result_is_that_of_no_parts(tmp_path: Path) -> None:
    url = new_database()
    workspace = Workspace(tmp_path, {"INDEX_URL": url, "LOG_FOLDER": str(tmp_path / "log")})
    for outlet in ("etoday", "newspim"):
        assert workspace.run("replay", SEEDS / outlet).code == 0
    segment = sorted(workspace.archive.glob("*.warc.gz"))[1]
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.chmod(0o640)
    segment.write_bytes(data)

    killed = workspace.start("verify", "--workers", "2")
    wait_for(lambda: waiting(url) == 2, PATIENCE)
    killed.kill()
    killed.wait()
    stopped = workspace.start("verify", "--workers", "3", stderr=PIPE)
    wait_for(lambda: waiting(url) == 5, PATIENCE)
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=PATIENCE)
    assert stopped.returncode == 1
    assert b" verify: 3 parts not yet begun are cancelled.\n" in said
    assert b"Traceback" not in said
    assert waiting(url) == 2

    worker = workspace.start("worker", "--at-once", "2", stdout=DEVNULL, stderr=DEVNULL)
    try:
        beside = workspace.start("verify", "--workers", "2", "--json", stdout=PIPE, stderr=PIPE)
        text = workspace.run("verify", "--workers", "2")
        out, said = beside.communicate(timeout=PATIENCE)
        unsplit = workspace.run("verify", "--json")
        assert json.loads(out) == json.loads(unsplit.out)
        assert (beside.returncode, text.code, unsplit.code) == (1, 1, 1)
        for lines in (text.out, said.decode()):
            assert re.search(r"(?m)^part 1/2 on \S+: succeeded; \S+$", lines), lines
            (log,) = re.findall(r"(?m)^part 2/2 on \S+: failed \(exit 1\); (\S+)$", lines)
            with open(log, encoding="utf-8") as file:  # noqa: PTH123  (a path as it was printed)
                assert segment.name in file.read()
        assert text.out.splitlines()[-1] == workspace.run("verify").out.splitlines()[-1]
        lost = [run for run in parts_of(url) if "3" not in run["arguments"][1]][:2]
        assert {run["ending"] for run in lost} == {"failed"}
        for run in lost:
            with open(run["log"], encoding="utf-8") as file:  # noqa: PTH123  (as above)
                assert "nobody waits for this part" in file.read()
        assert rows_of(url, "SELECT * FROM procrastinate.sacho_part_results") == []
    finally:
        assert end(worker) == 0


@pytest.mark.parametrize("words", [["verify"], ["reindex", "--dry-run"], ["reindex"]])
def test_without_segments_nobody_waits_for_a_worker(tmp_path: Path, words: list[str]) -> None:
    url = new_database()
    Index(url).close()
    workspace = Workspace(tmp_path, {"INDEX_URL": url})
    alone = workspace.run(*words)
    by_workers = workspace.run(*words, "--workers", "2")
    assert (by_workers.code, by_workers.err) == (alone.code, alone.err)
    assert waiting(url) == 0


@pytest.mark.sqlite_only(reason="it is of the sentence that names PostgreSQL")
def test_parts_by_workers_need_a_queue(tmp_path: Path) -> None:
    said = Workspace(tmp_path).run("verify", "--workers", "2")
    assert said.code == 2
    assert "--workers needs workers, and so an index in PostgreSQL" in said.err
    assert not (tmp_path / "index.sqlite3").exists()
