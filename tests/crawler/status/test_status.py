"""`scrapy status` after real crawls, into a pipe, in a narrow terminal, and without an index."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import sqlite3
import struct
import subprocess
import termios
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from archive.runs.figures import Example
from archive.runs.history import runs_between
from crawler.jobs.config import parse_jobs
from crawler.status.console import print_overview, print_reasons, print_runs
from crawler.status.overview import Overview, Room, survey
from tests.support.archives.run_history import DAY, HOUR, NOW, History
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.documents import MADE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import CommandResult

JOBS = (
    '[[job]]\noutlet = "etoday"\nretries = 1\n'
    '[[job]]\nname = "verify"\ncommand = "verify --sample 2%"\nevery = "1d"\n'
)
"""One crawl an hour at seven past, and one other verb."""


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two crawls of a mock site, with a failing page in the second, and a replay of old pages."""
    folder = tmp_path_factory.mktemp("crawled")
    with site_of_today("etoday", 12) as site:
        crawls = Crawls.into(folder, site)
        assert crawls.run().code == 0
        bad, *_ = site.publish(3)
        site.fault(f"/view/{bad}", "login")
        assert crawls.run("-a", "limit=20").code == 1
        assert crawls.workspace.call("replay", *MADE).code == 0
    (folder / "jobs.toml").write_text(JOBS)
    return replace(crawls.workspace, settings={"JOBS_FILE": str(folder / "jobs.toml")})


def status(workspace: Workspace, *words: str | Path) -> CommandResult:
    """The verb within this process, by the workspace's own jobs."""
    return workspace.call("status", "-s", f"JOBS_FILE={workspace.folder / 'jobs.toml'}", *words)


def as_json(workspace: Workspace, *words: str) -> dict[str, Any]:
    result = status(workspace, "--json", *words)
    assert result.err == ""
    found: dict[str, Any] = json.loads(result.out)
    return found


def cells(out: str) -> list[list[str]]:
    """The cells of all printed tables' rows."""
    lines = [line.replace("┃", "│") for line in out.splitlines()]
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in lines
        if line.startswith("│")
    ]


def test_an_outlets_row_says_what_its_crawls_did_and_nothing_of_a_replay(
    crawled: Workspace,
) -> None:
    result = crawled.run("status")
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out, "a pipe takes no colours"
    _, etoday, newspim, _, verify = cells(result.out)
    assert etoday[0] == "etoday"
    assert etoday[1].endswith("failed (exit 1), by hand")
    assert etoday[2:6] == ["2 new, 1 unparsed", "14", "–", "300"]
    assert etoday[7:] == ["6.7%", "now", "–"]
    assert newspim == ["newspim", *["–"] * 9], "its articles were only replayed"
    assert verify[:3] == ["verify", "verify --sample 2%", "now"]
    figures = as_json(crawled)
    outlet = figures["outlets"][0]
    assert outlet["outcomes_last_day"] == {"new": 14, "unparsed/login_wall": 1}
    assert outlet["fill"]["headline"] == {
        "last_day": 1.0,
        "four_weeks_before": None,
        "far_off": False,
    }
    assert outlet["fill_articles"] == {"last_day": 14, "four_weeks_before": 0}
    assert datetime.fromisoformat(outlet["last_new_at"]) > datetime.now(UTC) - timedelta(minutes=10)
    assert outlet["last_new_at"].endswith("+09:00")
    assert figures["room"]["archive_bytes"] == sum(map(len, crawled.kept_bytes().values()))


def test_a_days_runs_and_reasons_answer_why_so_little(crawled: Workspace) -> None:
    # Midnight may have come between them and now.
    begun = [datetime.fromisoformat(row["started_at"]) for row in crawled.rows("runs")]
    first_day, last_day = (
        f"{when.replace(tzinfo=UTC).astimezone(NOW.tzinfo):%Y-%m-%d}"
        for when in (min(begun), max(begun))
    )
    days = ("--since", first_day, "--until", last_day)
    result = status(crawled, "--runs", "--outlet", "etoday", *days)
    assert (result.code, result.err) == (0, "")
    _, last, first, _, *reasons = cells(result.out)
    assert last[2:6] == [
        "hand",
        "crawl etoday -a limit=20",
        "2 new, 1 unparsed/login_wall",
        "failed (exit 1)",
    ]
    assert first[2:6] == ["hand", "crawl etoday", "12 new", "succeeded"]
    assert "2 runs: 14 new, 1 unparsed/login_wall" in result.out
    assert [reason[:2] for reason in reasons] == [["new", "14"], ["unparsed/login_wall", "1"]]
    assert reasons[1][2].startswith("https://www.etoday.co.kr/news/view/")
    told = as_json(crawled, "--runs", "--outlet", "etoday", *days)
    assert told["counts"] == {"new": 14, "unparsed/login_wall": 1}
    assert told["examples"]["unparsed/login_wall"]["source"] == reasons[1][2]
    every = as_json(crawled, "--runs")["runs"]
    assert [(run["verb"], run["ending"], run["exit_code"]) for run in every] == [
        ("replay", "succeeded", 0),
        ("crawl", "failed", 1),
        ("crawl", "succeeded", 0),
    ]
    assert [run["run"] for run in as_json(crawled, "--runs", "1")["runs"]] == [every[0]["run"]]
    assert all(run["host"] and run["version"] and run["seconds"] > 0 for run in every)
    result = status(crawled, "--runs", "--since", "2020-01-01", "--until", "2020-01-01")
    assert (result.code, result.out, result.err) == (0, "0 runs\n", "")


