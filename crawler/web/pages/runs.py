"""The runs and alarms, as ``sacho status`` has them, and one run with its outcomes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from archive.index.database import QueryTooSlowError
from archive.index.search.query import QueryError
from archive.model.article import KST
from archive.model.outcome import Outcome
from archive.model.times import parse_day
from archive.runs.alarms import last_past_alarms
from archive.runs.cursor import RunPlace, parse_place, place_text
from archive.runs.figures import Example, examples
from archive.runs.history import outlets_seen, run_record, runs_between
from crawler.cli.output.times import kst_iso
from crawler.outlets import article_id
from crawler.status.json_report import alarm_object, overview_object, run_object
from crawler.web.errors import not_found, wants_json
from crawler.web.pages.outlet_names import title_of
from crawler.web.pages.public_values import (
    public_alarm,
    public_run,
    public_text,
)
from crawler.web.rendering import address, json_answer, page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from archive.index.database import Snapshot
    from archive.runs.alarms import Alarm
    from archive.runs.record import RunRecord
    from crawler.status.overview import Overview

#: Runs of a page, and past alarms that are listed.
_PAGE, _ALARMS = 50, 20
#: Seconds that the examples of a run's outcomes may take: they are an extra.
_EXTRA = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which runs are asked for: those of an outlet, on days (KST, inclusive), before a place."""

    outlet: str = ""
    since: date | None = None
    until: date | None = None
    before: RunPlace | None = None

    @property
    def is_all(self) -> bool:
        """Whether the last runs of all outlets are."""
        return self == Asked()


@dataclass(frozen=True, slots=True)
class Found:
    """One page of runs, the cursor of the next one, past alarms, and the outlets there are."""

    runs: tuple[RunRecord, ...]
    cursor: str | None
    alarms: tuple[Alarm, ...]
    outlets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """An outcome of a run with the number of inputs that had it, and the last of them.

    ``article`` is the id of that input's article if it was stored, else ``""``.
    """

    outlet: str
    outcome: str
    number: int
    example: Example | None
    article: str


def asked_of(parameters: Mapping[str, str]) -> Asked:
    """Return which runs the parameters of an address ask for.

    :raises QueryError: they mean nothing.
    """
    since, until = _day(parameters, "since"), _day(parameters, "until")
    if since is not None and until is not None and since > until:
        raise QueryError(f"since {since} is later than until {until}")
    before = parameters.get("before", "").strip()
    return Asked(
        outlet=parameters.get("outlet", "").strip(),
        since=since,
        until=until,
        before=parse_place(before) if before else None,
    )


def _day(parameters: Mapping[str, str], name: str) -> date | None:
    text = parameters.get(name, "").strip()
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise QueryError(f"{name}: {error}") from error


def read_runs(connection: Snapshot, asked: Asked, now: datetime) -> Found:
    """Return one page of runs."""
    begin = end = None
    if asked.since is not None:
        begin = datetime.combine(asked.since, time(), KST)
    if asked.until is not None:
        end = datetime.combine(asked.until + timedelta(1), time(), KST)
    found = runs_between(connection, begin, end, now, asked.outlet, _PAGE + 1, asked.before)
    shown = found[:_PAGE]
    last = shown[-1] if len(found) > _PAGE else None
    return Found(
        tuple(map(public_run, shown)),
        place_text(RunPlace(last.started_at, last.run_id)) if last is not None else None,
        tuple(map(public_alarm, last_past_alarms(connection, _ALARMS))),
        tuple(outlets_seen(connection)),
    )


def read_run(connection: Snapshot, run_id: str, now: datetime) -> RunRecord:
    """Return a run.

    :raises HTTPException: there is none: 404.
    """
    record = run_record(connection, run_id, now)
    if record is None:
        raise not_found()
    return record


