"""Whether an outlet's newest articles are read differently than those of the weeks before.

The fill rate of each field, the share of pages without an article, and the length of bodies are
compared with the outlet's own past. A drift needs three things: it is not chance (Fisher's exact
test, or the rank test), it is large enough to matter, and no stretch of as many articles was like
it in the weeks before, because what an outlet does every Sunday, or whenever the stock exchange
closes, is usual. A field that is filled more often is no drift: a corrected parser does that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import exp, lgamma, sqrt
from statistics import median
from typing import TYPE_CHECKING

from archive.runs.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.runs.readings import PageSample

#: Numbers of newest articles that are judged. Below _SHORT nearly all have to be bad: an hour of
#: stock exchange tables is no drift.
STRETCHES = (10, 20, 40, 80)
_SHORT, _NEARLY_ALL = 40, 0.9
#: No judgement with fewer articles to compare with; no more than MOST are read.
LEAST, MOST = 40, 800
#: The probability of a false alarm in one check, and the smallest change of a rate that matters.
_CHANCE, _STEP = 1e-7, 0.25
#: Bodies: half or twice the length, and so many standard deviations of the rank test.
_RATIO, _DEVIATIONS = 2.0, 5.0
#: A median is beyond the earlier stretches if it differs from all of them by this factor.
_BEYOND = 1.25
#: A drift is over when so many articles are as usual.
_BACK = 20
UNPARSED, BODY = "unparsed", "body"


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that has changed: from ``usual`` to ``now``, in the last ``number`` articles.

    The values are shares, and characters for ``body``. ``first`` is the first of the articles that
    is bad.
    """

    field: str
    usual: float
    now: float
    number: int
    first: PageSample


def drifts(usual: Sequence[PageSample], recent: Sequence[PageSample]) -> list[Drift]:
    """Return the fields in which recent readings differ from the usual ones.

    Both are in the order of time. Each field is judged over the smallest number of newest articles
    that is significant. If pages without an article are significant, only these are returned: the
    remaining pages say nothing about the fields.
    """
    unparsed = _share_drift(UNPARSED, usual, recent)
    if unparsed is not None:
        return [unparsed]
    old, new = _parsed(usual), _parsed(recent)
    found = [_share_drift(name, old, new) for name in FIELDS]
    found.append(_body_drift(old, new))
    return [drift for drift in found if drift is not None]


def is_over(
    fields: Sequence[str], usual: Sequence[PageSample], recent: Sequence[PageSample]
) -> bool:
    """Return whether the newest articles are as usual again in all of these fields."""
    return all(_is_usual(name, usual, recent) for name in fields)


def is_significant(bad: int, n: int, was_bad: int, was: int) -> bool:
    """Return whether ``bad`` of ``n`` is a larger share than ``was_bad`` of ``was``, not by chance.

    The smallest change that counts is 25 percentage points.
    """
    return bad / n - was_bad / was >= _STEP and _fisher(bad, n, was_bad, was) < _CHANCE


def _is_usual(name: str, usual: Sequence[PageSample], recent: Sequence[PageSample]) -> bool:
    if name == BODY:
        was, now = _lengths(usual), _lengths(recent)[-_BACK:]
        if len(now) < _BACK or not was:
            return False
        return 1 / sqrt(_RATIO) < median(now) / max(median(was), 1) < sqrt(_RATIO)
    if name != UNPARSED:
        usual, recent = _parsed(usual), _parsed(recent)
    before, last = _bad(name, usual), _bad(name, recent)[-_BACK:]
    if len(last) < _BACK or not before:
        return False
    usually_bad = (sum(before) / len(before) + _STEP / 2) * _BACK
    return sum(last) <= max(_worst(before, _BACK), usually_bad)


def _bad(name: str, readings: Sequence[PageSample]) -> list[bool]:
    """Return for each reading whether it is bad in a field."""
    if name == UNPARSED:
        return [not reading.parsed for reading in readings]
    return [name not in reading.filled for reading in readings]


def _share_drift(
    name: str, usual: Sequence[PageSample], recent: Sequence[PageSample]
) -> Drift | None:
    """Return the drift of a share, by the smallest number of newest articles that shows it."""
    before, after = _bad(name, usual), _bad(name, recent)
    if len(before) < LEAST:
        return None
    for n in STRETCHES:
        last = after[-n:]
        if len(last) < n or not _is_beyond(sum(last), n, before):
            continue
        first = next(r for r, is_bad in zip(recent[-n:], last, strict=True) if is_bad)
        was, now = sum(before) / len(before), sum(last) / n
        if name != UNPARSED:  # the share of articles that have the field
            was, now = 1 - was, 1 - now
        return Drift(name, was, now, n, first)
    return None


