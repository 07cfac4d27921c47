"""A month of an archive's life under a clock of ours: outlets that publish by the hour, and what goes wrong with them.

They are crawled every half hour on days when something goes wrong, and every so many hours on the
others.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST
from tests.support.mock_site.server import MockSite
from tests.support.processes.fake_clock import clock
from tests.support.processes.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Articles an outlet publishes an hour, day and night.
AN_HOUR = 6
#: Days on which etoday gets a new template, and on which it has the old one again; day and hours at
#: which newspim answers 503; the day from which on it publishes nothing.
REDESIGNED, MENDED, BUSY, BUSY_HOURS, SILENT = 12, 14, 16, (6, 12), 20
_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
#: Where crawls are due on a day when something goes wrong, minutes past the hour; on others the
#: last of these.
_OFTEN = (25, 55)
_EVENTFUL = frozenset({REDESIGNED, BUSY, SILENT})


@dataclass
class Alarm:
    """One that was raised; ``came`` and ``went`` are hours since the start."""

    kind: str
    subject: str
    sentence: str
    came: float
    went: float | None = None


@dataclass
class Month:
    """What was seen."""

    runs: int = 0
    alarms: list[Alarm] = field(default_factory=list)
    articles: int = 0
    unread: int = 0
    not_once: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def live(
    folder: Path, days: int, apart: int, told: Callable[[str], None] = lambda _: None
) -> Month:
    """Live through so many days, ordinary ones with ``apart`` hours between crawls; ``told`` hears of each day."""
    start = datetime.now(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    between = _HOUR / AN_HOUR
    with ExitStack() as stack:
        etoday, newspim = (
            stack.enter_context(MockSite(name, AN_HOUR * 48, clock=start, between=between))
            for name in ("etoday", "newspim")
        )
        # An outlet that is busy is waited for by the wall's clock, which is not ours.
        schedule = Schedule(folder, [etoday, newspim], {"RETRY_AFTER_MAX": "1", "RETRY_TIMES": "0"})
        alarms: dict[int, Alarm] = {}
        before = {*etoday.ids(), *newspim.ids()}
        for hour in range(days * 24):
            day, of_day = divmod(hour, 24)
            minutes = _OFTEN if day in _EVENTFUL else _OFTEN[-1:]
            hours = "*" if day in _EVENTFUL else f"{(apart - 1) % 24}-23/{apart}"
            due = f"{','.join(map(str, minutes))} {hours} * * *"
            schedule.jobs(*(f'outlet = "{name}"\ncron = "{due}"' for name in ("etoday", "newspim")))
            _happen(etoday, newspim, day, of_day)
            for minute in minutes:
                etoday.publish(AN_HOUR // len(minutes))
                if day < SILENT:
                    newspim.publish(AN_HOUR // len(minutes))
                if day not in _EVENTFUL and (of_day + 1) % apart:
                    continue
                for moment in _looks(schedule, start + hour * _HOUR + (minute + 2) * _MINUTE):
                    schedule.run(
                        "--once",
                        env=clock(
                            "Asia/Seoul", FAKETIME=f"@{moment.timestamp():.0f}", FAKETIME_FMT="%s"
                        ),
                    )
                    _notice(schedule, (moment - start) / _HOUR, alarms)
            if of_day == 23:
                told(f"day {day + 1}: {len(schedule.runs())} runs, {len(alarms)} alarms so far")
        month = Month(runs=len(schedule.runs()), alarms=list(alarms.values()))
        for crawls in schedule.crawls:
            new = [article for article in crawls.site.ids() if article not in before]
            month.articles += len(new)
            kept, outcomes = crawls.revisions(), crawls.outcomes()
            # A page that no layout reads is archived too; a mended outlet file and a reindex make
            # an article of it.
            once = {article for article in new if len(kept.get(article, ())) == 1}
            unread = {
                article
                for article in new
                if article not in kept and outcomes.get(article, "")[:8] == "unparsed"
            }
            month.unread += len(unread)
            month.not_once += [article for article in new if article not in once | unread]
        # By the same clock: to ours all of it is yet to come.
        end = f"@{(start + timedelta(days=days)).timestamp():.0f}"
        verified = schedule.workspace.run(
            "verify", env=clock("Asia/Seoul", FAKETIME=end, FAKETIME_FMT="%s")
        )
        month.findings = verified.out.splitlines() if verified.code else []
    return month


def _happen(etoday: MockSite, newspim: MockSite, day: int, hour: int) -> None:
    if (day, hour) == (REDESIGNED, 0):
        etoday.fault(r"/news/view/", "redesign")
    elif (day, hour) == (MENDED, 0):
        etoday.heal()
    elif (day, hour) == (BUSY, BUSY_HOURS[0]):
        newspim.fault(r".", "status", status=503)
    elif (day, hour) == (BUSY, BUSY_HOURS[1]):
        newspim.heal()


def _looks(schedule: Schedule, first: datetime) -> Iterator[datetime]:
    """When cron looks within an hour: once, and again where something failed and is to be tried again."""
    yield first
    for later in (7, 20):
        latest = {row["job"]: row["ending"] for row in schedule.runs() if row["job"]}
        if "failed" in latest.values():
            yield first + later * _MINUTE


def _notice(schedule: Schedule, hour: float, alarms: dict[int, Alarm]) -> None:
    """Note which alarms have come and gone since the last look."""
    for row in schedule.workspace.rows("alarms"):
        alarm = alarms.setdefault(
            row["id"], Alarm(row["kind"], row["subject"], row["sentence"], hour)
        )
        if row["ended_at"] and alarm.went is None:
            alarm.went = hour
