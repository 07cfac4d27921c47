"""Prints the status and the history of runs in tables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from crawler.cli.output.plural import counted
from crawler.cli.output.printable import printable
from crawler.cli.output.shares import percent
from crawler.cli.output.sizes import size_text
from crawler.cli.output.tables import print_table
from crawler.cli.output.times import kst_minute, kst_second

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from archive.runs.alarms import Alarm
    from archive.runs.figures import Example
    from archive.runs.record import RunRecord
    from crawler.status.overview import OutletState, Overview

T = TypeVar("T")
#: Shown where a value is unknown or there is nothing to say.
_NONE = "–"
#: Times further away than this are shown with their year.
_THIS_YEAR = timedelta(days=180)
_OUTLETS = (
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
)
_RUNS = (
    "started (KST)",
    "took",
    "by",
    "command",
    "results",
    "ended",
    "host",
    "version",
    "log",
)


def print_overview(overview: Overview) -> None:
    """Print the outlets, the jobs that are no crawls, open alarms and other problems."""
    now = overview.at
    if not overview.outlets:
        print("no outlet has a job, a crawl or an article yet")
    _print_rows(_OUTLETS, [_outlet_row(state, now) for state in overview.outlets])
    for each in overview.outlets:
        if each.figures.generic:
            number = counted(each.figures.generic, "page")
            print(f"generic {each.name}: {number} of the last day read by no layout")
    rows = []
    for state in overview.jobs:
        if not state.job.outlet:
            command = " ".join((state.job.verb, *state.job.words))
            rows.append((state.job.name, command, str(state.coming), _last_run(state.last, now)))
    _print_rows(("job", "command", "next", "last run (KST)"), rows)
    _print_queue(overview)
    for sentence in (*map(_alarm, overview.alarms), *overview.problems):
        print(f"! {_one_line(sentence)}")
    room = overview.room
    free = f", {size_text(room.free)} free" if room.free is not None else ""
    archive = size_text(room.archive) if room.archive is not None else _NONE
    print(f"archive {archive}, index {size_text(room.index)}{free}; {kst_minute(now)} KST")


def _print_queue(overview: Overview) -> None:
    """Print the workers and the queue, if there is one."""
    queue, now = overview.queue, overview.at
    rows = [
        (
            worker.host,
            _moment(worker.started_at, now),
            kst_second(worker.seen_at).partition(" ")[2],
            worker.version,
            ", ".join(worker.jobs) or _NONE,
        )
        for worker in overview.workers
    ]
    _print_rows(("worker on", "since (KST)", "seen", "version", "jobs"), rows)
    if queue is not None:
        since = f", the oldest since {_moment(queue.oldest, now)}" if queue.oldest else ""
        print(
            f"queue: {queue.waiting} waiting{since}, {queue.running} running; "
            f"{counted(len(overview.workers), 'worker')}"
        )


def print_runs(records: Sequence[RunRecord], counts: Mapping[str, int]) -> None:
    """Print runs, the latest first, and the sum of their results."""
    _print_rows(_RUNS, [_run_row(record) for record in records])
    total = f": {_results(counts)}" if counts else ""
    print(f"{counted(len(records), 'run')}{total}")


def print_reasons(counts: Mapping[str, int], last: Mapping[tuple[str, str], Example]) -> None:
    """Print an outlet's outcomes and reasons, the most frequent first, with the last example."""
    rows = []
    for what, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        outcome, _, reason = what.partition("/")
        example = last.get((outcome, reason))
        shown = _NONE
        if example is not None:
            shown = " ".join(filter(None, (example.source, example.detail)))
        rows.append((what, str(number), shown))
    _print_rows(("outcome", "number", "example"), rows)


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print_table(columns, [tuple(map(_one_line, row)) for row in rows])


def _one_line(text: str) -> str:
    """Return text as one printable line: it may quote what an outlet served."""
    return printable(" ".join(text.split()))


def _outlet_row(state: OutletState, now: datetime) -> tuple[str, ...]:
    figures = state.figures
    results = new = _NONE
    if state.last is not None:
        results = _results(_by_outcome(state.last.totals))
        paywalled = f" ({figures.paywalled} paywalled)" if figures.paywalled else ""
        new = f"{figures.new}{paywalled}"
    # The sentences of the alarms stand below the table.
    kinds = (alarm.kind.replace("_", " ") for alarm in state.alarms)
    warnings = "; ".join((*kinds, *_drifts(state)))
    return (
        state.name,
        _last_run(state.last, now, with_job=True),
        results,
        new,
        _or_none(figures.daily, "{:.0f}".format),
        _or_none(state.expected, str),
        _or_none(figures.last_new_at, lambda moment: _moment(moment, now)),
        _or_none(figures.error_rate, percent),
        _or_none(state.coming, str),
        warnings or _NONE,
    )


def _run_row(record: RunRecord) -> tuple[str, ...]:
    took = _NONE
    if record.ended_at is not None:
        seconds = (record.ended_at - record.started_at).total_seconds()
        took = str(timedelta(seconds=round(seconds)))
    job = f"{record.job}, attempt {record.attempt}" if record.attempt > 1 else record.job
    return (
        kst_second(record.started_at),
        took,
        job or "hand",
        " ".join((record.verb, *record.arguments)),
        _all_results(record),
        _ending(record),
        record.host or _NONE,
        record.version or _NONE,
        record.log or _NONE,
    )


def _last_run(record: RunRecord | None, now: datetime, *, with_job: bool = False) -> str:
    if record is None:
        return _NONE
    text = f"{_moment(record.started_at, now)} {_ending(record)}"
    if not with_job:
        return text
    return f"{text}, job {record.job}" if record.job else f"{text}, by hand"


def _ending(record: RunRecord) -> str:
    if record.under_way:
        return "running"
    if record.ending is None:
        return "ended" if record.ended_at is not None else "end unknown"
    return f"{record.ending} (exit {record.exit_code})" if record.exit_code else str(record.ending)


def _by_outcome(counts: Mapping[str, int]) -> dict[str, int]:
    """Return results without their reasons."""
    total: dict[str, int] = {}
    for what, number in counts.items():
        name = what.partition("/")[0]
        total[name] = total.get(name, 0) + number
    return total


def _all_results(record: RunRecord) -> str:
    others = record.recovered_of_others
    return _results(record.totals) + (f", recovered {others} of other outlets" if others else "")


def _results(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing"


def _alarm(alarm: Alarm) -> str:
    return f"{alarm.sentence} (since {kst_minute(alarm.began_at)} KST)"


def _drifts(state: OutletState) -> list[str]:
    """Return a sentence for each field whose fill rate differs from the weeks before."""
    return [
        f"{name} in {percent(rate.last_day)} of the day's articles, before in "
        f"{percent(rate.before)}"
        for name, rate in state.figures.rates.items()
        if rate.far_off and rate.last_day is not None and rate.before is not None
    ]


def _or_none(value: T | None, text: Callable[[T], str]) -> str:
    """Return a value as text, ``–`` for None."""
    return _NONE if value is None else text(value)


def _moment(moment: datetime, now: datetime) -> str:
    """Return a time in KST, with the year if it is far away."""
    text = kst_minute(moment)
    return text if abs(now - moment) > _THIS_YEAR else text.partition("-")[2]