def _is_beyond(bad: int, n: int, before: Sequence[bool]) -> bool:
    """Return whether so many bad ones of ``n`` are significant, and more than in any stretch."""
    if n < _SHORT and bad < n * _NEARLY_ALL:
        return False
    return bad > _bound(before, n) and is_significant(bad, n, sum(before), len(before))


def _body_drift(usual: Sequence[PageSample], recent: Sequence[PageSample]) -> Drift | None:
    """Return the drift of the length of bodies, None if there is none."""
    before = [reading.length for reading in usual]
    if len(before) < LEAST:
        return None
    was = median(before)
    for n in STRETCHES[2:]:
        newest = recent[-n:]
        if len(newest) < n:
            return None
        last = [reading.length for reading in newest]
        now = median(last)
        if _is_other_body(now, was, last, before):
            return Drift(BODY, was, now, n, _first_other(newest, was, shrunk=now < was))
    return None


def _is_other_body(now: float, was: float, last: Sequence[int], before: Sequence[int]) -> bool:
    """Return whether the last lengths, of median ``now``, differ from those before."""
    return (
        _is_other_length(now, was)
        and abs(_ranks(last, before)) > _DEVIATIONS
        and _is_beyond_medians(now, was, before, len(last))
    )


def _first_other(readings: Sequence[PageSample], was: float, *, shrunk: bool) -> PageSample:
    """Return the first body that is much shorter than usual (``shrunk``), or much longer."""
    return next(
        reading
        for reading in readings
        if _is_other_length(reading.length, was) and (reading.length < was) is shrunk
    )


def _is_other_length(length: float, usual: float) -> bool:
    """Return whether a length is less than half or more than twice the usual one."""
    return length * _RATIO < usual or length > usual * _RATIO


def _is_beyond_medians(now: float, was: float, before: Sequence[int], n: int) -> bool:
    """Return whether a median differs from those of all earlier stretches of ``n`` articles."""
    medians = [median(before[i : i + n]) for i in range(len(before) - n + 1)] or [was]
    if now < was:
        return now < min(medians) / _BEYOND
    return now > max(medians) * _BEYOND


def _parsed(readings: Sequence[PageSample]) -> list[PageSample]:
    return [reading for reading in readings if reading.parsed]


def _lengths(readings: Sequence[PageSample]) -> list[int]:
    return [reading.length for reading in readings if reading.parsed]


def _worst(bad: Sequence[bool], n: int) -> int:
    """Return the largest number of bad ones in any stretch of ``n``."""
    most = count = sum(bad[:n])
    for i in range(n, len(bad)):
        count += bad[i] - bad[i - n]
        most = max(most, count)
    return most


def _bound(bad: Sequence[bool], n: int) -> int:
    """Return how many bad ones of ``n`` are still like the weeks before.

    That is some more than ever, but of twenty and more never all of them.
    """
    most = _worst(bad, n)
    bound = most + 2 + n // 6
    if n < STRETCHES[1]:
        return bound
    return min(bound, max(most, n - 1))


def _fisher(bad: int, n: int, was_bad: int, was: int) -> float:
    """Return the probability of so many bad ones or more among ``n`` (Fisher's exact test)."""
    total, all_bad = n + was, bad + was_bad
    whole = _log_choose(total, n)
    possible = range(max(bad, n - (total - all_bad)), min(n, all_bad) + 1)
    return sum(
        exp(_log_choose(all_bad, k) + _log_choose(total - all_bad, n - k) - whole) for k in possible
    )


def _log_choose(n: int, k: int) -> float:
    """Return the natural logarithm of n over k."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _ranks(some: Sequence[int], others: Sequence[int]) -> float:
    """Return by how many standard deviations some are longer than others.

    This is the statistic of Mann and Whitney's U, with ties counted half.
    """
    order = sorted(others)
    above = sum((bisect_left(order, x) + bisect_right(order, x)) / 2 for x in some)
    n, m = len(some), len(others)
    return (above - n * m / 2) / sqrt(n * m * (n + m + 1) / 12)
