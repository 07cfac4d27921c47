"""Schedules: a cron line, an interval or a moment, in Asia/Seoul; all processes agree on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Callable

#: Intervals are counted from here, so that those of a day or its parts include midnight in Seoul.
_ORIGIN = datetime(2000, 1, 1, tzinfo=KST)
_SHORTEST = timedelta(minutes=1)
_LONGEST = timedelta(days=366)
_INSTANT = timedelta(microseconds=1)
#: How far back the last moment of a cron line is searched: two 29ths of February may be eight years
#: apart.
_FAR = timedelta(days=366 * 8)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = r"[0-7]|sun|mon|tue|wed|thu|fri|sat"
_WEEKDAYS = re.compile(
    rf"(?:(?P<every>\*)|(?P<first>{_WEEKDAY})(?:-(?P<last>{_WEEKDAY}))?)(?:/(?P<step>[0-9]))?",
    re.ASCII,
)
_CRON_FIELDS = 5


class ScheduleError(ValueError):
    """The schedule is invalid; the message is a sentence."""


@dataclass
class Schedule:
    """Moments at which a job is due; ``text`` is the schedule as it was written.

    ``first_from`` returns the first of them that is not earlier than a moment, None without one.
    """

    text: str
    first_from: Callable[[datetime], datetime | None] = field(compare=False, repr=False)
    #: The last result of `last`, and the next moment, up to which that stays the result.
    _known: tuple[datetime, datetime] | None = field(default=None, compare=False, repr=False)

    def next(self, after: datetime) -> datetime | None:
        """Return the first moment later than ``after``, in KST; None if there is none."""
        return self.first_from(after.astimezone(KST) + _INSTANT)

    def last(self, until: datetime) -> datetime | None:
        """Return the last moment not later than ``until``, in KST.

        None if there was none within eight years.
        """
        if self._known is not None and self._known[0] <= until < self._known[1]:
            return self._known[0]
        found = self._find(until.astimezone(KST))
        coming = self.next(until)
        self._known = (found, coming) if found is not None and coming is not None else None
        return found

    def _find(self, until: datetime) -> datetime | None:
        back = _SHORTEST
        while (found := self.next(until - back - _INSTANT)) is None or found > until:
            if back > _FAR:
                return None
            back *= 8
        # It lies between these two: a moment comes by `until` after the one, and none after the
        # other.
        early, late = found, until
        while late - early > _INSTANT:
            middle = early + (late - early) / 2
            coming = self.next(middle)
            if coming is not None and coming <= until:
                early = found = coming
            else:
                late = middle
        return found


def parse_schedule(text: str) -> Schedule:
    """Return the schedule whose ``text`` is given.

    :raises ScheduleError: there is none.
    """
    kind, _, rest = text.partition(" ")
    if kind == "every":
        return every(rest)
    if kind == "cron":
        return cron(rest)
    if kind == "once":
        return once(_moment(rest))
    raise ScheduleError(f"{text!r} is no schedule")


def once(moment: datetime) -> Schedule:
    """Return the schedule of what is due at one moment, which has a time zone."""
    own = moment.astimezone(KST)
    return Schedule(f"once {own.isoformat()}", lambda start: own if own >= start else None)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ScheduleError(f"{text!r} is no moment") from error
    if moment.tzinfo is None:
        raise ScheduleError(f"{text!r} has no time zone")
    return moment


def every(text: str) -> Schedule:
    """Return an interval: ``10m``, ``1h``, ``1h30m``, ``1d``.

    :raises ScheduleError: it is invalid, shorter than a minute, or longer than a year.
    """
    length = duration(text)
    if not _SHORTEST <= length <= _LONGEST:
        raise ScheduleError("an interval is between a minute and a year")
    seconds = int(length.total_seconds())
    trigger = IntervalTrigger(seconds=seconds, start_date=_ORIGIN, timezone=KST)
    return Schedule(f"every {text}", partial(trigger.get_next_fire_time, None))


def cron(text: str) -> Schedule:
    """Return a cron line of five fields: minute, hour, day, month, weekday (0 and 7 are Sunday).

    :raises ScheduleError: it is invalid, or implementations of cron differ on its meaning.
    """
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        raise ScheduleError(
            f"a cron line has five fields, not {len(fields)}: minute hour day month weekday"
        )
    if fields[2] != "*" and fields[4] != "*":
        raise ScheduleError(
            "a day of the month together with a weekday means 'and' to some crons and 'or' to "
            "others; write two jobs"
        )
    minute, hour, day, month, weekday = fields
    try:
        trigger = CronTrigger(
            minute=minute,
            hour=hour,
            day=day,
            month=month,
            day_of_week=_weekdays(weekday),
            timezone=KST,
        )
    except ValueError as error:
        raise ScheduleError(f"{text!r} is not a valid cron line ({error})") from error
    schedule = Schedule(f"cron {text}", partial(trigger.get_next_fire_time, None))
    if schedule.next(_ORIGIN) is None:
        raise ScheduleError(f"{text!r} has no moment")
    return schedule


def duration(text: str) -> timedelta:
    """Return a length of time: ``90s``, ``45m``, ``1h30m``, ``2d``.

    :raises ScheduleError: it is invalid, zero, or longer than a year.
    """
    if not re.fullmatch(r"(?:\d{1,9}[smhd])+", text, re.ASCII):
        raise ScheduleError(f"{text!r} is not a length of time; write 90s, 45m, 1h30m or 2d")
    seconds = sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))
    if not seconds:
        raise ScheduleError(f"{text!r} is zero")
    if seconds > _LONGEST.total_seconds():
        raise ScheduleError(f"{text!r} is longer than a year")
    return timedelta(seconds=seconds)


def _weekdays(field: str) -> str:
    """Return the weekdays by name: cron counts from Sunday, APScheduler from Monday."""
    if field == "*":
        return field
    found: list[str] = []
    for part in field.lower().split(","):
        found += _weekday_range(part)
    return ",".join(dict.fromkeys(found))


def _weekday_range(part: str) -> tuple[str, ...]:
    """Return the weekdays of one part of the field: ``*``, a day or a range, perhaps with a step.

    :raises ScheduleError: it is invalid or has no weekday.
    """
    match = _WEEKDAYS.fullmatch(part)
    if match is None:
        raise ScheduleError(
            f"{part!r} is not a weekday; write 0-7 (0 and 7 are Sunday) or sun, mon …"
        )
    first, last = _bounds(match)
    step = int(match["step"] or 1)
    if last < first or step == 0:
        raise ScheduleError(f"{part!r} names no weekday")
    return _DAYS[first : last + 1 : step]


def _bounds(match: re.Match[str]) -> tuple[int, int]:
    """Return the first and the last day, counted from Sunday."""
    if match["every"]:
        return 0, 6
    first = _weekday(match["first"])
    if match["last"]:
        last = _weekday(match["last"])
        return first, 7 if last == 0 < first else last  # fri-sun
    # As in the other fields, 1/2 is every second day from the first on.
    return first, first if match["step"] is None else 6


def _weekday(name: str) -> int:
    return int(name) if name.isdigit() else _DAYS.index(name)
