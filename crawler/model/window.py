"""The window of days that a crawl is limited to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model import times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


class WindowError(ValueError):
    """The dates of a window are invalid or contradict each other; the message says how."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days of publication (KST), both included; None is an open end.

    Without any day the window is what is new.
    """

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since is None and self.until is not None:
            raise WindowError("until= needs since=: without it there is no first day to stop at")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise WindowError(f"since={self.since} lies after until={self.until}")

    def excludes(self, published: date | None, modified: date | None = None) -> bool:
        """Whether an article of these dates is certainly outside.

        An article modified before the window was published before it.
        """
        if published is None:
            return modified is not None and self._starts_after(modified)
        return self._starts_after(published) or self._ends_before(published)

    def _starts_after(self, day: date) -> bool:
        return self.since is not None and day < self.since

    def _ends_before(self, day: date) -> bool:
        return self.until is not None and day > self.until


def parse_day(text: str) -> date:
    """Return the date written as ``2023-09-01``.

    :raises WindowError: the text is not such a date.
    """
    try:
        return times.parse_day(text)
    except ValueError as error:
        raise WindowError(str(error)) from error


def parse_days(text: str) -> tuple[date, date]:
    """Return the first and the last of the days written as ``2023-09-01..2023-09-03``.

    One day alone is both.

    :raises WindowError: the text is not so, or the first day lies after the last.
    """
    first, dots, last = text.partition("..")
    start = parse_day(first)
    end = parse_day(last) if dots else start
    if start > end:
        raise WindowError(f"{text}: the first day lies after the last")
    return start, end


def days(first: date, last: date) -> Iterator[date]:
    """Yield each day from the last back to the first, as the newest articles are wanted first."""
    while last >= first:
        yield last
        last -= timedelta(days=1)
