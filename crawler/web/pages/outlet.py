"""One outlet: what is known of it, what its crawls bring in, and how its pages are read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from archive.articles.layout_counts import LayoutCounts, layouts_of_newest
from archive.articles.queries import number_of_articles
from archive.frontier.channel_counts import ChannelCounts, discovered_by
from archive.index.database import QueryTooSlowError
from archive.index.fulltext import hits_by_period
from archive.index.search.query import Query
from archive.runs.history import outlets_seen, runs_between
from crawler.model.outlet_facts import basis, basis_of_layout, rated
from crawler.outlets import find_outlet, known_outlets
from crawler.status.json_report import outlet_object, run_object
from crawler.status.outlet_days import CrawlDay, crawl_days
from crawler.status.overview import read_states
from crawler.web.errors import not_found, wants_json
from crawler.web.pages.outlet_names import title_of
from crawler.web.pages.public_values import public_outlet, public_run
from crawler.web.plots import Bar, bars
from crawler.web.rendering import address, json_answer, page, share_text, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from markupsafe import Markup
    from starlette.requests import Request
    from starlette.responses import Response

    from archive.index.database import Snapshot
    from archive.runs.record import RunRecord
    from crawler.jobs.job import Job
    from crawler.model.channels import Channel
    from crawler.model.layout import Layout
    from crawler.model.outlet import Outlet
    from crawler.status.overview import OutletState
    from crawler.web.messages import Words

#: Days that are drawn, and runs that are listed.
_DAYS, _RUNS = 30, 10
#: The newest articles whose layouts are counted; the last runs, and how many of the articles that
#: they discovered, whose channels are. Of a million articles nobody waits for all.
NEWEST, LAST_RUNS, DISCOVERED = 1000, 100, 10_000
#: Seconds that these counts may take: they are an extra.
_EXTRA = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletView:
    """What is shown of an outlet besides its state."""

    articles: int
    crawled: Mapping[date, CrawlDay]
    published: Mapping[date, int]
    runs: tuple[RunRecord, ...]


@dataclass(frozen=True, slots=True)
class Readings:
    """How the outlet's newest articles were read and discovered."""

    layouts: LayoutCounts
    channels: ChannelCounts


def read_outlet(connection: Snapshot, name: str, jobs: Sequence[Job], now: datetime) -> OutletView:
    """Return what is shown of an outlet.

    :raises HTTPException: nobody described it, and nothing is kept of it: 404.
    """
    seen = {*outlets_seen(connection), *(job.outlet for job in jobs)}
    if name not in seen and name not in known_outlets():
        raise not_found()
    crawled = crawl_days(connection, name, now, _DAYS)
    first, last = min(crawled), max(crawled)
    of_days = Query((), outlet=name, since=first, until=last, quality=None)
    published = dict.fromkeys(crawled, 0)
    published |= {one.first: one.hits for one in hits_by_period(connection, of_days).periods}
    return OutletView(
        articles=number_of_articles(connection, name),
        crawled=crawled,
        published=published,
        runs=tuple(map(public_run, runs_between(connection, None, None, now, name, limit=_RUNS))),
    )


def read_state(
    connection: Snapshot, name: str, jobs: Sequence[Job], now: datetime
) -> OutletState | None:
    """Return the outlet's state; None before it has a job, a crawl or articles."""
    states = read_states(connection, jobs, now, name).outlets
    return public_outlet(states[0]) if states else None


def read_readings(connection: Snapshot, name: str, now: datetime) -> Readings:
    """Return how the outlet's newest articles were read and discovered."""
    last = runs_between(connection, None, None, now, name, limit=LAST_RUNS)
    return Readings(
        layouts_of_newest(connection, name, NEWEST),
        discovered_by(connection, name, [run.run_id for run in last], DISCOVERED),
    )


async def _answer(request: Request) -> Response:
    room, name = request.app.state.room, request.path_params["name"]
    jobs, _ = room.jobs()
    now = room.clock()
    view = await room.read(lambda connection: read_outlet(connection, name, jobs, now))
    state: OutletState | None = None
    is_slow = False
    try:
        state = await room.read(lambda connection: read_state(connection, name, jobs, now))
    except QueryTooSlowError:  # after a crawl of hundreds of thousands of pages within a day
        is_slow = True
    readings: Readings | None = None
    with suppress(QueryTooSlowError):  # the page then says that there are none
        readings = await room.read(lambda one: read_readings(one, name, now), _EXTRA)
    if wants_json(request):
        return json_answer(_object(name, view, state, readings))
    return _html(request, name, view, readings, state=state, is_slow=is_slow)


def _html(
    request: Request,
    name: str,
    view: OutletView,
    readings: Readings | None,
    *,
    state: OutletState | None,
    is_slow: bool,
) -> Response:
    words = words_of(request)
    known = find_outlet(name)
    values = {
        "name": name,
        "outlet_title": title_of(name),
        "view": view,
        "state": state,
        "figures": state.figures if state is not None else None,
        "is_slow": is_slow,
        "known": known,
        "basis": basis(known) if known is not None else "",
        "layouts": _layout_rows(known, readings),
        "channels": _channel_rows(known, readings),
        "readings": readings,
        "crawls": _crawl_plot(name, view, words),
        "errors": _error_plot(name, view, words),
        "published": _published_plot(name, view, words),
        "newest": NEWEST,
        "discovered": DISCOVERED,
    }
    return page(request, "outlet.html", values)


