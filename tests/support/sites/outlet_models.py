"""Made-up outlets that publish by their own clocks, crawled for a year: what the judges of alarms are measured by."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.runs.fields import FIELDS
from archive.runs.readings import PageSample
from archive.runs.record import Ending, RunRecord
from crawler.alarms.drift import Drift, drifts
from crawler.alarms.holidays import day_kind
from crawler.alarms.sample import reach, split
from crawler.alarms.silence import ENOUGH, Observation, PublicationRate, Silence, silence

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 1, 5, 0, 7, tzinfo=KST)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Before the year: what is known of the outlet when it begins.
WARM = 30


@dataclass(frozen=True)
class OutletModel:
    """An outlet: articles an hour at a moment (KST), and how often it is crawled."""

    name: str
    rate: Callable[[datetime], float]
    every: timedelta = HOUR
    warm: int = WARM
    #: One article in each hour of its rate, and no chance.
    regular: bool = False
    #: A day off that no calendar knows.
    surprise: bool = False
    moody: bool = False
    #: How many days a change of its pages is looked for.
    patience: int = 40

    def articles(self, days: int, seed: int) -> list[datetime]:
        """When it publishes, in order."""
        dice, found = random.Random(f"{self.name} {seed}"), []
        odd = (
            {START.date() + timedelta(self.warm + n) for n in (101, 257)}
            if self.surprise
            else set()
        )
        for day in range(days + self.warm):
            mood = dice.gammavariate(8, 1 / 8) if self.moody else 1.0
            for hour in range(24):
                begin = (START + timedelta(day)).replace(hour=hour, minute=0)
                rate = 0.0 if begin.date() in odd else self.rate(begin) * mood
                number = round(rate) if self.regular else _poisson(dice, rate)
                found += [begin + timedelta(seconds=dice.randrange(3600)) for _ in range(number)]
        return sorted(found)


def _poisson(dice: random.Random, mean: float) -> int:
    number, time = 0, dice.expovariate(1.0)
    while time < mean:
        number, time = number + 1, time + dice.expovariate(1.0)
    return number


def _office(moment: datetime) -> float:
    return 20 / 9 if day_kind(moment.date()) < 5 and 9 <= moment.hour < 18 else 0.0


def _busy(moment: datetime) -> float:
    quiet = {0: 0.6, 1: 0.3, 2: 0.2, 3: 0.2, 4: 0.3, 5: 1, 6: 5}.get(
        moment.hour, 17 if moment.hour < 19 else 8
    )
    return quiet * (1.15 if day_kind(moment.date()) < 5 else 0.4)


OUTLET_MODELS = (
    OutletModel("(a) each hour, by chance", lambda _: 1.0),
    OutletModel("(a) each hour, like a clock", lambda _: 1.0, regular=True),
    OutletModel("(a) each hour, crawled once a day", lambda _: 1.0, every=DAY),
    OutletModel("(b) office hours, 20 a day", _office),
    OutletModel("(b) the same, unheard-of holidays", _office, surprise=True),
    OutletModel("(c) 300 a day, quiet nights", _busy, moody=True),
    OutletModel("(c) the same, crawled each 10 min", _busy, every=HOUR / 6, moody=True),
    OutletModel("(d) 3 a week", lambda _: 3 / 168, warm=190, patience=200),
    OutletModel("(d) 10 a week", lambda _: 10 / 168, warm=60, patience=120),
)


@dataclass
class AlarmCounts:
    """What was told: false alarms by their moments, and how long each true one took."""

    days: int
    false: list[str] = field(default_factory=list)
    hours: list[float] = field(default_factory=list)
    articles: list[int] = field(default_factory=list)
    never: int = 0
    expected: int = 0

    def __str__(self) -> str:
        told = (
            f"{len(self.false)} false alarms in {self.days} days"
            if self.days
            else "a change of its pages"
        )
        if self.expected:
            told += f", {self.expected} of them on the unheard-of holidays"
        if self.hours:
            told += f"; told after {median(self.hours):.1f} h (at most {max(self.hours):.1f} h)"
        if self.articles:
            told += f", {median(self.articles):.0f} articles (at most {max(self.articles)})"
        if self.never:
            told += f"; {self.never} never told"
        return told + "".join(f"\n      {moment}" for moment in self.false)


class Watched:
    """A outlet model's articles, the crawls of it, and what the judge of silence says at each."""

    def __init__(self, room: OutletModel, days: int, seed: int, tail: int = 0) -> None:
        self.room = room
        self.articles = room.articles(days + tail, seed)
        number = (days + tail + room.warm) * DAY // room.every
        self.moments = [START + n * room.every for n in range(number)]
        self.hours = Counter(moment.replace(minute=0, second=0) for moment in self.articles)
        places = [bisect_right(self.articles, moment) for moment in self.moments]
        self.crawls = [
            Observation(m, True, b > a)
            for m, a, b in zip(self.moments, [0, *places], places, strict=False)
        ]
        self._rate = lru_cache(maxsize=4)(self._rate_between)

    def judge(self, number: int, death: datetime | None = None) -> Silence | None:
        """What is said at a look; none that came after the outlet's death found anything."""
        last = next(
            (
                i
                for i in range(number, -1, -1)
                if self.crawls[i].found_new and (death is None or self.moments[i] <= death)
            ),
            0,
        )
        if last == number:
            return None
        now = self.moments[number]
        published = bisect_right(self.articles, min(now, death) if death else now)
        enough = self.articles[published - ENOUGH] if published >= ENOUGH else None
        since = reach(self.moments[last], enough)
        first = bisect_left(self.moments, since)
        seen = self.crawls[first : last + 1]
        empty = [Observation(moment, True, False) for moment in self.moments[last + 1 : number + 1]]
        return silence([*seen, *empty], self._rate(since, self.moments[last]))

    def _rate_between(self, since: datetime, until: datetime) -> PublicationRate:
        return PublicationRate(self.hours, max(since, START), until, day_kind)


