"""``scrapy status`` for people: tables that say at a glance how things stand, and the history of runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST
from crawler.cli.tables import print_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from archive.runs.alarms import Alarm
    from archive.runs.figures import Example
    from archive.runs.record import RunRecord
    from crawler.status.overview import OutletState, Overview

#: What stands where nothing is known, or nothing is to be said.
_NONE = "–"
#: Times of another year are written with it.
_THIS_YEAR = timedelta(days=180)
_OUTLETS = (
    "outlet",
    "last run (KST)",
    "counted",
    "new 24 h",
    "7 d mean",
    "expected",
    "last new",
    "bad",
    "next",
    "warnings",
)
_RUNS = ("started (KST)", "took", "by", "what", "counted", "ended", "host", "version", "log")


def print_overview(overview: Overview) -> None:
    """Print outlets, the jobs that are no crawl, open alarms and what else is wrong."""
    now = overview.at
    if not overview.outlets:
        print("no outlet has a job, a crawl or an article yet")
    _print_rows(_OUTLETS, [_outlet(state, now) for state in overview.outlets])
    others = [state for state in overview.jobs if not state.job.outlet]
    rows = []
    for state in others:
        what = " ".join((state.job.verb, *state.job.words))
        rows.append((state.job.name, what, str(state.coming), _last(state.last, now)))
    _print_rows(("job", "what", "next", "last run (KST)"), rows)
    for sentence in (*map(_alarm, overview.alarms), *overview.problems):
        print(f"! {_line(sentence)}")
    room = overview.room
    free = f", {_bytes(room.free)} free" if room.free is not None else ""
    kept = _bytes(room.archive) if room.archive is not None else _NONE
    print(
        f"archive {kept}, index {_bytes(room.index)}{free}; {now.astimezone(KST):%Y-%m-%d %H:%M} KST"
    )


def print_runs(records: Sequence[RunRecord], counts: Mapping[str, int]) -> None:
    """Print runs, the latest first, and what they counted together."""
    _print_rows(_RUNS, [_run(record) for record in records])
    together = f": {_counts(counts)}" if counts else ""
    print(f"{len(records)} runs{together}")


def print_reasons(counts: Mapping[str, int], last: Mapping[tuple[str, str], Example]) -> None:
    """Print what an outlet's inputs became, most of them first, with the last one that did."""
    rows = []
    for what, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        outcome, _, reason = what.partition("/")
        example = last.get((outcome, reason))
        shown = (
            " ".join(filter(None, (example.source, example.detail)))
            if example is not None
            else _NONE
        )
        rows.append((what, str(number), shown))
    _print_rows(("became", "number", "such as"), rows)


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print_rows(columns, [tuple(map(_line, row)) for row in rows])


def _line(text: str) -> str:
    """Text as one line that commands no terminal: addresses and sentences may quote what an outlet served."""
    return "".join(
        sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for sign in " ".join(text.split())
    )


def _outlet(state: OutletState, now: datetime) -> tuple[str, ...]:
    standing = state.standing
    crawled = state.last is not None
    last_new = _moment(standing.last_new_at, now) if standing.last_new_at is not None else _NONE
    return (
        state.name,
        _last(state.last, now, whose=True),
        _counts(_totals(state.last, reasons=False)) if state.last is not None else _NONE,
        str(standing.new) if crawled else _NONE,
        f"{standing.daily:.0f}" if standing.daily is not None else _NONE,
        str(state.expected) if state.expected is not None else _NONE,
        last_new,
        _NONE if standing.bad is None else _share(standing.bad),
        str(state.coming) if state.coming is not None else _NONE,
        "; ".join((*map(_alarm, state.alarms), *_drifts(state))) or _NONE,
    )


def _run(record: RunRecord) -> tuple[str, ...]:
    took = (
        str(timedelta(seconds=round((record.ended_at - record.started_at).total_seconds())))
        if record.ended_at
        else ""
    )
    job = f"{record.job}, attempt {record.attempt}" if record.attempt > 1 else record.job
    return (
        f"{record.started_at.astimezone(KST):%Y-%m-%d %H:%M:%S}",
        took or _NONE,
        job or "hand",
        " ".join((record.verb, *record.arguments)),
        _counts(_totals(record)),
        _ended(record),
        record.host or _NONE,
        record.version or _NONE,
        record.log or _NONE,
    )


def _last(record: RunRecord | None, now: datetime, *, whose: bool = False) -> str:
    if record is None:
        return _NONE
    by = (f", job {record.job}" if record.job else ", by hand") if whose else ""
    return f"{_moment(record.started_at, now)} {_ended(record)}{by}"


def _ended(record: RunRecord) -> str:
    if record.under_way:
        return "under way"
    if record.ending is None:
        return "ended" if record.ended_at is not None else "end unknown"
    return f"{record.ending} (exit {record.exit_code})" if record.exit_code else str(record.ending)


def _totals(record: RunRecord, *, reasons: bool = True) -> dict[str, int]:
    """A run's counts by outcome over all outlets, with or without the reasons."""
    total: dict[str, int] = {}
    for table in record.counts.values():
        for what, number in table.items():
            name = what if reasons else what.partition("/")[0]
            total[name] = total.get(name, 0) + number
    return total


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing"


def _alarm(alarm: Alarm) -> str:
    return f"{alarm.sentence} (since {alarm.began_at.astimezone(KST):%Y-%m-%d %H:%M} KST)"


def _drifts(state: OutletState) -> list[str]:
    return [
        f"{name} in {_share(rate.last_day)} of the day's articles, before in {_share(rate.before)}"
        for name, rate in state.standing.rates.items()
        if rate.far_off and rate.last_day is not None and rate.before is not None
    ]


def _share(share: float) -> str:
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _moment(moment: datetime, now: datetime) -> str:
    far = abs(now - moment) > _THIS_YEAR
    return f"{moment.astimezone(KST):{'%Y-' if far else ''}%m-%d %H:%M}"


def _bytes(number: int) -> str:
    size, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"
