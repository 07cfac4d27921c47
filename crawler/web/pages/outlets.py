"""The outlets: which there are, and how each is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from archive.articles.queries import number_of_articles
from crawler.outlets import known_outlets
from crawler.status.json_report import outlet_object
from crawler.web.errors import wants_json
from crawler.web.pages.outlet_names import title_of
from crawler.web.rendering import json_answer, page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from archive.index.database import Snapshot


async def _answer(request: Request) -> Response:
    states = (await request.app.state.status.overview()).outlets
    names = [state.name for state in states]
    articles = await request.app.state.room.read(lambda one: read_numbers(one, names))
    titles = {name: title_of(name) for name in names}
    others = {name: one.title for name, one in known_outlets().items() if name not in titles}
    if wants_json(request):
        return json_answer(
            {
                "outlets": [
                    {
                        "title": titles[state.name],
                        "articles": articles[state.name],
                        **outlet_object(state),
                    }
                    for state in states
                ],
                "others": [{"outlet": name, "title": title} for name, title in others.items()],
            }
        )
    values = {"states": states, "titles": titles, "articles": articles, "others": others}
    return page(request, "outlets.html", values)


def read_numbers(connection: Snapshot, names: Iterable[str]) -> dict[str, int]:
    """Return how many articles each of the outlets has."""
    return {name: number_of_articles(connection, name) for name in names}


ROUTES = [Route("/outlets", _answer), Route("/outlets.json", _answer)]
