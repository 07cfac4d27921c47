"""When an outlet's newest articles are read otherwise than its articles of the weeks before.

Each field's fill rate, the share of pages that no article could be read from, and the length of
bodies are held against the outlet's own past. Three things must come together: it can't be chance
(Fisher's exact test, or the rank test), it is far enough off to matter, and no stretch of as many
articles was like it in the weeks before: what an outlet does every Sunday, or whenever the stock
exchange closes, is its way. Fields that come to be filled more often are no alarm: that is what a
mended parser does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import exp, lgamma, sqrt
from statistics import median
from typing import TYPE_CHECKING

from archive.runs.readings import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.runs.readings import PageSample

#: Stretches of the newest articles that are judged. Of the short ones nearly all have to be bad: an
#: hour of tables from the stock exchange is no drift.
STRETCHES = (10, 20, 40, 80)
_SHORT, _NEARLY_ALL = 40, 0.9
#: No judgement with fewer articles to judge by, and no more than this are looked at.
LEAST, MOST = 40, 800
#: An error of the first kind in ten million looks, and no smaller change of a rate than this.
_CHANCE, _STEP = 1e-7, 0.25
#: Bodies: half or twice the length, and so many standard deviations of the rank test.
_RATIO, _DEVIATIONS = 2.0, 5.0
#: Back to usual, over so many articles.
_BACK = 20
UNPARSED, BODY = "unparsed", "body"


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is off: its value was ``usual`` and is ``now``, over ``number`` articles from ``first`` on.

    Values are shares, and characters of ``body``. ``first`` is the first article of them that is
    bad.
    """

    field: str
    usual: float
    now: float
    number: int
    first: PageSample


def drifts(usual: Sequence[PageSample], recent: Sequence[PageSample]) -> list[Drift]:
    """What is off about the recent readings, the oldest first, by the usual ones; by the shortest stretch that tells.

    If pages can't be read, that is all that is told: what is left of them says nothing of the
    fields.
    """
    unread = _of_share(UNPARSED, _bad(UNPARSED, usual), _bad(UNPARSED, recent), recent)
    if unread is not None:
        return [unread]
    old, new = _parsed(usual), _parsed(recent)
    shares = (_of_share(name, _bad(name, old), _bad(name, new), new) for name in FIELDS)
    return [drift for drift in (*shares, _of_body(old, new)) if drift is not None]


def is_over(
    fields: Sequence[str], usual: Sequence[PageSample], recent: Sequence[PageSample]
) -> bool:
    """Whether the newest articles are, in all of these fields, as the usual ones were."""
    return all(_is_usual(name, usual, recent) for name in fields)


def _is_usual(name: str, usual: Sequence[PageSample], recent: Sequence[PageSample]) -> bool:
    if name == BODY:
        was, now = [r.length for r in _parsed(usual)], [r.length for r in _parsed(recent)][-_BACK:]
        if len(now) < _BACK or not was:
            return False
        return 1 / sqrt(_RATIO) < median(now) / max(median(was), 1) < sqrt(_RATIO)
    if name != UNPARSED:
        usual, recent = _parsed(usual), _parsed(recent)
    before, last = _bad(name, usual), _bad(name, recent)[-_BACK:]
    if len(last) < _BACK or not before:
        return False
    return sum(last) <= max(_worst(before, _BACK), (sum(before) / len(before) + _STEP / 2) * _BACK)


def _bad(name: str, readings: Sequence[PageSample]) -> list[bool]:
    """Which of the readings are bad in a field."""
    if name == UNPARSED:
        return [not reading.parsed for reading in readings]
    return [name not in reading.filled for reading in readings]


def _of_share(
    name: str, before: list[bool], after: list[bool], readings: Sequence[PageSample]
) -> Drift | None:
    if len(before) < LEAST:
        return None
    was = sum(before) / len(before)
    for n in STRETCHES:
        last = after[-n:]
        bad = sum(last)
        if len(last) < n or (n < _SHORT and bad < n * _NEARLY_ALL):
            continue
        if bad / n - was < _STEP or bad <= _bound(before, n):
            continue
        if _fisher(bad, n, sum(before), len(before)) < _CHANCE:
            first = next(r for r, is_bad in zip(readings[-n:], last, strict=True) if is_bad)
            value = (was, bad / n) if name == UNPARSED else (1 - was, 1 - bad / n)
            return Drift(name, *value, n, first)
    return None


def _of_body(usual: Sequence[PageSample], recent: Sequence[PageSample]) -> Drift | None:
    before = [r.length for r in usual]
    if len(before) < LEAST:
        return None
    was = median(before)
    for n in STRETCHES[2:]:
        last = [r.length for r in recent[-n:]]
        if len(last) < n:
            break
        now = median(last)
        shrunk, grown = now * _RATIO < was, now > was * _RATIO
        if not (shrunk or grown):
            continue
        stretches = [median(before[i : i + n]) for i in range(len(before) - n + 1)] or [was]
        beyond = now < min(stretches) / 1.25 if shrunk else now > max(stretches) * 1.25
        if beyond and abs(_ranks(last, before)) > _DEVIATIONS:
            bad = (
                r
                for r in recent[-n:]
                if (r.length * _RATIO < was if shrunk else r.length > was * _RATIO)
            )
            return Drift(BODY, was, now, n, next(bad))
    return None


def _parsed(readings: Sequence[PageSample]) -> list[PageSample]:
    return [r for r in readings if r.parsed]


def _worst(bad: Sequence[bool], n: int) -> int:
    """The most bad ones in any stretch of ``n``."""
    most = count = sum(bad[:n])
    for i in range(n, len(bad)):
        count += bad[i] - bad[i - n]
        most = max(most, count)
    return most


def _bound(bad: Sequence[bool], n: int) -> int:
    """How many bad ones of ``n`` are still like the weeks before: some more than ever, but not all of twenty."""
    most = _worst(bad, n)
    bound = most + 2 + n // 6
    return bound if n < STRETCHES[1] else min(bound, max(most, n - 1))


def _fisher(bad: int, n: int, was_bad: int, was: int) -> float:
    """The chance of so many bad ones or more among ``n``, were all drawn from one urn."""
    total, all_bad = n + was, bad + was_bad
    whole = _choose(total, n)
    possible = range(max(bad, n - (total - all_bad)), min(n, all_bad) + 1)
    return sum(exp(_choose(all_bad, k) + _choose(total - all_bad, n - k) - whole) for k in possible)


def _choose(n: int, k: int) -> float:
    """The logarithm of n over k."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _ranks(some: Sequence[int], others: Sequence[int]) -> float:
    """By how many standard deviations some are longer than others (Mann and Whitney's U, ties shared)."""
    order = sorted(others)
    above = sum((bisect_left(order, x) + bisect_right(order, x)) / 2 for x in some)
    n, m = len(some), len(others)
    return (above - n * m / 2) / sqrt(n * m * (n + m + 1) / 12)
