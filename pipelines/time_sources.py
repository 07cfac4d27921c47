"""Choose among the times that a page states for one event: printed, and in its head."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.article import Precision
from pipelines.times import Reading, TimeError, read_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

#: Times that differ by no more are the same: outlets round the seconds of the printed one.
_ROUNDING = timedelta(minutes=1)
_PRECISIONS = (Precision.DAY, Precision.MINUTE, Precision.SECOND)


#: The flag of an article whose printed stamp can't be read.
UNREAD_PUBLISHED = "unread_published"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a page states of one time.

    The moment, its printed form, forms that contradict it, and whether there is no moment though a
    stamp is printed.
    """

    at: datetime | None = None
    raw: str = ""
    precision: Precision | None = None
    contradicting: tuple[str, ...] = ()
    unread: bool = False


def settle(printed: str, machine: Sequence[str], base: datetime) -> Stated:
    """Return the time that a page captured at ``base`` states.

    The printed stamp is believed, unless it is relative (``2시간 전``), which depends on the
    capture; of the sources that agree with it the most precise one is taken. ``raw`` is the printed
    stamp, or the first machine-readable one if there is none, whether it could be read or not.
    """
    raw = printed or next(filter(None, machine), "")
    found = _readings((*machine, printed), base)
    if not found:
        return Stated(raw=raw, unread=bool(printed))
    if len(found) == 1:  # the usual case
        only = found[0][1]
        return Stated(only.moment, raw, only.precision)
    lead = _lead(found, printed)
    agreeing: list[Reading] = []
    others: list[str] = []
    for text, reading in found:
        if agree(reading, lead):
            agreeing.append(reading)
        else:
            others.append(text)
    best = max(agreeing, key=lambda reading: (not _coarse(reading), _rank(reading)))
    return Stated(best.moment, raw, best.precision, tuple(others))


def agree(a: Reading, b: Reading) -> bool:
    """Whether two readings may be of the same moment, as exactly as they are stated."""
    if (_coarse(a) or _coarse(b)) and not (a.is_relative or b.is_relative):
        return a.moment.date() == b.moment.date()
    allowed = max(_ROUNDING, a.slack + b.slack)
    if Precision.DAY in (a.precision, b.precision):
        allowed += timedelta(days=1)
    return abs(a.moment - b.moment) <= allowed


def _readings(texts: Iterable[str], base: datetime) -> list[tuple[str, Reading]]:
    """Return the different texts that can be read, with their readings."""
    found = []
    for text in filter(None, dict.fromkeys(texts)):
        try:
            found.append((text, read_time(text, base)))
        except TimeError:
            continue
    return found


def _lead(found: Sequence[tuple[str, Reading]], printed: str) -> Reading:
    """Return the reading that is believed."""
    exact = [(text, reading) for text, reading in found if not reading.is_relative] or found
    return next((reading for text, reading in exact if text == printed), exact[0][1])


def _coarse(reading: Reading) -> bool:
    """Whether only the day counts: machines write a day as its midnight."""
    if reading.precision is not Precision.SECOND:
        return reading.precision is Precision.DAY
    moment = reading.moment
    return not (moment.hour or moment.minute or moment.second)


def _rank(reading: Reading) -> tuple[bool, int]:
    return not reading.is_relative, _PRECISIONS.index(reading.precision)