@pytest.mark.sqlite_only(reason="it looks into the file")
def test_it_only_reads(crawled: Workspace) -> None:
    before = crawled.index.read_bytes()
    for words in ((), ("--runs",), ("--json",)):
        assert status(crawled, *words).code == 0
    assert crawled.index.read_bytes() == before


@pytest.mark.sqlite_only(reason="there is no file of the index yet")
def test_where_there_is_no_index_it_says_so_and_makes_none(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "nothing")
    for words in (
        ("status",),
        ("status", "--runs"),
        ("status", "--json"),
        ("status", "--metrics", "x.prom"),
    ):
        result = workspace.call(*words)
        assert (result.code, result.out) == (1, "")
        (sentence,) = result.sentences
        assert sentence.startswith("scrapy status: there is no index at ")
    assert not workspace.folder.exists()


@pytest.mark.sqlite_only(reason="there is no earlier schema in PostgreSQL")
def test_an_index_of_an_older_schema_is_left_as_it_is(tmp_path: Path) -> None:
    history = History(tmp_path / "index.sqlite3")
    history.index().close()
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    result = Workspace(tmp_path).call("status")
    assert result.code == 1
    assert "earlier version of Sacho (schema 0004): run scrapy reindex" in result.sentences[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["etoday"], "status takes no arguments"),
        (["--since", "2026-11-01"], "--since and --until need --runs"),
        (["--runs", "0"], "'0' is not a number of at least 1"),
        (["--runs", "many"], "'many' is not a number of at least 1"),
        (["--runs", "--since", "tuesday"], "'tuesday' is not a valid date: write YYYY-MM-DD"),
        (
            ["--runs", "--since", "0001-01-01"],
            "0001-01-01 is not between 1000-01-01 and 9998-12-31",
        ),
        (
            ["--runs", "--until", "9999-12-31"],
            "9999-12-31 is not between 1000-01-01 and 9998-12-31",
        ),
        (
            ["--runs", "--since", "2026-11-03", "--until", "2026-11-02"],
            "--since 2026-11-03 is later than --until",
        ),
        (["--json", "--metrics", "x.prom"], "not allowed with argument --json"),
        (["--runs", "--metrics", "x.prom"], "--metrics writes all figures"),
        (["--outlte", "etoday"], "unknown option --outlte"),
    ],
)
def test_invalid_usage_is_reported(tmp_path: Path, words: list[str], sentence: str) -> None:
    result = Workspace(tmp_path).call("status", *words)
    assert result.code == 2
    assert sentence in result.err + result.out


def test_its_help_has_an_example(tmp_path: Path) -> None:
    result = Workspace(tmp_path).call("status", "--help")
    assert (result.code, result.err) == (0, "")
    assert "Example: scrapy status --runs" in " ".join(result.out.split())


def test_an_unknown_outlet_is_a_failure(crawled: Workspace) -> None:
    for words in ((), ("--runs",), ("--json",)):
        result = status(crawled, "--outlet", "nobody", *words)
        assert (result.code, result.out.count("no outlet 'nobody'")) == (2, 0)
        assert "no outlet 'nobody'" in result.err
    assert status(crawled, "--runs", "--outlet", "newspim").out == "0 runs\n", (
        "it was never crawled"
    )
    assert [outlet["outlet"] for outlet in as_json(crawled, "--outlet", "newspim")["outlets"]] == [
        "newspim"
    ]


