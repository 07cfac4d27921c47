"""Facts by which alarms are judged: an outlet's crawls, its publications, and samples of its pages.

All queries use database indexes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, select

from archive.index.dialect import hour_of, one_of
from archive.index.schema import articles, captures, frontier, outcomes, revisions, runs
from archive.model.outcome import Outcome
from archive.runs.fields import FIELDS, is_filled
from archive.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Samples per crawl: the thousands of a backlog would give no further information.
_OF_A_CRAWL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSample:
    """A new page as it is read today.

    ``filled`` are those of `FIELDS` that it has, ``length`` is the number of its body's characters.
    If no article was read, ``article_id`` is ``""``, ``reason`` is set and ``published_at``
    is None.
    """

    source: str
    article_id: str
    captured_at: datetime
    published_at: datetime | None
    warc_file: str
    warc_offset: int
    reason: str = ""
    filled: frozenset[str] = frozenset()
    length: int = 0

    @property
    def parsed(self) -> bool:
        """Whether an article was read from the page."""
        return bool(self.article_id)


@dataclass(frozen=True, slots=True)
class Origin:
    """When and by which run an article was discovered, and when it was published, if known."""

    discovered_run: str
    discovered_at: datetime
    published_at: datetime | None


def crawls_of(
    connection: Connection, outlet: str, since: datetime, until: datetime
) -> list[RunRecord]:
    """Return the outlet's crawls that began in this period and have ended, the earliest first."""
    query = (
        select(runs)
        .where(runs.c.outlet == outlet, runs.c.started_at >= since, runs.c.started_at <= until)
        .where(runs.c.verb == "crawl", runs.c.ended_at.is_not(None))
        .order_by(runs.c.started_at, runs.c.id)
    )
    return [RunRecord.from_row(row) for row in connection.execute(query)]


def nth_newest(connection: Connection, outlet: str, n: int, until: datetime) -> datetime | None:
    """Return when the ``n``-th newest served article was published; None if there are fewer."""
    query = select(frontier.c.published_at).where(*_served(outlet, until))
    moment: datetime | None = connection.scalar(
        query.order_by(frontier.c.published_at.desc()).limit(1).offset(n - 1)
    )
    return moment


def published_by_hour(
    connection: Connection, outlet: str, since: datetime, until: datetime
) -> Counter[datetime]:
    """Return how many served articles were published in each hour (UTC) of this period."""
    hour = hour_of(frontier.c.published_at)
    query = (
        select(hour, func.count())
        .where(*_served(outlet, until), frontier.c.published_at >= since)
        .group_by(hour)
    )
    found: Counter[datetime] = Counter()
    for text, number in connection.execute(query):
        found[datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)] = number
    return found


def page_samples(
    connection: Connection, outlet: str, crawls: Sequence[RunRecord]
) -> dict[str, list[PageSample]]:
    """Return the pages that were new in these crawls, as they are read now, in order, by run id."""
    query = (
        select(
            outcomes.c.run_id,
            outcomes.c.source,
            captures.c.captured_at,
            captures.c.warc_file,
            captures.c.warc_offset,
            captures.c.reason,
            articles.c.article_id,
            revisions.c.published_at,
            func.length(revisions.c.body).label("length"),
            *(is_filled(name).label(f"has_{name}") for name in FIELDS),
        )
        .select_from(outcomes)
        .join(captures, captures.c.id == outcomes.c.capture_id)
        .outerjoin(
            revisions,
            # What was read of a page that no layout reads does not make it a page with an article.
            and_(
                revisions.c.id == captures.c.revision_id,
                captures.c.outcome != Outcome.UNPARSED,
            ),
        )
        .outerjoin(articles, articles.c.id == revisions.c.article)
        .where(outcomes.c.outlet == outlet, outcomes.c.outcome.in_((Outcome.NEW, Outcome.UNPARSED)))
        .order_by(outcomes.c.id)
    )
    found: dict[str, list[PageSample]] = {crawl.run_id: [] for crawl in crawls}
    few = [crawl.run_id for crawl in crawls if crawl.read <= _OF_A_CRAWL]
    queries = [query.where(one_of(outcomes.c.run_id, few))]
    for run_id in found.keys() - set(few):
        queries.append(query.where(outcomes.c.run_id == run_id).limit(_OF_A_CRAWL))
    for bounded in queries:
        for row in connection.execute(bounded):
            found[row.run_id].append(_sample(row))
    return found


def origins(connection: Connection, outlet: str, article_ids: Sequence[str]) -> dict[str, Origin]:
    """Return what the frontier knows of these articles, by article id."""
    query = select(
        frontier.c.article_id,
        frontier.c.discovered_run,
        frontier.c.discovered_at,
        frontier.c.published_at,
    ).where(frontier.c.outlet == outlet, one_of(frontier.c.article_id, article_ids))
    return {row[0]: Origin(*row[1:]) for row in connection.execute(query)}


def _served(outlet: str, until: datetime) -> Iterable[Any]:
    """Return the conditions of the outlet's articles served and published until a moment."""
    return (
        frontier.c.outlet == outlet,
        frontier.c.published_at <= until,
        frontier.c.first_visit_at.is_not(None),
    )


def _sample(row: Any) -> PageSample:
    filled: set[str] = set()
    if row.article_id is not None:
        filled = {name for name in FIELDS if getattr(row, f"has_{name}")}
    return PageSample(
        source=row.source,
        article_id=row.article_id or "",
        captured_at=row.captured_at,
        published_at=row.published_at,
        warc_file=row.warc_file,
        warc_offset=row.warc_offset,
        reason=row.reason,
        filled=frozenset(filled),
        length=row.length or 0,
    )
