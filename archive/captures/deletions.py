"""Find out from captures whether an article is missing or deleted, since when, and by what proof.

A page is gone if its address answers 404 or 410, or a page with status 200 that says so. Such a
capture makes no revision and is stored only as a row of ``captures``. An article that was found
gone is *missing*. It is *deleted* when a second look at least `CONFIRM_AFTER` later finds it gone
as well, while other articles of the outlet were served in between. A look during an outage of the
outlet (see `archive.captures.outages`) says nothing of an article.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select

from archive.captures.outages import GoneLook, GoodHour, GoodTimes, outage_captures
from archive.captures.rows import stored_capture
from archive.index.dialect import hour_of, one_of, one_of_parameter, unindexed
from archive.index.schema import Instant, aliases, articles, captures, is_gone, revisions
from archive.model.article import KST
from archive.model.visit_policy import CONFIRM_AFTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select

    from archive.captures.rows import StoredCapture


class Status(StrEnum):
    """Whether an outlet still serves an article, as far as captures show."""

    PUBLISHED = "published"
    MISSING = "missing"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Deletion:
    """The claim that an article is gone, with its evidence; times are in KST.

    ``captures`` are the ids of the records that showed it gone, from the first to the one that
    confirmed it. ``confirmed_at`` is None while the article is missing only.
    """

    first_seen_gone_at: datetime
    confirmed_at: datetime | None
    captures: tuple[str, ...]

    @property
    def status(self) -> Status:
        """``deleted`` if it is confirmed, else ``missing``."""
        return Status.MISSING if self.confirmed_at is None else Status.DELETED


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which an article was gone: the looks that showed it, oldest first.

    ``confirmed_by`` is the look that confirmed the deletion, ``ended_by`` the one that showed the
    article again; None if there is none.
    """

    looks: tuple[StoredCapture, ...]
    confirmed_by: StoredCapture | None
    ended_by: StoredCapture | None = None

    @property
    def first(self) -> StoredCapture:
        """The look that first showed the article gone."""
        return self.looks[0]

    def deletion(self) -> Deletion:
        """Return the claim that it makes."""
        looks, confirmed_at = self.looks, None
        if self.confirmed_by is not None:
            looks = looks[: looks.index(self.confirmed_by) + 1]
            confirmed_at = self.confirmed_by.captured_at.astimezone(KST)
        return Deletion(
            self.first.captured_at.astimezone(KST),
            confirmed_at,
            tuple(look.location.record_id for look in looks),
        )