def _crawl_plot(name: str, view: OutletView, words: Words) -> Markup | None:
    drawn = [
        Bar(
            f"{day:%m-%d}",
            words("outlet.new_bar", what=day, number=one.new),
            one.new,
            _runs(name, day),
        )
        for day, one in view.crawled.items()
    ]
    return bars(drawn, words("outlet.new_by_day")) if any(bar.value for bar in drawn) else None


def _error_plot(name: str, view: OutletView, words: Words) -> Markup | None:
    """Return the error rates; a full bar is all of a day's pages."""
    rates = {day: one.error_rate for day, one in view.crawled.items()}
    if all(rate is None for rate in rates.values()):
        return None
    drawn = [
        Bar(
            f"{day:%m-%d}",
            words("outlet.error_bar", what=day, percent=share_text(rate)),
            rate or 0,
            _runs(name, day),
        )
        for day, rate in rates.items()
    ]
    return bars(drawn, words("outlet.errors_by_day"), highest=1.0)


def _published_plot(name: str, view: OutletView, words: Words) -> Markup | None:
    drawn = [
        Bar(
            f"{day:%m-%d}",
            words("plot.bar", what=day, number=number),
            number,
            address(
                "/search",
                {"outlet": name, "since": f"{day}", "until": f"{day}", "quality": "any"},
            ),
        )
        for day, number in view.published.items()
    ]
    plotted = any(bar.value for bar in drawn)
    return bars(drawn, words("outlet.published_by_day")) if plotted else None


def _runs(name: str, day: date) -> str:
    return address("/runs", {"outlet": name, "since": f"{day}", "until": f"{day}"})


def _layout_rows(known: Outlet | None, readings: Readings | None) -> list[dict[str, Any]]:
    """Return the layouts of the outlet's file, and those that it no longer has, with counts."""
    counts = readings.layouts.layouts if readings is not None else {}
    described = {layout.name: layout for layout in known.layouts} if known is not None else {}
    rows = [
        {"name": layout.name, "number": counts.get(layout.name, 0), **_layout_object(layout)}
        for layout in described.values()
    ]
    nothing = dict.fromkeys(("since", "until", "confidence", "fields", "basis"))
    rows += [
        {"name": name, "number": number, **nothing}
        for name, number in counts.items()
        if name not in described
    ]
    return rows


def _channel_rows(known: Outlet | None, readings: Readings | None) -> list[dict[str, Any]]:
    """Return the channels likewise."""
    counts = readings.channels if readings is not None else ChannelCounts(0, {}, {})
    described = {one.name: one for one in known.channels} if known is not None else {}
    names = [*described, *(name for name in counts.named if name not in described)]
    return [
        {
            "name": name,
            "first": counts.first.get(name, 0),
            "named": counts.named.get(name, 0),
            "confidence": described[name].confidence if name in described else "",
        }
        for name in names
    ]


def _object(
    name: str, view: OutletView, state: OutletState | None, readings: Readings | None
) -> dict[str, Any]:
    known = find_outlet(name)
    return {
        "outlet": name,
        "title": title_of(name),
        "articles": view.articles,
        "state": outlet_object(state) if state is not None else None,
        "days": {
            f"{day}": {
                "new": one.new,
                "published": view.published[day],
                "unparsed_or_failed_share": one.error_rate,
            }
            for day, one in view.crawled.items()
        },
        "layouts": _layouts_object(readings.layouts) if readings is not None else None,
        "channels": _channels_object(readings.channels) if readings is not None else None,
        "runs": list(map(run_object, view.runs)),
        "facts": _facts(known) if known is not None else None,
    }


def _layouts_object(counts: LayoutCounts) -> dict[str, Any]:
    return {
        "articles": counts.articles,
        "read": dict(counts.layouts),
        "generic": counts.generic,
    }


def _channels_object(counts: ChannelCounts) -> dict[str, Any]:
    return {
        "articles": counts.articles,
        "first": dict(counts.first),
        "named": dict(counts.named),
    }


def _facts(known: Outlet) -> dict[str, Any]:
    """Return what the outlet's file says."""
    return {
        "hosts": list(known.hosts),
        "image_hosts": list(known.image_hosts),
        "canonical": known.canonical,
        "per_day": known.per_day or None,
        "cron": known.cron,
        "basis": basis(known),
        "layouts": [{"name": one.name, **_layout_object(one)} for one in known.layouts],
        "channels": list(map(_channel_object, known.channels)),
        "unknown": list(known.unknown),
    }


def _layout_object(layout: Layout) -> dict[str, Any]:
    return {
        "since": f"{layout.since}" if layout.since is not None else None,
        "until": f"{layout.until}" if layout.until is not None else None,
        "confidence": layout.confidence,
        "fields": rated(layout),
        "basis": basis_of_layout(layout),
    }


def _channel_object(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "confidence": channel.confidence,
        "sources": [source.url for source in channel.sources],
        "walks_ids": channel.walk is not None,
        "instead_of": channel.instead_of or None,
    }


ROUTES = [Route("/outlets/{name}.json", _answer), Route("/outlets/{name}", _answer)]