def silence_year(room: OutletModel, days: int, moments: int, seed: int) -> AlarmCounts:
    """A year of an outlet that lives, and so many deaths of it."""
    watched, told = Watched(room, days, seed, tail=60), AlarmCounts(days)
    begin = room.warm * DAY // room.every
    end = (room.warm + days) * DAY // room.every
    open_since: datetime | None = None
    for number in range(begin, end):
        result = None if watched.crawls[number].found_new else watched.judge(number)
        if result is not None and result.since != open_since:
            day = watched.moments[number]
            if room.surprise and (day - START).days - room.warm in (101, 102, 257, 258):
                told.expected += 1
            else:
                told.false.append(f"{day:%a %Y-%m-%d %H:%M} {result}")
        open_since = result.since if result else None
    dice = random.Random(seed)
    for _ in range(moments):
        death = START + dice.uniform(room.warm, room.warm + days) * DAY
        number = bisect_right(watched.moments, death)
        while number < len(watched.moments) and watched.judge(number, death) is None:
            number += 1
        if number < len(watched.moments):
            told.hours.append((watched.moments[number] - death) / HOUR)
            missed = bisect_right(watched.articles, watched.moments[number]) - bisect_right(
                watched.articles, death
            )
            told.articles.append(missed)
        else:
            told.never += 1
    return told


@dataclass(frozen=True)
class Change:
    """What becomes of a share of an outlet's pages: a field is lost, no article can be read, or its body is cut."""

    name: str
    field: str
    share: float = 1.0


DRIFTS = (
    Change("authors are lost", "authors"),
    Change("tags are lost", "tags"),
    Change("subheadlines (a third have some) are lost", "subheadlines"),
    Change("no page can be read", "unparsed"),
    Change("half of the pages can't be read", "unparsed", 0.5),
    Change("bodies are cut to a third", "body"),
)