class DeletionJudge:
    """Judges which articles are missing or deleted, as the captures stand on a connection.

    The gone captures of an outlet are read through once, and the captures of the segments that hold
    them, when the first of its articles was found gone.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outages: dict[str, frozenset[int]] = {}
        self._good_times: dict[str, GoodTimes] = {}
        #: The outlets whose good times are those of all segments.
        self._read_whole: set[str] = set()

    def moved_to(self, connection: Connection) -> DeletionJudge:
        """Return a judge in a later transaction on the same index, with what this one has read.

        It does not know what has become an outage since.
        """
        moved = copy(self)
        moved._connection = connection
        return moved

    def deletions(self, row_ids: Collection[int]) -> dict[int, Deletion]:
        """Return the claims about those of the articles that are missing or deleted."""
        gone: dict[int, list[StoredCapture]] = {}
        asked = {_ROW_IDS: list(row_ids)}
        for query in (_gone_at_own(), _gone_elsewhere()):
            for row in self._connection.execute(query, asked):
                look = self._mark(stored_capture(row, revision=None, decides=True))
                if look.decides:
                    gone.setdefault(row.article, []).append(look)
        return {
            row_id: self._absence(sorted(looks, key=_moment)).deletion()
            for row_id, looks in gone.items()
        }

    def gone_captures(self, row_id: int) -> list[StoredCapture]:
        """Return the captures of the article's addresses that show it gone, oldest first."""
        own = self._connection.scalar(select(articles.c.url).where(articles.c.id == row_id)) or ""
        named = select(aliases.c.alias).where(aliases.c.article == row_id)
        others = self._connection.scalars(named).all()
        any_of_own = select(captures.c.id).where(captures.c.url == own).limit(1)
        own_captured = self._connection.scalar(any_of_own) is not None
        query = select(captures).where(captures.c.url.in_([own, *others]), is_gone(captures))
        rows = self._connection.execute(query.order_by(captures.c.captured_at, captures.c.id))
        return [
            self._mark(
                stored_capture(row, revision=None, decides=row.url == own or not own_captured)
            )
            for row in rows
        ]

    def absences(
        self, shown: Sequence[StoredCapture], gone: Sequence[StoredCapture]
    ) -> list[Absence]:
        """Return when an article was gone, from the captures that showed it and `gone_captures`.

        What an address answered before the article was first seen is no absence.
        """
        was_seen = any(not capture.time_known for capture in shown)
        found: list[Absence] = []
        for is_gone_now, group in groupby(_observations(shown, gone), key=lambda one: one[1]):
            looks = [capture for capture, _ in group]
            if is_gone_now and was_seen:
                found.append(self._absence(looks))
            elif not is_gone_now:
                was_seen = True
                if found:
                    found[-1] = replace(found[-1], ended_by=found[-1].ended_by or looks[0])
        return found

    def _absence(self, looks: Sequence[StoredCapture]) -> Absence:
        first = looks[0]
        confirmed_by = next(
            (look for look in looks[1:] if self._is_confirmed(first, look)),
            None,
        )
        return Absence(tuple(looks), confirmed_by)

    def _is_confirmed(self, first: StoredCapture, look: StoredCapture) -> bool:
        if look.captured_at - first.captured_at < CONFIRM_AFTER:
            return False
        self._read_outlet(first.outlet)
        start, end = first.captured_at, look.captured_at
        # Most often an article was served in one of the segments that were read.
        if self._good_times[first.outlet].between(start, end):
            return True
        if first.outlet not in self._read_whole:
            self._read_whole.add(first.outlet)
            self._good_times[first.outlet] = GoodTimes(self._good_hours(first.outlet))
        return self._good_times[first.outlet].between(start, end)

    def _mark(self, capture: StoredCapture) -> StoredCapture:
        """Return the capture, marked if it shows an outage; then it decides nothing."""
        self._read_outlet(capture.outlet)
        if capture.id in self._outages[capture.outlet]:
            return replace(capture, decides=False, in_outage=True)
        return capture

    def _read_outlet(self, outlet: str) -> None:
        if outlet in self._outages:
            return
        looks = [look for look in self._gone_looks(outlet) if look.is_news]
        hours = self._good_hours(outlet, looks)
        self._good_times[outlet] = GoodTimes(hours)
        self._outages[outlet] = outage_captures(looks, hours)

    def outage_looks(self, outlet: str) -> frozenset[int]:
        """Return the ids of the outlet's captures in outages that show an address gone.

        Those of addresses at which no article was ever seen are among them.
        """
        looks = list(self._gone_looks(outlet))
        return outage_captures(looks, self._good_hours(outlet, looks))

    def _good_hours(self, outlet: str, looks: Iterable[GoneLook] | None = None) -> list[GoodHour]:
        """Return the looks that showed an article, by hour, in the segments of these looks.

        With None, in all segments.
        """
        query = _hours(outlet)
        if looks is not None:
            query = query.where(one_of(captures.c.warc_file, {look.file for look in looks}))
        return [GoodHour(*row) for row in self._connection.execute(query)]

    def _gone_looks(self, outlet: str) -> Iterator[GoneLook]:
        """Yield the looks at addresses of the outlet that found them gone.

        Those at which no article was ever seen are no news.
        """
        rows = self._connection.execute(_gone_at(outlet)).all()
        known = self._articles_at(outlet, {row.url for row in rows})
        seen = self._sightings(set(known.values()))
        for row in rows:
            article = known.get(row.url)
            if article is None:
                look = GoneLook(
                    row.id, -row.id, row.captured_at, row.warc_file, row.payload_digest, None
                )
                yield replace(look, is_news=False)
                continue
            times = seen.get(article, [])
            before = [one for one in times if one.captured_at < row.captured_at]
            last = before[-1] if before else None
            if times and last is None and all(one.time_known for one in times):
                continue  # not yet published
            is_timed = last is not None and last.time_known
            yield GoneLook(
                row.id,
                article,
                row.captured_at,
                row.warc_file,
                row.payload_digest,
                last.captured_at if last is not None and is_timed else None,
                last.warc_file if last is not None else "",
            )

    def _articles_at(self, outlet: str, urls: Collection[str]) -> dict[str, int]:
        """Return the rows of the outlet's articles at these addresses."""
        other = select(aliases.c.alias.label("url"), aliases.c.article, aliases.c.outlet).where(
            aliases.c.outlet == outlet, one_of(aliases.c.alias, urls)
        )
        # Asked for the outlet too, SQLite would read through all its articles.
        own = select(articles.c.url, articles.c.id.label("article"), articles.c.outlet).where(
            one_of(articles.c.url, urls)
        )
        return {
            row.url: row.article
            for query in (other, own)
            for row in self._connection.execute(query)
            if row.outlet == outlet
        }

    def _sightings(self, row_ids: Collection[int]) -> dict[int, list[Row[*tuple[Any, ...]]]]:
        """Return the captures that showed the articles, oldest first."""
        query = (
            select(
                revisions.c.article,
                captures.c.captured_at,
                captures.c.time_known,
                captures.c.warc_file,
            )
            .join(captures, captures.c.revision_id == revisions.c.id)
            .where(one_of(revisions.c.article, row_ids))
            .order_by(captures.c.captured_at)
        )
        found: dict[int, list[Row[*tuple[Any, ...]]]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.article, []).append(row)
        return found


