"""What one check of the monitor changes: the alarms that are over, and the causes of new ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from archive.runs.alarms import Alarm, AlarmKind, Cause

#: An alarm that began later than this is of a clock that was ahead: nothing done now is after it.
_AHEAD = timedelta(hours=1)


class AlarmChanges:
    """The open alarms, those among them that are ``over``, and the ``causes`` of new ones."""

    def __init__(self, alarms: Iterable[Alarm], now: datetime) -> None:
        self.over: list[Alarm] = []
        self.causes: list[Cause] = []
        self._open: list[Alarm] = []
        for alarm in alarms:
            # An alarm of a clock that was ahead is raised again by the same check if it lasts.
            is_ahead = alarm.began_at - now > _AHEAD
            (self.over if is_ahead else self._open).append(alarm)

    def open(self, kind: AlarmKind, subject: str | None = None) -> list[Alarm]:
        """Return the open alarms of a kind, or of a kind and subject."""
        return [a for a in self._open if a.kind is kind and subject in (None, a.subject)]

    def lasting(self, kind: AlarmKind, subject: str) -> list[Alarm]:
        """Return the open alarms of a kind and subject that are not over."""
        return [alarm for alarm in self.open(kind, subject) if alarm not in self.over]

    def will_be_open(self, kind: AlarmKind, subject: str) -> bool:
        """Return whether an alarm is open after this check."""
        raised = any(one.kind is kind and one.subject == subject for one in self.causes)
        return raised or bool(self.lasting(kind, subject))

    def end(self, alarms: Iterable[Alarm]) -> None:
        """Note that these alarms are over."""
        self.over += alarms

    def add(self, cause: Cause | None) -> None:
        """Note the cause of a new alarm; nothing for None."""
        if cause is not None:
            self.causes.append(cause)
