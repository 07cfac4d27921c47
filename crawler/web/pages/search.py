"""Search: the query language of ``sacho search`` and a form, with counts that narrow it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from archive.articles.queries import (
    best_matches,
    number_left_out,
    number_of_matches,
    search,
)
from archive.articles.snippets import snippet_of
from archive.export.article_json import articles_object
from archive.index.database import QueryTooSlowError
from archive.index.fulltext import hits_by_outlet, hits_by_period
from archive.index.search.counts import Periods, Unit
from archive.index.search.cursor import cursor_text, parse_cursor
from archive.index.search.match import has_words
from archive.index.search.query import QUALITIES, QueryError, parse_query
from archive.model.article import Quality
from archive.runs.history import outlets_seen
from crawler.model.site import PREFIX
from crawler.web.errors import wants_json
from crawler.web.pages.marked import marked
from crawler.web.pages.outlet_names import title_of
from crawler.web.plots import Bar, bars
from crawler.web.rendering import address, json_answer, page, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from archive.articles.queries import StoredArticle
    from archive.articles.snippets import Snippet
    from archive.index.database import Snapshot
    from archive.index.search.hit import Hit
    from archive.index.search.query import Query
    from crawler.web.messages import Words

#: Articles of a page, and the most that may be asked for.
_PAGE, _MOST = 20, 100
#: Up to how many matches are counted; of more it is only said that there are.
COUNTED = 1000
#: Seconds that the counts beside the matches may take: they are an extra.
_EXTRA = 1.0
#: The fields of the form that are words of the query language, too.
FIELDS = ("outlet", "since", "until", "section", "author", "edited", "quality")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for: the text of the query with the fields of the form, and which page."""

    text: str
    query: Query
    limit: int
    before: Hit | None
    by_rank: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The matches of one page; ``number`` and ``left_out`` are at most `COUNTED` and one more."""

    articles: tuple[StoredArticle, ...]
    snippets: tuple[Snippet, ...]
    number: int
    left_out: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many matches each outlet and each period has."""

    outlets: Mapping[str, int]
    periods: Periods


def asked_of(parameters: Mapping[str, str]) -> Asked | None:
    """Return what the parameters of an address ask for; None if nothing.

    :raises QueryError: they mean nothing.
    """
    text = query_text(parameters)
    if not text:
        return None
    query = parse_query(text)
    # All that is kept of a site is generic.
    if query.outlet.startswith(PREFIX) and query.quality is Quality.LAYOUT:
        query = replace(query, quality=None)
    by_rank = parameters.get("order", "") == "best"
    before = parameters.get("before", "")
    if by_rank and not has_words(query):
        raise QueryError("the best matches are found by a term of two characters or more")
    if by_rank and before:
        raise QueryError("the best matches are one page; there is nothing before it")
    return Asked(
        text=text,
        query=query,
        limit=limit_of(parameters.get("limit", ""), _PAGE, _MOST),
        before=parse_cursor(before) if before else None,
        by_rank=by_rank,
    )


def query_text(parameters: Mapping[str, str]) -> str:
    """Return the query with the fields of the form in the query language."""
    words = [parameters.get("q", "").strip()]
    for name in FIELDS:
        value = parameters.get(name, "").strip()
        if value:
            words.append(f"{name}:{_quoted(value)}")
    return " ".join(filter(None, words))


def narrowed(parameters: Mapping[str, str], **fields: str) -> dict[str, str]:
    """Return the parameters with these fields, which the text of the query then does not have."""
    text = parameters.get("q", "")
    for name in fields:
        text = re.sub(rf'(?i)(?<!\S){name}:("[^"]*"|\S+)', "", text)
    return {**parameters, **fields, "q": " ".join(text.split())}


def _quoted(value: str) -> str:
    """Return a value that the query language reads as one word."""
    return f'"{value}"' if any(map(str.isspace, value)) and '"' not in value else value


def limit_of(text: str, usual: int, most: int) -> int:
    """Return the number of a parameter, ``usual`` if it is empty.

    :raises QueryError: it is none from 1 to ``most``.
    """
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
        raise QueryError(f"limit is a number from 1 to {most}")
    return int(text)


def read_matches(connection: Snapshot, asked: Asked, *, judged: bool) -> Found:
    """Return one page of matches; ``judged`` as in `archive.articles.queries`."""
    query, following = asked.query, None
    if asked.by_rank:
        found = best_matches(connection, query, asked.limit, judged=judged)
    else:
        found, following = search(connection, query, asked.limit, asked.before, judged=judged)
    number = len(found)
    if following or asked.before is not None or asked.by_rank:
        number = number_of_matches(connection, query, COUNTED + 1)
    return Found(
        articles=tuple(found),
        snippets=tuple(snippet_of(one.article, query) for one in found),
        number=number,
        left_out=number_left_out(connection, query, COUNTED + 1),
        cursor=cursor_text(following) if following else None,
    )