def test_an_invalid_jobs_file_is_reported_and_the_rest_is_shown(
    crawled: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "jobs.toml").write_text('[[job]]\noutlet = "etody"\nevry = "1h"\n')
    result = crawled.call("status", "-s", f"JOBS_FILE={tmp_path / 'jobs.toml'}")
    assert result.code == 1
    assert "line 2" in result.out
    assert "line 3" in result.out
    assert cells(result.out)[1][0] == "etoday"
    result = crawled.call("status", "-s", f"JOBS_FILE={tmp_path / 'none.toml'}")
    assert result.code == 0, "all is crawled by hand"
    assert cells(result.out)[1][8] == "–"


def test_an_open_alarm_is_shown_and_ends_it_with_1(tmp_path: Path) -> None:
    history = History(tmp_path / "index.sqlite3")
    history.alarm("archive", "the disk is nearly full", kind="disk")
    history.index().close()
    workspace = Workspace(tmp_path)
    shown = status(workspace)
    assert (shown.code, shown.err) == (1, "")
    assert shown.out.splitlines()[1] == "! the disk is nearly full (since 2026-11-22 15:30 KST)"
    assert status(workspace, "--json").code == 1
    assert status(workspace, "--metrics", tmp_path / "x.prom").code == 1
    assert (
        'sacho_alarm_open{kind="disk",subject="archive"} 1.0' in (tmp_path / "x.prom").read_text()
    )
    assert status(workspace, "--runs").code == 0, "the history is no state of things"


def test_an_unreadable_archive_is_reported_and_the_rest_is_shown(
    crawled: Workspace, tmp_path: Path
) -> None:
    for place in (tmp_path / ("x" * 300), tmp_path / "file"):  # for root no folder is locked
        if len(place.name) < 255:
            place.touch()
        setting = ("-s", f"ARCHIVE_URL={place}", "-s", "JOBS_FILE=none.toml")
        result = crawled.call("status", *setting)
        assert (result.code, result.err) == (1, "")
        assert cells(result.out)[1][0] == "etoday"
        assert f"! Cannot use {place}: " in result.out
        assert "archive –, index " in result.out
        result = crawled.call("status", "--json", *setting)
        room = json.loads(result.out)["room"]
        assert (room["archive_bytes"], room["disk_free_bytes"]) == (None, None)