def read_examples(
    connection: Snapshot, record: RunRecord
) -> dict[str, dict[tuple[str, str], Example]]:
    """Return the last input of each outcome and reason of a run, by outlet."""
    return {outlet: examples(connection, [record.run_id], outlet) for outlet in record.counts}


async def _answer(request: Request) -> Response:
    room = request.app.state.room
    asked = asked_of(request.query_params)
    now = room.clock()
    found = await room.read(lambda connection: read_runs(connection, asked, now))
    overview, is_slow = None, False
    if asked.is_all:
        try:
            overview = await request.app.state.status.overview()
        except QueryTooSlowError:
            is_slow = True
    if wants_json(request):
        return json_answer(_object(asked, found, overview))
    parameters = {name: request.query_params.get(name, "") for name in ("outlet", "since", "until")}
    titles = {name: title_of(name) for name in found.outlets}
    if overview is not None:
        titles |= {state.name: title_of(state.name) for state in overview.outlets}
    values = {
        "asked": asked,
        "given": parameters,
        "found": found,
        "overview": overview,
        "is_slow": is_slow,
        "titles": titles,
        "next": address("/runs", {**parameters, "before": found.cursor or ""}),
        "json": address("/runs.json", dict(request.query_params)),
    }
    return page(request, "runs.html", values)


def _object(asked: Asked, found: Found, overview: Overview | None) -> dict[str, Any]:
    return {
        "status": overview_object(overview) if overview is not None else None,
        "outlet": asked.outlet or None,
        "since": f"{asked.since}" if asked.since is not None else None,
        "until": f"{asked.until}" if asked.until is not None else None,
        "runs": list(map(run_object, found.runs)),
        "next": found.cursor,
        "past_alarms": [
            {**alarm_object(alarm), "ended_at": _time(alarm.ended_at)} for alarm in found.alarms
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return kst_iso(moment) if moment is not None else None


async def _run(request: Request) -> Response:
    room, run_id = request.app.state.room, request.path_params["run_id"]
    record = await room.read(lambda connection: read_run(connection, run_id, room.clock()))
    last: dict[str, dict[tuple[str, str], Example]] | None = None
    with suppress(QueryTooSlowError):  # the page then says that there are none
        last = await room.read(lambda connection: read_examples(connection, record), _EXTRA)
    rows = outcome_rows(record, last or {})
    shown = public_run(record)
    if wants_json(request):
        return json_answer(
            {"run": run_object(shown), "outcomes": [_outcome_object(row) for row in rows]}
        )
    values = {"run": shown, "rows": rows, "is_slow": last is None}
    return page(request, "run.html", values)


def outcome_rows(
    record: RunRecord, last: Mapping[str, Mapping[tuple[str, str], Example]]
) -> list[OutcomeRow]:
    """Return what a run counted, the most frequent first, each with an example if there is one."""
    rows = []
    for outlet, counts in record.counts.items():
        for what, number in counts.items():
            outcome, _, reason = what.partition("/")
            example = last.get(outlet, {}).get((outcome, reason))
            article = ""
            if example is not None and outcome in (Outcome.NEW, Outcome.CHANGED):
                article = article_id(outlet, example.source) or ""
            public = None
            if example is not None:
                public = Example(public_text(example.source), public_text(example.detail))
            rows.append(
                OutcomeRow(
                    outlet=outlet, outcome=what, number=number, example=public, article=article
                )
            )
    return sorted(rows, key=lambda row: (row.outlet, -row.number, row.outcome))


def _outcome_object(row: OutcomeRow) -> dict[str, Any]:
    example = row.example
    return {
        "outlet": row.outlet or None,
        "outcome": row.outcome,
        "number": row.number,
        "example": {"source": example.source, "detail": example.detail}
        if example is not None
        else None,
    }


ROUTES = [
    Route("/runs", _answer),
    Route("/runs.json", _answer),
    Route("/runs/{run_id}.json", _run),
    Route("/runs/{run_id}", _run),
]
