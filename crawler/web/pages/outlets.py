"""The outlets: which there are, and how each is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from archive.articles.queries import number_of_articles
from crawler.outlets import known_outlets
from crawler.status.json_report import outlet_object
from crawler.status.overview import read_states
from crawler.web.errors import wants_json
from crawler.web.pages.outlet_names import title_of
from crawler.web.pages.public_values import public_outlet
from crawler.web.rendering import json_answer, page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from archive.index.database import Snapshot
    from crawler.jobs.job import Job
    from crawler.status.overview import OutletState


@dataclass(frozen=True, slots=True)
class OutletRow:
    """An outlet with its title, state and number of articles."""

    title: str
    state: OutletState
    articles: int


def read_outlets(connection: Snapshot, jobs: Sequence[Job], now: datetime) -> list[OutletRow]:
    """Return the outlets that have a job, a crawl or articles."""
    return [
        OutletRow(
            title_of(state.name), public_outlet(state), number_of_articles(connection, state.name)
        )
        for state in read_states(connection, jobs, now).outlets
    ]


async def _answer(request: Request) -> Response:
    room = request.app.state.room
    jobs, _ = room.jobs()
    rows = await room.read(lambda connection: read_outlets(connection, jobs, room.clock()))
    seen = {row.state.name for row in rows}
    others = {name: one.title for name, one in known_outlets().items() if name not in seen}
    if wants_json(request):
        return json_answer(
            {
                "outlets": list(map(_row_object, rows)),
                "others": [{"outlet": name, "title": title} for name, title in others.items()],
            }
        )
    values = {
        "states": [row.state for row in rows],
        "titles": {row.state.name: row.title for row in rows},
        "articles": {row.state.name: row.articles for row in rows},
        "others": others,
    }
    return page(request, "outlets.html", values)


def _row_object(row: OutletRow) -> dict[str, Any]:
    return {"title": row.title, "articles": row.articles, **outlet_object(row.state)}


ROUTES = [Route("/outlets", _answer), Route("/outlets.json", _answer)]