def test_a_reader_that_goes_away_is_no_failure(crawled: Workspace) -> None:
    process = crawled.start("status", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(300) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("width", [40, 100, 200])
def test_a_narrow_terminal_gets_lines_and_a_wide_one_a_table(
    crawled: Workspace, width: int
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = crawled.start(
        "status", stdout=theirs, stderr=theirs, stdin=theirs, env={"TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # so ends what a terminal gives
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert process.wait(300) == 0
    text = shown.decode()
    assert ("outlet: etoday" in text) is (width < 200)
    assert ("│ etoday  │" in text) is (width == 200)
    assert "new 24 h" in text


def standing(history: History, jobs: str = JOBS, now: datetime = NOW) -> Overview:
    with history.index() as index:
        overview = survey(index, history.archive(), parse_jobs(jobs), now)
    return replace(overview, room=Room(archive=5 * 2**30, index=812, free=None))


def test_the_tables_read_as_they_should(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(tmp_path / "index.sqlite3")
    for day in range(2, 30):
        history.run(
            day * DAY, {"new": 6, "unchanged": 4}, job="etoday", due_at=NOW - day * DAY, attempt=1
        )
    slot = NOW.replace(minute=7)
    history.run(
        NOW - slot + HOUR,
        {"new": 20, "unchanged": 3, "failed/timeout": 2},
        empty=("authors",),
        job="etoday",
        due_at=slot - HOUR,
        attempt=1,
    )
    history.run(
        NOW - slot,
        {},
        job="etoday",
        due_at=slot,
        attempt=1,
        ending="failed",
        exit_code=1,
        log="/log/1.log",
    )
    history.run(
        NOW - slot - HOUR / 6,
        {},
        job="etoday",
        due_at=slot,
        attempt=2,
        ending="timed_out",
        exit_code=-15,
    )
    history.run(
        18 * HOUR, {}, verb="verify", job="verify", due_at=NOW.replace(hour=0, minute=0), attempt=1
    )
    history.run(400 * DAY, {"new": 1}, outlet="newspim")
    history.alarm("etoday", "etoday has been silent")
    history.alarm("archive", "the disk is nearly full", kind="disk")
    history.alarm("newspim", "was silent", ended=True)
    overview = standing(history)
    print_overview(overview)
    out = capsys.readouterr().out
    assert cells(out) == SHOWN
    assert [line for line in out.splitlines() if line[0] not in "┏┃┡│└"] == BELOW
    assert not overview.ok


#: Read by a person: a job's runs and what they brought, its failures after the one retry, and two
#: open alarms.
SHOWN = [
    [
        "outlet",
        "last run (KST)",
        "results",
        "new 24 h",
        "avg/day (7d)",
        "expected",
        "last new",
        "error rate",
        "next",
        "warnings",
    ],
    [
        "etoday",
        "11-22 18:17 timed_out (exit -15), job etoday",
        "nothing",
        "20",
        "6",
        "300",
        "11-22 17:07",
        "8.0%",
        "2026-11-22 19:07",
        "silent; authors in 0% of the day's articles, before in 100%",
    ],
    [
        "newspim",
        "2025-10-18 18:30 succeeded, by hand",
        "1 new",
        "0",
        "0",
        "–",
        "2025-10-18 18:30",
        "–",
        "–",
        "–",
    ],
    ["job", "command", "next", "last run (KST)"],
    ["verify", "verify --sample 2%", "2026-11-23 00:00", "11-22 00:30 succeeded"],
]
BELOW = [
    "! etoday has been silent (since 2026-11-22 15:30 KST)",
    "! the disk is nearly full (since 2026-11-22 15:30 KST)",
    "! Job etoday timed out in 2 attempts, scheduled for 2026-11-22 18:07 KST",
    "archive 5.0 GiB, index 812 B; 2026-11-22 18:30 KST",
]


def test_an_empty_index_has_nothing_to_say(tmp_path: Path) -> None:
    History(tmp_path / "index.sqlite3").index().close()
    result = Workspace(tmp_path).call("status", "-s", "JOBS_FILE=/nonexistent")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "no outlet has a job, a crawl or an article yet\narchive 0 B, index "
    )
    assert Workspace(tmp_path).call("status", "--runs").out == "0 runs\n"


def test_what_an_outlet_served_commands_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(tmp_path / "index.sqlite3")
    history.run(
        HOUR, {"new": 1}, arguments=["etoday", "\x1b]0;owned\x07\u202e"], log="a\nb", outlet="경제"
    )
    history.alarm("경제", "one\ntwo \x1b[2J")
    overview = standing(history)
    print_overview(overview)
    with history.index() as index, index.reading() as connection:
        records = runs_between(connection, None, None, NOW)
    print_runs(records, {})
    print_reasons({"new": 1}, {("new", ""): Example("https://x/\x1b[1m\x9b1m", "\u2028")})
    out = capsys.readouterr().out
    assert {sign for sign in out if not sign.isprintable()} == {"\n"}
    assert "경제" in out
    assert "one two �[2J" in out
    assert "│ a b │" in out


def run_of_job(
    history: History, ago: timedelta, due: datetime, attempt: int = 1, **facts: Any
) -> None:
    history.run(ago, {}, job="etoday", due_at=due, attempt=attempt, **facts)


FAILED = {"ending": "failed", "exit_code": 1}


@pytest.mark.parametrize(
    ("past", "jobs", "problem"),
    [
        ([(0, 1, {})], JOBS, ""),
        ([(0, 1, FAILED)], JOBS, ""),  # tried again in five minutes
        (
            [(0, 1, FAILED), (0, 2, FAILED)],
            JOBS,
            "Job etoday failed (exit 1) in 2 attempts, scheduled for 2026-11-22 18:07 KST",
        ),
        ([(0, 1, FAILED), (0, 2, FAILED)], JOBS.replace("retries", "alert = false\nretries"), ""),
        (
            [(0, 1, FAILED | {"exit_code": 2})],
            JOBS,
            "Job etoday failed (exit 2), scheduled for 2026-11-22 18:07 KST",
        ),
        ([(0, 1, {"ending": "crashed", "exit_code": None})], JOBS, ""),  # taken up again
        ([(2, 1, {})], JOBS, ""),
        (
            [(4, 1, {})],
            JOBS,
            "Job etoday was due at 2026-11-22 15:07 KST and has not been run since; is a "
            "scheduler running?",
        ),
    ],
)
def test_a_job_is_a_problem_when_it_has_failed_for_good_or_is_not_run(
    tmp_path: Path, past: list[tuple[int, int, dict[str, Any]]], jobs: str, problem: str
) -> None:
    history = History(tmp_path / "index.sqlite3")
    slot = NOW.replace(minute=7)
    for hours, attempt, facts in past:
        due = slot - hours * HOUR
        run_of_job(history, NOW - due - (attempt - 1) * HOUR / 6, due, attempt, **facts)
    overview = standing(history, jobs)
    assert overview.problems == ((problem,) if problem else ())
    assert overview.ok is not bool(problem)
    if problem:
        history.alarm("etoday", "the same", kind="job_failed")
        assert ("failed" in "".join(standing(history, jobs).problems)) is False
