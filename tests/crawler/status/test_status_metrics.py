"""The Prometheus text file: the figures of `--json`, whatever the labels hold, never half a file."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from archive.index.database import Index
from archive.runs.alarms import Alarm, AlarmKind
from archive.runs.fields import FIELDS
from archive.runs.history import runs_between
from archive.runs.queue import QueueState
from archive.runs.record import Ending, RunRecord
from archive.runs.workers import WorkerState
from crawler import VERSION
from crawler.cli.output.printable import printable_lines
from crawler.jobs.config import parse_jobs
from crawler.jobs.daemon import once
from crawler.jobs.due import How, NextRun
from crawler.jobs.execution.logs import Logs
from crawler.jobs.execution.runner import RunnerContext
from crawler.status.json_report import overview_object, runs_object
from crawler.status.outlet_figures import Articles, OutletFigures, Rate
from crawler.status.overview import JobState, OutletState, Overview, Room, survey
from crawler.status.prometheus import MetricsFile, registry_of, write_metrics
from tests.support.archives.run_history import DAY, HOUR, NOW, History
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.jobs.job import Job

_Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

#: Whatever a row may hold: text that UTF-8 can say, quotes, backslashes and line ends often among
#: it.
odd = st.text(
    st.characters(codec="utf-8") | st.sampled_from('"\\\n\r\0\x85\u2028,={}#'), max_size=8
)
moments = st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
numbers = st.integers(0, 10**9)
shares = st.floats(0, 1)


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    began = draw(moments)
    took = draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=9)))
    return RunRecord(
        run_id=draw(odd),
        verb=draw(odd),
        outlet=draw(odd),
        arguments=(draw(odd),),
        job=draw(odd),
        due_at=draw(st.none() | moments),
        attempt=draw(numbers),
        started_at=began,
        ended_at=began + took if took is not None else None,
        ending=draw(st.none() | st.sampled_from(Ending)),
        under_way=draw(st.booleans()),
        exit_code=draw(st.none() | st.integers(-64, 255)),
        host=draw(odd),
        version=draw(odd),
        log=draw(odd),
        counts={draw(odd): {draw(odd): draw(numbers)}},
    )


comings = st.builds(NextRun, st.sampled_from(How), st.none() | moments, st.none() | moments)
alarms = st.builds(
    Alarm,
    id=numbers,
    kind=st.sampled_from(AlarmKind),
    subject=odd,
    sentence=odd,
    began_at=moments,
    ended_at=st.none(),
    notified_at=st.none() | moments,
    resolved_notified_at=st.none(),
)
figures = st.builds(
    OutletFigures,
    new=numbers,
    paywalled=numbers,
    generic=numbers,
    daily=st.none() | st.floats(0, 1e9),
    last_new_at=st.none() | moments,
    outcomes=st.dictionaries(odd, numbers, max_size=3),
    rates=st.fixed_dictionaries(
        {
            name: st.builds(Rate, st.none() | shares, st.none() | shares, st.booleans())
            for name in FIELDS
        }
    ),
    articles=st.builds(Articles, numbers, numbers),
)
(JOB,) = parse_jobs('[[job]]\noutlet = "etoday"\n')


def jobs_named(name: str) -> Job:
    return replace(JOB, name=name)


overviews = st.builds(
    Overview,
    at=moments,
    outlets=st.lists(
        st.builds(
            OutletState,
            name=odd,
            expected=st.none() | numbers,
            jobs=st.just(()),
            last=st.none() | records(),
            done_at=st.none() | moments,
            figures=figures,
            coming=st.none() | comings,
            alarms=st.just(()),
        ),
        max_size=2,
        unique_by=lambda state: state.name,
    ).map(tuple),
    jobs=st.lists(
        st.builds(
            JobState,
            job=st.builds(jobs_named, odd),
            last=st.none() | records(),
            done_at=st.none() | moments,
            coming=comings,
        ),
        max_size=2,
        unique_by=lambda state: state.job.name,
    ).map(tuple),
    alarms=st.lists(alarms, max_size=2).map(tuple),
    problems=st.lists(odd, max_size=1).map(tuple),
    room=st.builds(Room, archive=numbers, index=numbers, free=st.none() | numbers),
)


def samples(text: str) -> _Samples:
    """All samples of a text file as Prometheus reads them; none may be there twice."""
    found: _Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def told(said: dict[str, Any]) -> _Samples:
    """The same samples, out of the JSON object alone."""
    found: _Samples = {}

    def one(name: str, value: Any, **labels: str) -> None:
        if value is not None:
            number = (
                datetime.fromisoformat(value).timestamp()
                if isinstance(value, str)
                else float(value)
            )
            shown = {label: printable_lines(text) for label, text in labels.items()}
            found[f"sacho_{name}", tuple(sorted(shown.items()))] = number

    one("build_info", 1, version=said["version"])
    one("status_timestamp_seconds", said["at"])
    one("ok", said["ok"])
    for name, value in said["room"].items():
        one(name, value)
    if said["queue"] is not None:
        one("queue_waiting", said["queue"]["waiting"])
        one("queue_running", said["queue"]["running"])
        one("queue_oldest_timestamp_seconds", said["queue"]["oldest_at"])
        one("workers", len(said["workers"]))
    for worker in said["workers"]:
        labels = {"host": worker["host"], "run": worker["run"]}
        one("worker_seen_timestamp_seconds", worker["seen_at"], **labels)
        one("worker_jobs", len(worker["jobs"]), **labels)
    for job in said["jobs"]:
        last, name = job["last_run"] or {}, job["job"]
        one("run_last_start_timestamp_seconds", last.get("started_at"), job=name)
        one("run_last_success_timestamp_seconds", job["last_done_at"], job=name)
        one("next_run_timestamp_seconds", job["next_run_at"], job=name)
        one("run_under_way", last.get("under_way"), job=name)
        one("run_last_duration_seconds", last.get("seconds"), job=name)
        one("run_last_exit_code", last.get("exit_code"), job=name)
        if last.get("ending"):
            one("run_last_ending", 1, job=name, ending=last["ending"])
    for outlet in said["outlets"]:
        name = outlet["outlet"]
        one(
            "crawl_last_start_timestamp_seconds",
            (outlet["last_run"] or {}).get("started_at"),
            outlet=name,
        )
        one("crawl_last_success_timestamp_seconds", outlet["last_done_at"], outlet=name)
        one("articles_new_last_day", outlet["new_last_day"], outlet=name)
        one("articles_paywalled_last_day", outlet["paywalled_last_day"], outlet=name)
        one("articles_generic_last_day", outlet["generic_last_day"], outlet=name)
        one("articles_new_daily_mean", outlet["new_daily_mean"], outlet=name)
        one("articles_expected_per_day", outlet["expected_per_day"], outlet=name)
        one("article_last_new_timestamp_seconds", outlet["last_new_at"], outlet=name)
        one("fill_articles", outlet["fill_articles"]["last_day"], outlet=name)
        for what, number in outlet["outcomes_last_day"].items():
            outcome, _, reason = what.partition("/")
            one("outcomes_last_day", number, outlet=name, outcome=outcome, reason=reason)
        for field, rate in outlet["fill"].items():
            one("fill_rate", rate["last_day"], outlet=name, field=field)
            one("fill_rate_before", rate["four_weeks_before"], outlet=name, field=field)
    for alarm in said["alarms"]:
        one("alarm_open", 1, kind=alarm["kind"], subject=alarm["subject"])
    return found


@settings(deadline=None, max_examples=60)
@given(overviews)
def test_metrics_and_json_say_the_same_whatever_the_labels_hold(overview: Overview) -> None:
    text = generate_latest(registry_of(overview)).decode("utf-8")
    assert samples(text) == told(overview_object(overview))


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "index.sqlite3")
    history.run(2 * DAY, {"new": 30, "unchanged": 2}, job="etoday", due_at=NOW - 2 * DAY, attempt=1)
    history.run(HOUR, {"new": 3, "failed/timeout": 2}, job="etoday", due_at=NOW - HOUR, attempt=1)
    history.alarm("etoday", 'it said "no"\nand \\ more')
    return history


def with_workers(overview: Overview) -> Overview:
    """The overview, as of an index with a queue and a worker."""
    worker = WorkerState(
        run_id="w", host="a", version="1", started_at=NOW - HOUR, seen_at=NOW, jobs=("etoday",)
    )
    queue = QueueState(waiting=2, running=1, oldest=NOW - HOUR)
    return replace(overview, queue=queue, workers=(worker,))


def test_json_and_metrics_have_the_same_figures(history: History) -> None:
    with history.index() as index:
        overview = survey(index, history.archive(), [JOB], NOW)
    overview = with_workers(overview)
    found = samples(generate_latest(registry_of(overview)).decode())
    assert found == told(overview_object(overview))
    outlet = (("outlet", "etoday"),)
    assert found["sacho_articles_new_last_day", outlet] == 3
    assert found["sacho_article_last_new_timestamp_seconds", outlet] == (NOW - HOUR).timestamp()
    assert (
        found["sacho_outcomes_last_day", (("outcome", "failed"), *outlet, ("reason", "timeout"))]
        == 2
    )
    assert (
        found["sacho_run_last_success_timestamp_seconds", (("job", "etoday"),)]
        == (NOW - HOUR).timestamp() + 300
    )
    assert found["sacho_build_info", (("version", VERSION),)] == 1
    assert found["sacho_ok", ()] == 0


def test_the_pages_name_every_key_and_every_metric(history: History) -> None:
    with history.index() as index, index.reading() as connection:
        last = runs_between(connection, None, None, NOW)
    with history.index() as index:
        overview = with_workers(survey(index, history.archive(), [JOB], NOW))
    result = runs_object(last, NOW, since=None, until=None, outlet="", counts={}, last={})
    names = {*keys(overview_object(overview)), *keys(result)} - {
        "etoday",
        "new",
        "unchanged",
        "failed/timeout",
        *FIELDS,
    }
    names |= {name.removeprefix("sacho_") for name, _ in told(overview_object(overview))}
    pages = [(ROOT / "docs" / name).read_text("utf-8") for name in ("json.md", "metrics.md")]
    text = "".join(pages).replace("`sacho_", "`")
    assert {name for name in names if f"`{name}`" not in text} == set()


def keys(said: Any) -> set[str]:
    """All keys of a JSON value, at any depth."""
    if isinstance(said, dict):
        return {*said, *(key for value in said.values() for key in keys(value))}
    return {key for value in said for key in keys(value)} if isinstance(said, list) else set()


def test_the_file_is_written_when_a_run_has_ended_and_every_five_minutes(
    history: History, tmp_path: Path
) -> None:
    path, now = tmp_path / "x.prom", [NOW]

    def written() -> float | None:
        return (
            samples(path.read_text()).get(("sacho_status_timestamp_seconds", ()))
            if path.exists()
            else None
        )

    with history.index() as index:
        MetricsFile("", index, str(tmp_path), lambda: now[-1]).update([JOB])
        assert not list(tmp_path.glob("*.prom*"))
        file = MetricsFile(str(path), index, str(tmp_path), lambda: now[-1])
        for seconds, ended, at in (
            (0, False, 0),
            (10, False, 0),
            (20, True, 20),
            (30, False, 20),
            (319, False, 20),
            (320, False, 320),
            (-900, False, -900),
            (-890, False, -900),
        ):
            now.append(NOW + timedelta(seconds=seconds))
            if ended:
                file.ended()
            file.update([JOB])
            assert written() == NOW.timestamp() + at
    assert [found.name for found in tmp_path.glob("x.prom*")] == ["x.prom"]


def test_a_round_of_the_scheduler_ends_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, path = Workspace(tmp_path), tmp_path / "x.prom"
    workspace.archive.mkdir()
    for name, value in workspace.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    jobs = parse_jobs('[[job]]\nname = "check"\ncommand = "verify"\nevery = "1h"\n')
    with Index(workspace.index_url, brief=True) as index:
        house = RunnerContext(index=index, logs=Logs(tmp_path / "log", 1), settings={})
        file = MetricsFile(str(path), index, str(workspace.archive))
        assert once(jobs, house, 1, file.update) == 0
    found = samples(path.read_text())
    assert found["sacho_run_last_exit_code", (("job", "check"),)] == 0
    assert found["sacho_run_last_ending", (("ending", "succeeded"), ("job", "check"))] == 1
    assert ("sacho_next_run_timestamp_seconds", (("job", "check"),)) in found


def test_a_file_that_cannot_be_written_is_logged_once_and_stops_nothing(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "gone"
    with history.index() as index:
        file = MetricsFile(str(place / "x.prom"), index, str(tmp_path))
        for _ in range(3):
            file.ended()
            file.update([JOB])
        (message,) = caplog.messages
        why = f"{place}/x.prom: the metrics can't be written (No such file or directory)."
        assert message == f"{why} Retrying every 5 minutes."
        place.mkdir()
        file.ended()
        file.update([JOB])
        assert (place / "x.prom").exists()
        (place / "x.prom").unlink()
        place.rmdir()
        file.ended()
        file.update([JOB])
    assert caplog.messages == [message, message]


@pytest.mark.sqlite_only(reason="it is of a file that is no index")
def test_an_index_that_cannot_be_read_stops_nothing_either(
    history: History, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with history.index() as index:
        history.path.write_bytes(b"no index any more" * 1000)
        file = MetricsFile(str(tmp_path / "x.prom"), index, str(tmp_path))
        for _ in range(2):
            file.ended()
            file.update([])
    (message,) = caplog.messages
    assert "the metrics can't be written" in message
    assert not (tmp_path / "x.prom").exists()


def test_a_link_stays_one_and_what_is_no_file_is_left_alone(
    history: History, tmp_path: Path
) -> None:
    with history.index() as index:
        overview = survey(index, history.archive(), [], NOW)
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.prom"
    link.symlink_to(tmp_path / "real" / "x.prom")
    for _ in range(2):
        write_metrics(str(link), overview)
    assert link.is_symlink()
    assert samples((tmp_path / "real" / "x.prom").read_text())
    fifo = tmp_path / "fifo.prom"
    os.mkfifo(fifo)
    workspace = Workspace(tmp_path)
    for place in (fifo, tmp_path / "real"):
        result = workspace.call("status", "--metrics", place)
        assert (result.code, result.sentences) == (
            1,
            [f"scrapy status: {place} can't be written ({place} is not a file)."],
        )
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    result = workspace.call("status", "--metrics", tmp_path / "none" / "x.prom")
    assert result.code == 1
    assert result.sentences == [
        f"scrapy status: {tmp_path}/none/x.prom can't be written (No such file or directory)."
    ]
