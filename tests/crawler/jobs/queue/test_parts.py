"""Parts that wait for workers: said, cancelled, given up, and deferred again where they are lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from archive.index.database import Index
from archive.index.writers.leases import all_held
from archive.model.errors import PartsError
from archive.model.program import PROGRAM
from archive.runs.job_runs import Claim, claim, end, past
from archive.runs.part_results import PartResults, check_awaited
from archive.runs.queue import in_queue, queued
from archive.runs.record import Ending
from crawler.jobs.queue import parts as module
from crawler.jobs.queue.parts import Parts
from tests.support.databases.postgres import new_database
from tests.support.processes.schedules import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.runs.record import RunRecord

WORDS = [["--part", "1/2"], ["--part", "2/2"]]


@pytest.fixture(name="index", scope="module")
def fixture_index() -> Iterator[Index]:
    with Index(new_database()) as index:
        yield index


def names(index: Index) -> set[str]:
    """Return the jobs that are in the queue."""
    with index.reading() as connection:
        return {lock.partition(" ")[0] for lock in queued(connection)}


def begin(index: Index, name: str, attempt: int = 1) -> str:
    """Begin a run of a part, as a worker does; return its id."""
    now = datetime.now(UTC)
    with index.reading() as connection:
        last = past(connection, name, now).last
    claimed = claim(
        index,
        Claim(
            job=name,
            due_at=last.due if last is not None else now,
            attempt=attempt,
            verb="verify",
            outlet="",
            arguments=WORDS[0],
            version="1",
            leases=[f"job {name}"],
        ),
        now,
    )
    assert claimed is not None
    return claimed.run_id


def test_that_no_worker_runs_is_said_and_parts_are_given_up(
    index: Index, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("_LOOK_FOR_WORKERS", 0.01), ("SILENCE", 0.02), ("PATIENCE", 0.1)):
        monkeypatch.setattr(module, name, value)
    with Parts(index, "verify", WORDS, "alone") as parts:
        assert names(index) == {"verify-alone-1", "verify-alone-2"}
        with pytest.raises(PartsError, match="no worker has run for 0 minutes"):
            list(parts.ended())
    said = capsys.readouterr().err
    assert said.count(f"verify: no worker runs; start `{PROGRAM} worker` here or") == 1
    assert "verify: 2 parts not yet begun are cancelled.\n" in said
    assert names(index) == set()
    with index.reading() as connection:
        assert all_held(connection, datetime.now(UTC)) == {}


def test_an_interrupt_cancels_what_has_not_begun_and_names_what_runs(
    index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt_with_second_part_taken(index)
    said = capsys.readouterr().err
    assert "verify: 1 part not yet begun is cancelled.\n" in said
    assert "verify: part 2/2 still runs on " in said
    assert names(index) == {"verify-interrupted-2"}


def interrupt_with_second_part_taken(index: Index) -> None:
    """Interrupt whoever waits for two parts, of which a worker has taken the second."""
    with Parts(index, "verify", WORDS, "interrupted"):
        begin(index, "verify-interrupted-2")
        change_queue(
            index,
            "UPDATE procrastinate_jobs SET status = 'doing' "
            "WHERE queueing_lock LIKE 'verify-interrupted-2 %'",
        )
        raise KeyboardInterrupt


def change_queue(index: Index, statement: str) -> None:
    """Do what the queue does when a worker takes jobs, or has run them."""
    with in_queue(index) as connection:
        connection.execute(text(statement))


def test_a_part_that_a_worker_was_told_to_stop_is_deferred_again(index: Index) -> None:
    found: list[RunRecord] = []
    name = "verify-stopped-1"
    with Parts(index, "verify", WORDS[:1], "stopped") as parts:
        change_queue(index, "DELETE FROM procrastinate_jobs")
        end(index, begin(index, name), Ending.STOPPED, 1, datetime.now(UTC))
        waiting = threading.Thread(target=lambda: found.extend(parts.ended()))
        waiting.start()
        wait_for(lambda: names(index) == {name}, 120)
        end(index, begin(index, name, 2), Ending.SUCCEEDED, 0, datetime.now(UTC))
        change_queue(index, "DELETE FROM procrastinate_jobs")
        waiting.join(120)
        assert [(run.ending, parts.number_of(run)) for run in found] == [(Ending.SUCCEEDED, 1)]


def test_a_part_that_nobody_waits_for_is_told_so(index: Index) -> None:
    with Parts(index, "verify", [], "awaited"):
        check_awaited(index, "awaited")
        with pytest.raises(PartsError, match="nobody waits for this part"):
            check_awaited(index, "another")
    with pytest.raises(PartsError, match="nobody waits for this part"):
        check_awaited(index, "awaited")


def test_results_are_those_of_the_last_run_of_each_part_while_somebody_waits(index: Index) -> None:
    with Parts(index, "verify", [], "first"):
        own, other = PartResults(index, "first"), PartResults(index, "second")
        own.begin()
        own.put(1, [b"a", b"b", b"c"])
        own.put(1, [b"d", b"e"])
        own.put(2, [b"f"])
        other.begin()
        assert [list(own.pieces(number)) for number in (1, 2, 3)] == [[b"d", b"e"], [b"f"], []]
        assert list(other.pieces(1)) == []
    other.begin()
    assert list(own.pieces(1)) == []