def read_counts(connection: Snapshot, query: Query, outlets: Sequence[str]) -> Counts:
    """Return how many matches each of the outlets and each period has."""
    by_outlet = hits_by_outlet(connection, query, outlets, COUNTED + 1)
    return Counts(by_outlet, hits_by_period(connection, query))


async def _answer(request: Request) -> Response:
    parameters = request.query_params
    room = request.app.state.room
    as_json = wants_json(request)
    try:
        asked = asked_of(parameters)
    except QueryError as error:
        if as_json:
            raise
        return await _form(request, error=f"{error}.", status=400)
    if asked is None:
        if as_json:
            raise QueryError("nothing to search for: give q=QUERY")
        return await _form(request)
    if as_json:
        found = await room.read(lambda one: read_matches(one, asked, judged=True))
        return json_answer(_values(found))
    # One connection: to open it costs as much as a search.
    found, outlets = await room.read(
        lambda one: (read_matches(one, asked, judged=False), outlets_seen(one))
    )
    counts: Counts | None = None
    with suppress(QueryTooSlowError):  # the page then says that there are none
        counts = await room.read(lambda one: read_counts(one, asked.query, outlets), _EXTRA)
    return await _form(request, asked=asked, found=found, counts=counts, outlets=outlets)


def _values(found: Found) -> dict[str, Any]:
    return articles_object(
        found.articles,
        min(found.number, COUNTED),
        min(found.left_out, COUNTED),
        number_is_exact=found.number <= COUNTED,
        next_cursor=found.cursor,
        snippets=found.snippets,
    )


async def _form(
    request: Request,
    *,
    asked: Asked | None = None,
    found: Found | None = None,
    counts: Counts | None = None,
    outlets: Sequence[str] = (),
    error: str = "",
    status: int = 200,
) -> Response:
    """Return the page with the form, and what was found."""
    words = words_of(request)
    parameters = dict(request.query_params)
    parameters.pop("before", None)
    names = outlets or await request.app.state.room.read(outlets_seen)
    values: dict[str, Any] = {
        "given": {name: parameters.get(name, "") for name in ("q", "order", *FIELDS)},
        "outlets": {name: title_of(name) for name in names},
        "qualities": QUALITIES,
        "error": error,
        "found": found,
        "counted": COUNTED,
        "results": [],
        "counts": counts,
        "is_slow": found is not None and counts is None,
        "next": "",
        "feed": address("/search.atom", parameters),
        "files": {
            form: address(f"/search.{form.lower()}", parameters)
            for form in ("JSON", "JSONL", "CSV", "Parquet")
        },
    }
    if asked is not None and found is not None:
        values["results"] = [
            {"stored": one, "snippet": marked(snippet.text, snippet.marks)}
            for one, snippet in zip(found.articles, found.snippets, strict=True)
        ]
        if found.cursor:
            values["next"] = address("/search", {**parameters, "before": found.cursor})
    if counts is not None:
        values |= _drawn(counts, parameters, words)
    return page(request, "search.html", values, status)


def _drawn(counts: Counts, parameters: dict[str, str], words: Words) -> dict[str, Any]:
    """Return the counts as links that narrow the search, and as a plot."""
    highest = max(counts.outlets.values(), default=1)
    by_outlet = [
        {
            "title": title_of(name),
            "number": number,
            "is_more": number > COUNTED,
            "share": round(100 * number / highest),
            "address": address("/search", narrowed(parameters, outlet=name)),
        }
        for name, number in sorted(counts.outlets.items(), key=lambda one: -one[1])
    ]
    unit = counts.periods.unit
    form = {Unit.DAY: "%m-%d", Unit.MONTH: "%Y-%m", Unit.YEAR: "%Y"}[unit]
    drawn = [
        Bar(
            one.first.strftime(form),
            words(
                "plot.bar",
                what=one.first.strftime("%Y-%m-%d" if unit is Unit.DAY else form),
                number=one.hits,
            ),
            one.hits,
            address(
                "/search",
                narrowed(parameters, since=f"{one.first}", until=f"{one.last}"),
            ),
        )
        for one in counts.periods.periods
    ]
    plot = bars(drawn, words(f"search.by_{unit}")) if drawn else ""
    return {"by_outlet": by_outlet, "plot": plot, "unit": str(unit)}


ROUTES = [Route("/search", _answer), Route("/search.json", _answer)]
