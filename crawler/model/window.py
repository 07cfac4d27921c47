"""Where an outlet's articles are found, and what reading such a place gives, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class WindowError(ValueError):
    """The dates asked for contradict each other; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days asked for, KST, both included; an open end is None. Without any: what is new."""

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since is None and self.until is not None:
            raise WindowError("until= needs since=: without it there is no first day to stop at")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise WindowError(f"since={self.since} lies after until={self.until}")

    def excludes(self, published: date | None, modified: date | None = None) -> bool:
        """Whether an article of these dates is surely outside: nothing is published after it was changed."""
        if published is not None:
            return self.before(published) or (self.until is not None and published > self.until)
        return modified is not None and self.before(modified)

    def before(self, day: date) -> bool:
        """Whether a day lies before the window."""
        return self.since is not None and day < self.since


def parse_day(text: str) -> date:
    """Read ``2023-09-01``.

    :raises WindowError: it is no such date.
    """
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise WindowError(f"{text!r} is no date; write it as 2023-09-01")


def days(first: date, last: date) -> Iterator[date]:
    """Each day from the last back to the first: what is newest is wanted first."""
    while last >= first:
        yield last
        last -= timedelta(days=1)
