"""Kills at chosen calls, lost power, failing disks: the short versions of bench.kill_calls, .power and .full_disk."""

from __future__ import annotations

import errno
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from archive.reindex.fresh_index import exclude_reindex
from tests.support.crawling.crawls import site_of_today
from tests.support.documents import SEEDS
from tests.support.faults import full_disks, strace
from tests.support.faults.fault_trials import Tally, Work
from tests.support.faults.full_disks import SMALL, fail_at_each, fill_each
from tests.support.faults.kills_at_calls import kill_at_each
from tests.support.faults.lost_power import lose_power_at
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator


#: On PostgreSQL: tests/faults/test_postgres_faults.py and test_postgres_writers.py.
_OF_FILES = "the calls that write the index's file fail, or are lost"


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    with Work(tmp_path_factory.mktemp("replaying")) as work:
        yield work


@pytest.fixture
def needs_strace() -> None:
    if strace.why_not():
        pytest.skip(strace.why_not())


@pytest.mark.sqlite_only(reason=_OF_FILES)
@pytest.mark.usefixtures("needs_strace")
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("fsync", (4, 9)),
        ("fdatasync", (7,)),
        ("rename", (2,)),
        ("unlink", (1,)),
        ("write", (15,)),
        ("pwrite64", (200,)),
    ],
)
def test_a_replay_killed_at_a_certain_call_loses_nothing(
    replaying: Work, name: str, numbers: tuple[int, ...]
) -> None:
    tally = Tally()
    kill_at_each(replaying, name, tally, numbers=numbers)
    assert tally.clean, tally.line()
    assert tally.harmed == len(numbers)


@pytest.mark.sqlite_only(reason=_OF_FILES)
@pytest.mark.usefixtures("needs_strace")
def test_a_reindex_killed_while_it_puts_its_index_in_place_loses_nothing(tmp_path: Path) -> None:
    tally = Tally()
    with Work(tmp_path, verb="reindex") as work:
        kill_at_each(work, "link", tally, numbers=(1,))
    assert tally.clean, tally.line()
    assert tally.harmed == 1


@pytest.mark.sqlite_only(reason=_OF_FILES)
@pytest.mark.usefixtures("needs_strace")
def test_a_replay_that_loses_power_keeps_what_it_promised(replaying: Work) -> None:
    tally = Tally()
    lose_power_at(replaying, tally, Random(20260901), most=4)
    assert tally.clean, tally.line()
    assert tally.harmed == 4


@pytest.mark.sqlite_only(reason=_OF_FILES)
@pytest.mark.usefixtures("needs_strace")
def test_a_crawl_that_loses_power_keeps_what_it_promised(tmp_path: Path) -> None:
    tally = Tally()
    with site_of_today("newspim", 6) as site, Work(tmp_path, site) as work:
        lose_power_at(work, tally, Random(20260902), most=1)
    assert tally.clean, tally.line()
    assert tally.harmed == 1


@pytest.mark.sqlite_only(reason=_OF_FILES)
@pytest.mark.usefixtures("needs_strace")
@pytest.mark.parametrize(
    ("name", "error", "number"),
    [
        ("write", "ENOSPC", 3),
        ("fsync", "EIO", 4),
        ("fdatasync", "EIO", 8),
        ("pwrite64", "ENOSPC", 100),
        ("rename", "EIO", 1),
    ],
)
def test_one_failing_call_is_reported_and_the_same_command_completes(
    replaying: Work, name: str, error: str, number: int
) -> None:
    tally = Tally()
    fail_at_each(replaying, name, error, tally, numbers=(number,))
    assert tally.clean, tally.line()
    assert tally.harmed == 1


@pytest.mark.sqlite_only(reason=_OF_FILES)
@pytest.mark.parametrize("small", SMALL)
def test_a_full_disk_is_reported_and_with_room_the_same_command_completes(
    replaying: Work, small: str
) -> None:
    if full_disks.why_not():
        pytest.skip(full_disks.why_not())
    tally = Tally()
    fill_each(replaying, small, (24,), tally)
    assert tally.clean, tally.line()
    assert tally.harmed == 1


def test_output_that_a_full_disk_refuses_is_reported(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    workspace = Workspace(tmp_path)
    with full.open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = workspace.start("replay", next(SEEDS.glob("*.txt")), stdout=out, stderr=err)
        assert process.wait(300) == 1
    (sentence,) = (tmp_path / "err").read_text("utf-8").splitlines()
    assert sentence.startswith("scrapy replay: ")
    assert "the disk is full. Free some space" in sentence
    assert len(workspace.rows("captures")) == 1


def test_a_lock_that_cannot_be_removed_is_let_go_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, **_: bool) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "unlink", fails)
    for _ in range(2):
        with exclude_reindex(f"sqlite:///{tmp_path}/index.sqlite3"):
            assert (tmp_path / "index.sqlite3.reindex.lock").exists()
