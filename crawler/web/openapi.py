"""The reading room's addresses for programs, as an OpenAPI document."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from archive.export.articles import LOCATION, REVISION, article_fields
from crawler import VERSION
from crawler.web.pages.search import FIELDS
from crawler.web.rendering import json_answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_OBJECTS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_ANY_OBJECT: dict[str, Any] = {"type": ["object", "null"]}
#: The values of an article that are no text.
_OTHER_VALUES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("authors", "images", "removed"), _OBJECTS),
    **dict.fromkeys(("flags", "layouts", "subheadlines", "tags"), _TEXTS),
    **dict.fromkeys(("captured_at", "deleted_at", "modified_at", "published_at"), _TIME),
    **dict.fromkeys(("modified_precision", "published_precision"), _MAYBE_TEXT),
    **dict.fromkeys(("change", "deletion"), _ANY_OBJECT),
    "http_status": {"type": ["integer", "null"]},
    "revision": _NUMBER,
    "warc": {
        "type": "object",
        "required": list(LOCATION),
        "properties": {
            name: _NUMBER if name in ("length", "offset") else _TEXT for name in LOCATION
        },
    },
}
_ARTICLE = {"$ref": "#/components/schemas/Article"}
_ARTICLES: dict[str, Any] = {"type": "array", "items": _ARTICLE}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _schemas() -> dict[str, Any]:
    names = (*article_fields(), *REVISION)
    return {
        "Article": _object(**{name: _OTHER_VALUES.get(name, _TEXT) for name in names}),
        "Matches": _object(
            number=_NUMBER,
            number_is_exact={"type": "boolean"},
            left_out=_NUMBER,
            next={"type": ["string", "null"]},
            snippets=_OBJECTS,
            articles=_ARTICLES,
        ),
        "Dossier": _object(
            article=_ARTICLE,
            aliases=_TEXTS,
            revisions=_ARTICLES,
            history=_OBJECTS,
            captures=_OBJECTS,
        ),
        "History": _object(
            outlet=_TEXT,
            article_id=_TEXT,
            headlines=_OBJECTS,
            history=_OBJECTS,
            absences=_OBJECTS,
            captures=_OBJECTS,
            difference=_ANY_OBJECT,
        ),
        "Runs": _object(
            status=_ANY_OBJECT,
            outlet=_MAYBE_TEXT,
            since=_MAYBE_TEXT,
            until=_MAYBE_TEXT,
            runs=_OBJECTS,
            next=_MAYBE_TEXT,
            past_alarms=_OBJECTS,
        ),
        "Run": _object(run={"type": "object"}, outcomes=_OBJECTS),
        "Outlets": _object(outlets=_OBJECTS, others=_OBJECTS),
        "Outlet": _object(
            outlet=_TEXT,
            title=_TEXT,
            articles=_NUMBER,
            state=_ANY_OBJECT,
            days={"type": "object"},
            layouts=_ANY_OBJECT,
            channels=_ANY_OBJECT,
            runs=_OBJECTS,
            facts=_ANY_OBJECT,
        ),
        "Start": _object(
            articles=_NUMBER, outlets=_OBJECTS, newest=_OBJECTS, runs=_OBJECTS, alarms=_OBJECTS
        ),
        "Changes": _object(events=_OBJECTS, next=_TEXT, is_end={"type": "boolean"}),
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": _TEXT, "removal": {"type": "object"}, "now": _TEXT},
        },
    }


def _parameter(name: str, what: str, where: str = "query") -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "description": what,
        "schema": _TEXT,
    }


_QUERY = [
    _parameter("q", "a query in the language of `sacho search`"),
    *(_parameter(name, f"the query's field `{name}:`") for name in FIELDS),
]
_PAGE = [
    _parameter("before", "the cursor `next` of the page before"),
    _parameter("limit", "articles of a page, 1 to 100"),
    _parameter("order", "`best`: the best matches first, one page"),
]
_OF_ARTICLE = [
    _parameter("outlet", "the outlet's name", "path"),
    _parameter("article_id", "the article's id or alias; may hold slashes", "path"),
    _parameter("at", "the article as captured until this day, minute or second, KST"),
]


def _content(media_type: str, schema: str = "") -> dict[str, Any]:
    shape = {"$ref": f"#/components/schemas/{schema}"} if schema else _TEXT
    return {media_type: {"schema": shape}}


def _get(
    summary: str,
    content: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
    *errors: int,
) -> dict[str, Any]:
    said = {
        400: "it means nothing",
        404: "there is none",
        410: "it was removed, or the cursor is of another index",
    }
    said |= {429: "too many searches at once", 503: "cut off, busy, or the index cannot be read"}
    failures = {
        str(status): {"description": said[status], "content": _content("application/json", "Error")}
        for status in (*errors, 503)
    }
    answers = {"200": {"description": summary, "content": content}, **failures}
    return {"get": {"summary": summary, "parameters": parameters or [], "responses": answers}}


@cache
def document() -> dict[str, Any]:
    """Return the document, of OpenAPI 3.1."""
    article = "/articles/{outlet}/{article_id}"
    paths = {
        "/index.json": _get("What the archive holds", _content("application/json", "Start")),
        "/search.json": _get(
            "Search, newest first",
            _content("application/json", "Matches"),
            [*_QUERY, *_PAGE],
            400,
            429,
        ),
        "/search.atom": _get(
            "The newest matches as a feed", _content("application/atom+xml"), _QUERY, 400, 429
        ),
        "/search.jsonl": _get(
            "All matches, an object a line", _content("application/jsonl"), _QUERY, 400, 429
        ),
        "/search.csv": _get("All matches as a table", _content("text/csv"), _QUERY, 400, 429),
        "/search.parquet": _get(
            "All matches as a table with types",
            _content("application/vnd.apache.parquet"),
            _QUERY,
            400,
            429,
        ),
        "/runs.json": _get(
            "The runs, latest first; without parameters also the status and past alarms",
            _content("application/json", "Runs"),
            [
                _parameter("outlet", "only this outlet's"),
                _parameter("since", "runs that were running on this day (KST) or later"),
                _parameter("until", "on this day (KST) or earlier"),
                _parameter("before", "the cursor `next` of the page before"),
            ],
            400,
        ),
        "/runs/{run_id}.json": _get(
            "A run with its outcomes, each with its last example",
            _content("application/json", "Run"),
            [_parameter("run_id", "the run's id", "path")],
            404,
        ),
        "/outlets.json": _get(
            "The outlets with their figures", _content("application/json", "Outlets")
        ),
        "/outlets/{name}.json": _get(
            "An outlet with its figures, days, layouts, channels, runs and facts",
            _content("application/json", "Outlet"),
            [_parameter("name", "the outlet's name", "path")],
            404,
        ),
        "/changes.json": _get(
            "What became known of articles since a cursor, in order",
            _content("application/json", "Changes"),
            [
                _parameter("since", "the cursor `next` of the answer before, or `now`"),
                _parameter("limit", "events, 1 to 1,000"),
            ],
            400,
            410,
        ),
        "/changes.atom": _get("The last events as a feed", _content("application/atom+xml")),
        f"{article}.json": _get(
            "An article with its revisions, history and captures",
            _content("application/json", "Dossier"),
            _OF_ARTICLE,
            400,
            404,
            410,
        ),
        f"{article}/history.json": _get(
            "The history of an article, and what differs between two revisions",
            _content("application/json", "History"),
            [
                *_OF_ARTICLE,
                _parameter("from", "the number of the earlier revision"),
                _parameter("to", "the number of the later revision; the last two by default"),
            ],
            400,
            404,
            410,
        ),
        f"{article}.bib": _get(
            "An article as BibTeX", _content("application/x-bibtex"), _OF_ARTICLE, 400, 404, 410
        ),
        f"{article}.ris": _get(
            "An article as RIS",
            _content("application/x-research-info-systems"),
            _OF_ARTICLE,
            400,
            404,
            410,
        ),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sacho",
            "version": VERSION,
            "description": "Articles of a news archive. Nothing can be written. Times are KST.",
        },
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


async def _document(_: Request) -> Response:
    return json_answer(document())


ROUTES = [Route("/openapi.json", _document)]
