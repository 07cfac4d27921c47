"""What crawls have brought in: new articles, outcomes, and how full the articles' fields are.

Every figure is of the runs' own counts (`runs.counts`), of the outcomes of single runs, or of a
bounded sample of articles, each found by an index, so that none takes longer on an archive of ten
years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Text, case, func, select, type_coerce

from archive.index.schema import captures, outcomes, revisions, runs
from archive.model.outcome import Outcome
from archive.runs.fields import FIELDS, is_filled
from archive.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

#: Of about so many new articles, of so many runs at most: enough to tell a share to a few points.
_ARTICLES, _RUNS = 400, 40
#: Variables of one statement: SQLite takes 32,766.
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Fill:
    """In what share of ``articles`` each field holds anything; no shares without articles."""

    articles: int = 0
    shares: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One input that ended so: what it was, and the sentence said of it."""

    source: str
    detail: str


def crawls_since(connection: Connection, begin: datetime, now: datetime) -> list[RunRecord]:
    """The crawls that began in that time, the oldest first. By the index over the start."""
    query = select(runs).where(
        runs.c.started_at >= begin, runs.c.started_at <= now, runs.c.verb == "crawl"
    )
    return [
        RunRecord.from_row(row)
        for row in connection.execute(query.order_by(runs.c.started_at, runs.c.id))
    ]


def counted_since(
    connection: Connection, run_ids: Sequence[str], begin: datetime
) -> dict[str, dict[str, int]]:
    """What runs that began earlier have counted since, by outlet and outcome, but for what was unchanged.

    By the index of outcomes over the run: what was plainly unchanged has no row, and no time of its
    own.
    """
    counts: dict[str, dict[str, int]] = {}
    what = (outcomes.c.outlet, outcomes.c.outcome, outcomes.c.reason)
    for start in range(0, len(run_ids), _MANY):
        query = select(*what, func.count().label("number")).group_by(*what)
        query = query.where(
            outcomes.c.run_id.in_(run_ids[start : start + _MANY]), outcomes.c.at >= begin
        )
        for row in connection.execute(query):
            table = counts.setdefault(row.outlet, {})
            name = f"{row.outcome}/{row.reason}" if row.reason else row.outcome
            table[name] = table.get(name, 0) + row.number
    return counts


def crawls_back(connection: Connection, outlet: str, before: datetime) -> Iterator[RunRecord]:
    """The outlet's crawls before a moment that counted anything new, the latest first: take as many as are needed.

    By the index over outlet and start.
    """
    query = select(runs).where(
        runs.c.outlet == outlet, runs.c.verb == "crawl", runs.c.started_at < before
    )
    query = query.where(type_coerce(runs.c.counts, Text).contains(f'"{Outcome.NEW}":'))
    for row in connection.execute(
        query.order_by(runs.c.started_at.desc()).execution_options(yield_per=50)
    ):
        yield RunRecord.from_row(row)


def last_new_of(connection: Connection, run_id: str, outlet: str) -> datetime | None:
    """When a run entered its last new article of the outlet. By the index of outcomes over the run, from its end."""
    query = select(outcomes.c.at).where(
        outcomes.c.run_id == run_id, outcomes.c.outcome == Outcome.NEW, outcomes.c.outlet == outlet
    )
    found: datetime | None = connection.scalar(query.order_by(outcomes.c.id.desc()).limit(1))
    return found


def fill(connection: Connection, outlet: str, run_ids: Sequence[str]) -> Fill:
    """The fill rates of at most 400 articles that were new to these runs: the last ones of 40 of them, evenly chosen.

    By the index of outcomes over the run, then by the rows' numbers.
    """
    chosen = evenly(run_ids, _RUNS)
    among = outcomes.alias()
    newest = (
        select(among.c.id)
        .where(
            among.c.run_id == runs.c.id, among.c.outlet == outlet, among.c.outcome == Outcome.NEW
        )
        .order_by(among.c.id.desc())
        .limit(_ARTICLES // max(1, len(chosen)))
        .correlate(runs)
    )
    filled = (func.sum(case((is_filled(name), 1), else_=0)).label(name) for name in FIELDS)
    query = (
        select(func.count().label("articles"), *filled)
        .select_from(runs)
        .join(outcomes, outcomes.c.id.in_(newest))
        .join(captures, captures.c.id == outcomes.c.capture_id)
        .join(revisions, revisions.c.id == captures.c.revision_id)
        .where(runs.c.id.in_(chosen))
    )
    row = connection.execute(query).one()
    return (
        Fill(row.articles, {name: row._mapping[name] / row.articles for name in FIELDS})
        if row.articles
        else Fill()
    )


def examples(
    connection: Connection, run_ids: Sequence[str], outlet: str
) -> dict[tuple[str, str], Example]:
    """The last input of these runs that ended in each outcome and reason. By the index of outcomes over the run."""
    last: dict[tuple[str, str], int] = {}
    for start in range(0, len(run_ids), _MANY):
        query = select(outcomes.c.outcome, outcomes.c.reason, func.max(outcomes.c.id).label("id"))
        query = query.where(
            outcomes.c.run_id.in_(run_ids[start : start + _MANY]), outcomes.c.outlet == outlet
        )
        for row in connection.execute(query.group_by(outcomes.c.outcome, outcomes.c.reason)):
            last[row.outcome, row.reason] = max(row.id, last.get((row.outcome, row.reason), 0))
    query = select(outcomes).where(outcomes.c.id.in_(last.values()))
    return {
        (row.outcome, row.reason): Example(row.source, row.detail)
        for row in connection.execute(query)
    }


def evenly(found: Sequence[str], number: int) -> list[str]:
    """At most so many of them, the same distance apart."""
    if len(found) <= number:
        return list(found)
    return [found[at * len(found) // number] for at in range(number)]
