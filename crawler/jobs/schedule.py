"""When a job falls due: a cron line or an interval, in Asia/Seoul, as moments that every process agrees on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from archive.model.article import KST

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

#: What intervals are counted from, so that each of a day or its parts falls at midnight in Seoul.
_ORIGIN = datetime(2000, 1, 1, tzinfo=KST)
_SHORTEST = timedelta(minutes=1)
_LONGEST = timedelta(days=366)
_INSTANT = timedelta(microseconds=1)
#: How far back a cron line's last moment is looked for: the 29th of February may be eight years
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
    """No such moments; the message is a sentence."""


@dataclass
class Schedule:
    """Moments at which something falls due; ``text`` is how it was written."""

    text: str
    trigger: BaseTrigger
    #: The last answer of `last`, and the moment from which on it is another one.
    _known: tuple[datetime, datetime] | None = field(default=None, compare=False, repr=False)

    def next(self, after: datetime) -> datetime | None:
        """The first moment later than ``after``, in KST; None if there is none any more."""
        found: datetime | None = self.trigger.get_next_fire_time(
            None, after.astimezone(KST) + _INSTANT
        )
        return found

    def last(self, until: datetime) -> datetime | None:
        """The last moment not later than ``until``, in KST; None if there was none within eight years."""
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


def every(text: str) -> Schedule:
    """An interval: ``10m``, ``1h``, ``1h30m``, ``1d``.

    :raises ScheduleError: it is none, or shorter than a minute, or longer than a year.
    """
    length = duration(text)
    if not _SHORTEST <= length <= _LONGEST:
        raise ScheduleError("an interval is between a minute and a year")
    return Schedule(
        f"every {text}",
        IntervalTrigger(seconds=int(length.total_seconds()), start_date=_ORIGIN, timezone=KST),
    )


def cron(text: str) -> Schedule:
    """A cron line of five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).

    :raises ScheduleError: it is none, or one that crons read differently.
    """
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        raise ScheduleError(
            f"a cron line has five fields, not {len(fields)}: minute hour day month weekday"
        )
    if fields[2] != "*" and fields[4] != "*":
        raise ScheduleError(
            "some crons read a day of the month with a weekday as 'and', some as 'or'; make two jobs of it"
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
        raise ScheduleError(f"{text!r} is no cron line ({error})") from error
    schedule = Schedule(f"cron {text}", trigger)
    if schedule.next(_ORIGIN) is None:
        raise ScheduleError(f"{text!r} never comes")
    return schedule


def duration(text: str) -> timedelta:
    """A length of time: ``90s``, ``45m``, ``1h30m``, ``2d``.

    :raises ScheduleError: it is none, or nothing, or longer than a year.
    """
    if not re.fullmatch(r"(?:\d{1,9}[smhd])+", text, re.ASCII):
        raise ScheduleError(f"{text!r} is no length of time; write 90s, 45m, 1h30m or 2d")
    seconds = sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))
    if not seconds:
        raise ScheduleError(f"{text!r} is no time at all")
    if seconds > _LONGEST.total_seconds():
        raise ScheduleError(f"{text!r} is longer than a year")
    return timedelta(seconds=seconds)


def _weekdays(field: str) -> str:
    """The weekdays by name: cron counts from Sunday, APScheduler from Monday."""
    if field == "*":
        return field
    found: list[str] = []
    for part in field.lower().split(","):
        match = _WEEKDAYS.fullmatch(part)
        if match is None:
            raise ScheduleError(
                f"{part!r} is no weekday; write 0-7 (0 and 7 are Sunday) or sun, mon …"
            )
        first = 0 if match["every"] else _weekday(match["first"])
        # As in the other fields, 1/2 is every second one from the first on.
        alone = match["first"] if match["step"] is None else "6"
        last = 6 if match["every"] else _weekday(match["last"] or alone)
        if match["last"] and last < first and last == 0:
            last = 7  # fri-sun
        if last < first or match["step"] == "0":
            raise ScheduleError(f"{part!r} names no weekday")
        found += _DAYS[first : last + 1 : int(match["step"] or 1)]
    return ",".join(dict.fromkeys(found))


def _weekday(name: str) -> int:
    return int(name) if name.isdigit() else _DAYS.index(name)