def pages(
    articles: list[datetime], seed: int, change: Change | None = None, at: datetime | None = None
) -> list[PageSample]:
    """An article's page each, as it is read: fewer authors and pictures at night, wire copy and tables in bursts."""
    found: list[PageSample] = []
    for number, moment in enumerate(articles):
        dice = random.Random(f"{seed} {number}")
        late = not 7 <= moment.hour < 19 or day_kind(moment.date()) >= 5
        table = moment.hour == 15 and moment.minute >= 40 and day_kind(moment.date()) < 5
        odds = {
            "headline": 1.0,
            "published": 1.0,
            "section": 0.99,
            "tags": 0.75,
            "subheadlines": 0.35,
            "authors": 0.1 if table else 0.6 if late else 0.95,
            "images": 0.2 if table else 0.6 if late else 0.85,
        }
        filled = {name for name in FIELDS if dice.random() < odds[name]}
        length = int(dice.lognormvariate(5.5 if table else 6.4 if late else 6.8, 0.5))
        parsed = dice.random() > (0.05 if table else 0.01)
        if change is not None and at is not None and moment >= at and dice.random() < change.share:
            filled.discard(change.field)
            parsed = parsed and change.field != "unparsed"
            length = length // 3 if change.field == "body" else length
        found.append(
            PageSample(
                source=f"https://news.example.kr/{number}",
                article_id=str(number) if parsed else "",
                captured_at=moment.astimezone(UTC),
                published_at=moment.astimezone(UTC) if parsed else None,
                warc_file="made-up.warc.gz",
                warc_offset=number,
                reason="" if parsed else "no_body",
                filled=frozenset(filled) if parsed else frozenset(),
                length=length if parsed else 0,
            )
        )
    return found


class Read:
    """A outlet model's crawls with what they read, and what the judge of drifts says after each."""

    def __init__(
        self,
        room: OutletModel,
        days: int,
        seed: int,
        change: Change | None = None,
        at: datetime | None = None,
    ):
        articles = room.articles(days, seed)
        readings = pages(articles, seed, change, at)
        self.crawls: list[RunRecord] = []
        self.readings: dict[str, list[PageSample]] = {}
        first = 0
        for number in range((days + room.warm) * DAY // room.every):
            moment = START + number * room.every
            last = bisect_right(articles, moment)
            self.readings[str(number)] = readings[first:last]
            counts = {"new": last - first}
            self.crawls.append(
                RunRecord(
                    run_id=str(number),
                    verb="crawl",
                    outlet="etoday",
                    started_at=moment,
                    ended_at=moment,
                    ending=Ending.SUCCEEDED,
                    counts={"etoday": counts},
                )
            )
            first = last
        self.moments = [crawl.started_at for crawl in self.crawls]
        self.articles = articles

    def judge(self, number: int) -> list[Drift]:
        """What is said after a crawl."""
        now = self.moments[number]
        published = bisect_right(self.articles, now)
        enough = self.articles[published - ENOUGH] if published >= ENOUGH else None
        first = bisect_left(self.moments, reach(now, enough))
        usual, recent = split(self.crawls[first : number + 1])
        return drifts(
            *(
                [one for crawl in some for one in self.readings[crawl.run_id]]
                for some in (usual, recent)
            )
        )


def drift_year(
    room: OutletModel, days: int, moments: int, seed: int, change: Change | None = None
) -> AlarmCounts:
    """A year of an outlet whose pages stay as they are; or so many changes of them, each watched for its patience."""
    told = AlarmCounts(days if change is None else 0)
    days = days if change is None else room.patience
    if change is None:
        read = Read(room, days, seed)
        begin = room.warm * DAY // room.every
        result: set[str] = set()
        for number in range(begin, len(read.crawls)):
            if not read.crawls[number].read:
                continue
            off = {drift.field: drift for drift in read.judge(number)}
            told.false += [
                f"{read.moments[number]:%a %Y-%m-%d %H:%M} {off[name]}"
                for name in off.keys() - result
            ]
            result = set(off)
        return told
    dice = random.Random(seed)
    for turn in range(moments):
        at = START + dice.uniform(room.warm, room.warm + 3) * DAY
        read = Read(room, days, seed + turn, change, at)
        number = bisect_right(read.moments, at)
        while number < len(read.crawls) and not (read.crawls[number].read and read.judge(number)):
            number += 1
        if number == len(read.crawls):
            told.never += 1
            continue
        told.hours.append((read.moments[number] - at) / HOUR)
        told.articles.append(
            bisect_right(read.articles, read.moments[number]) - bisect_left(read.articles, at)
        )
    return told
