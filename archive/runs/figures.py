"""Figures of crawls: new articles, outcomes, and fill rates of the articles' fields.

Each is computed from the counts of runs (`runs.counts`), the outcomes of single runs, or a bounded
sample of articles, all found by a database index: none takes longer on a larger archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from archive.index.dialect import one_of, stored_json
from archive.index.schema import captures, outcomes, revisions, runs
from archive.model.article import PAYWALLED, Quality
from archive.model.outcome import Outcome
from archive.runs.fields import FIELDS, is_filled
from archive.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

#: The sample of a fill rate: about so many new articles, of at most so many runs. The error of a
#: share is then a few percentage points.
_ARTICLES, _RUNS = 400, 40


@dataclass(frozen=True, slots=True)
class Fill:
    """The share of ``articles`` in which each field is filled; None without articles."""

    articles: int = 0
    shares: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One input with some outcome: its source, and the sentence that was reported."""

    source: str
    detail: str


def crawls_since(
    connection: Connection, begin: datetime, now: datetime, outlet: str = ""
) -> list[RunRecord]:
    """Return the crawls that began in this period, the oldest first; of one outlet if it is named.

    The query uses the index over the start, or over outlet and start.
    """
    query = select(runs).where(
        runs.c.started_at >= begin, runs.c.started_at <= now, runs.c.verb == "crawl"
    )
    if outlet:
        query = query.where(runs.c.outlet == outlet)
    return [
        RunRecord.from_row(row)
        for row in connection.execute(query.order_by(runs.c.started_at, runs.c.id))
    ]


def counted_since(
    connection: Connection, run_ids: Sequence[str], begin: datetime
) -> dict[str, dict[str, int]]:
    """Return what these runs have counted since ``begin``, by outlet and outcome.

    Inputs that were unchanged are not included: they have no rows, and so no times. The query uses
    the index of outcomes over the run.
    """
    counts: dict[str, dict[str, int]] = {}
    what = (outcomes.c.outlet, outcomes.c.outcome, outcomes.c.reason)
    query = select(*what, func.count().label("number")).group_by(*what)
    query = query.where(one_of(outcomes.c.run_id, run_ids), outcomes.c.at >= begin)
    for row in connection.execute(query):
        table = counts.setdefault(row.outlet, {})
        name = f"{row.outcome}/{row.reason}" if row.reason else row.outcome
        table[name] = table.get(name, 0) + row.number
    return counts


def paywalled_since(
    connection: Connection, run_ids: Sequence[str], outlet: str, begin: datetime
) -> int:
    """Return how many articles that were new in these runs since ``begin`` are paywalled.

    The query uses the index of outcomes over the run, then row numbers.
    """
    query = (
        _number_shown_since(run_ids, outlet, begin)
        .where(captures.c.outcome != Outcome.UNPARSED, outcomes.c.outcome == Outcome.NEW)
        .where(stored_json(revisions.c.flags).contains(f'"{PAYWALLED}"'))
    )
    return connection.scalar(query) or 0


def generic_since(
    connection: Connection, run_ids: Sequence[str], outlet: str, begin: datetime
) -> int:
    """Return how many pages of these runs since ``begin`` show an article that no layout has read.

    The query uses the index of outcomes over the run, then row numbers.
    """
    query = (
        _number_shown_since(run_ids, outlet, begin)
        .where(outcomes.c.outcome.in_((Outcome.NEW, Outcome.UNPARSED)))
        .where(revisions.c.quality == Quality.GENERIC.value)
    )
    return connection.scalar(query) or 0


def _number_shown_since(run_ids: Sequence[str], outlet: str, begin: datetime) -> Select[int]:
    """Return the query for the number of captures of these runs that show a revision."""
    return (
        select(func.count())
        .select_from(outcomes)
        .join(captures, captures.c.id == outcomes.c.capture_id)
        .join(revisions, revisions.c.id == captures.c.revision_id)
        .where(one_of(outcomes.c.run_id, run_ids), outcomes.c.outlet == outlet)
        .where(outcomes.c.at >= begin)
    )


def crawls_back(connection: Connection, outlet: str, before: datetime) -> Iterator[RunRecord]:
    """Yield the outlet's crawls before a moment that found anything new, the latest first.

    The query uses the index over outlet and start.
    """
    query = select(runs).where(
        runs.c.outlet == outlet, runs.c.verb == "crawl", runs.c.started_at < before
    )
    query = query.where(stored_json(runs.c.counts).contains(f'"{Outcome.NEW}":'))
    query = query.order_by(runs.c.started_at.desc()).execution_options(yield_per=50)
    with connection.execute(query) as rows:
        for row in rows:
            yield RunRecord.from_row(row)


def last_new_of(connection: Connection, run_id: str, outlet: str) -> datetime | None:
    """Return when a run stored its last new article of the outlet; None if it found none.

    The query uses the index of outcomes over the run, from its end.
    """
    query = select(outcomes.c.at).where(
        outcomes.c.run_id == run_id, outcomes.c.outcome == Outcome.NEW, outcomes.c.outlet == outlet
    )
    found: datetime | None = connection.scalar(query.order_by(outcomes.c.id.desc()).limit(1))
    return found


def fill(connection: Connection, outlet: str, run_ids: Sequence[str]) -> Fill:
    """Return the fill rates of at most 400 articles that were new in these runs.

    They are the last ones of 40 of the runs, evenly chosen. The query uses the index of outcomes
    over the run, then row numbers.
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
        .where(captures.c.outcome != Outcome.UNPARSED)
        .where(runs.c.id.in_(chosen))
    )
    row = connection.execute(query).one()
    if not row.articles:
        return Fill()
    return Fill(row.articles, {name: row._mapping[name] / row.articles for name in FIELDS})


def examples(
    connection: Connection, run_ids: Sequence[str], outlet: str
) -> dict[tuple[str, str], Example]:
    """Return the last input of these runs for each outcome and reason.

    The query uses the index of outcomes over the run.
    """
    last = select(func.max(outcomes.c.id))
    last = last.where(one_of(outcomes.c.run_id, run_ids), outcomes.c.outlet == outlet)
    last = last.group_by(outcomes.c.outcome, outcomes.c.reason)
    found = connection.execute(select(outcomes).where(outcomes.c.id.in_(last)))
    return {(row.outcome, row.reason): Example(row.source, row.detail) for row in found}


def evenly(found: Sequence[str], number: int) -> list[str]:
    """Return at most ``number`` of them, at equal distances."""
    if len(found) <= number:
        return list(found)
    return [found[at * len(found) // number] for at in range(number)]
