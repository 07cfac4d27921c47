"""The first page: what the archive holds, its last runs and open alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from archive.articles.queries import articles_by_outlet, newest_articles
from archive.index.fulltext import hits_by_period
from archive.index.search.query import Query
from archive.model.article import KST
from archive.runs.alarms import open_alarms
from archive.runs.history import outlets_seen, runs_between
from crawler.cli.output.times import kst_iso
from crawler.status.json_report import alarm_object, run_object
from crawler.web.pages.outlet_names import title_of
from crawler.web.pages.public_values import public_alarm, public_run
from crawler.web.plots import Bar, axis, bars
from crawler.web.rendering import address, json_answer, page, words_of

if TYPE_CHECKING:
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from archive.articles.queries import StoredArticle
    from archive.index.database import Snapshot
    from archive.runs.alarms import Alarm
    from archive.runs.record import RunRecord
    from crawler.web.messages import Words

#: Days that are drawn, runs and articles that are listed.
_DAYS, _RUNS, _ARTICLES = 30, 8, 8


@dataclass(frozen=True, slots=True)
class OutletRow:
    """An outlet with the number of its articles, and of those of the last days by day."""

    name: str
    articles: int
    days: dict[date, int]


@dataclass(frozen=True, slots=True)
class Start:
    """What the first page shows; ``articles`` is how many there are."""

    articles: int
    outlets: tuple[OutletRow, ...]
    newest: tuple[StoredArticle, ...]
    runs: tuple[RunRecord, ...]
    alarms: tuple[Alarm, ...]


def read_start(connection: Snapshot) -> Start:
    """Return what the archive holds now."""
    now = datetime.now(UTC)
    newest = newest_articles(connection, "", _ARTICLES, judged=False)
    last = newest[0].article.published_at if newest else None
    day = (last or now).astimezone(KST).date()
    since = day - timedelta(_DAYS - 1)
    rows = []
    numbers = articles_by_outlet(connection)
    for name in outlets_seen(connection):
        query = Query((), outlet=name, since=since, until=day, quality=None)
        days = dict.fromkeys((since + timedelta(at) for at in range(_DAYS)), 0)
        days |= {one.first: one.hits for one in hits_by_period(connection, query).periods}
        rows.append(OutletRow(name, numbers.get(name, 0), days))
    return Start(
        sum(numbers.values()),
        tuple(rows),
        tuple(newest),
        tuple(map(public_run, runs_between(connection, None, None, now, limit=_RUNS))),
        tuple(map(public_alarm, open_alarms(connection))),
    )


async def _html(request: Request) -> Response:
    found = await request.app.state.room.read(read_start)
    words = words_of(request)
    outlets = [_drawn(row, words) for row in found.outlets]
    titles = {row.name: title_of(row.name) for row in found.outlets}
    return page(request, "start.html", {"found": found, "outlets": outlets, "titles": titles})


def _drawn(row: OutletRow, words: Words) -> dict[str, Any]:
    title = title_of(row.name)
    path = address("/search", {"outlet": row.name, "quality": "any"})
    drawn = [
        Bar(
            f"{day:%m-%d}",
            words("plot.bar", what=day, number=number),
            number,
            f"{path}&since={day}&until={day}",
        )
        for day, number in row.days.items()
    ]
    plot = bars(drawn, words("start.plot", outlet=title), has_labels=False)
    return {
        "name": row.name,
        "title": title,
        "articles": row.articles,
        "plot": plot,
        "axis": axis(drawn),
    }


async def _json(request: Request) -> Response:
    found = await request.app.state.room.read(read_start)
    return json_answer(
        {
            "articles": found.articles,
            "outlets": [
                {
                    "outlet": row.name,
                    "articles": row.articles,
                    "days": {f"{day}": number for day, number in row.days.items()},
                }
                for row in found.outlets
            ],
            "newest": [_newest(stored) for stored in found.newest],
            "runs": [run_object(record) for record in found.runs],
            "alarms": [alarm_object(alarm) for alarm in found.alarms],
        }
    )


def _newest(stored: StoredArticle) -> dict[str, Any]:
    article = stored.article
    published = article.published_at
    return {
        "outlet": article.outlet,
        "article_id": article.article_id,
        "headline": article.headline,
        "published_at": kst_iso(published) if published is not None else None,
    }


ROUTES = [Route("/", _html), Route("/index.json", _json)]