def _moment(capture: StoredCapture) -> tuple[datetime, int]:
    return capture.captured_at, capture.id


def _observations(
    shown: Sequence[StoredCapture], gone: Sequence[StoredCapture]
) -> list[tuple[StoredCapture, bool]]:
    """Return the captures of known time in order, each with whether it shows the article gone."""
    observed = [(capture, False) for capture in shown if capture.time_known]
    observed += [(capture, True) for capture in gone if capture.time_known and capture.decides]
    # Of captures of one time the one that shows the article is the last: a tie is no deletion.
    return sorted(observed, key=lambda one: (one[0].captured_at, not one[1], one[0].id))


#: The name of the parameter for rows of articles.
_ROW_IDS = "row_ids"


@cache  # to make it takes longer than SQLite takes for most batches
def _gone_at_own() -> Select[Any]:
    """Return the query for captures that show articles gone at their own address."""
    query = select(articles.c.id.label("article"), *captures.c)
    query = query.join(captures, captures.c.url == articles.c.url)
    return query.where(one_of_parameter(articles.c.id, _ROW_IDS), *_gone_since(captures))


@cache
def _gone_elsewhere() -> Select[Any]:
    """Return that query for other addresses of articles whose own was never captured."""
    any_own = captures.alias()
    own_captured = (
        select(any_own.c.id).where(any_own.c.url == articles.c.url).correlate(articles).exists()
    )
    # So SQLite begins with the aliases: most articles have none.
    own = articles.c.id == unindexed(aliases.c.article)
    query = select(articles.c.id.label("article"), *captures.c)
    query = query.select_from(aliases).join(articles, own)
    query = query.join(captures, captures.c.url == aliases.c.alias)
    return query.where(
        one_of_parameter(aliases.c.article, _ROW_IDS), *_gone_since(captures), ~own_captured
    )


def _gone_since(gone: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a capture shows the outer query's article to be gone.

    It must be later than all captures that showed the article.
    """
    shown, version = captures.alias(), revisions.alias()
    seen = (
        select(func.max(shown.c.captured_at))
        .join(version, shown.c.revision_id == version.c.id)
        .where(version.c.article == articles.c.id, shown.c.time_known)
        .correlate(articles)
        .scalar_subquery()
    )
    since = func.coalesce(seen, literal(datetime(1, 1, 1, tzinfo=UTC), Instant))
    return is_gone(gone), gone.c.time_known, gone.c.captured_at > since


def _gone_at(outlet: str) -> Select[Any]:
    """Return the query for captures of the outlet that show an address gone."""
    columns = ("id", "url", "captured_at", "warc_file", "payload_digest")
    return select(*(captures.c[name] for name in columns)).where(
        captures.c.outlet == outlet, captures.c.time_known, is_gone(captures)
    )


def _hours(outlet: str) -> Select[Any]:
    """Return the query for the looks that showed an article, by segment and hour."""
    hour = hour_of(captures.c.captured_at)
    return (
        select(
            captures.c.warc_file,
            hour,
            func.count(),
            func.min(captures.c.captured_at),
            func.max(captures.c.captured_at),
        )
        .where(captures.c.outlet == outlet, captures.c.time_known)
        .where(captures.c.revision_id.is_not(None))
        .group_by(captures.c.warc_file, hour)
    )
