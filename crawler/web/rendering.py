"""Answers as HTML pages, and as JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from archive.runs.history import summed
from crawler import VERSION
from crawler.cli.output.printable import printable, printable_lines
from crawler.cli.output.shares import percent
from crawler.cli.output.sizes import size_text
from crawler.cli.output.times import kst_iso, kst_minute, kst_second
from crawler.web.messages import LANGUAGES, Words, language_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.requests import Request

    from archive.runs.record import RunRecord

#: The cookie with the language that was chosen.
LANGUAGE_COOKIE = "language"
#: What goes unquoted into the path of an address.
_IN_PATH = "/:@!$&'()*+,;=~"


def templates_of(package: str) -> Environment:
    """Return the templates of a package: output is escaped, and an unknown name is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _environment() -> Environment:
    environment = templates_of("crawler.web")
    environment.filters.update(
        shown=printable,
        shown_lines=printable_lines,
        minute=_time_element(kst_minute),
        second=_time_element(kst_second),
        number=_with_commas,
        path=path_text,
        percent=share_text,
        took=_took,
        results=_results,
        size=_size,
    )
    return environment


def _with_commas(number: int) -> str:
    return f"{number:,}"


def share_text(share: float | None) -> str:
    """Return a share as a percentage, ``–`` for None."""
    return percent(share) if share is not None else "–"


def _took(run: RunRecord) -> str:
    """Return how long a run took, ``–`` if it has not ended."""
    if run.ended_at is None:
        return "–"
    return f"{timedelta(seconds=round((run.ended_at - run.started_at).total_seconds()))}"


def _results(run: RunRecord) -> str:
    """Return what a run counted: ``new 3, failed/timeout 2``."""
    return ", ".join(f"{what} {number:,}" for what, number in summed([run]).items())


def _size(number: int | None) -> str:
    """Return a number of bytes as people read it, ``–`` for None."""
    return size_text(number) if number is not None else "–"


def path_text(text: str) -> str:
    """Return a text as a part of an address's path."""
    return quote(text, safe=_IN_PATH)


def _time_element(form: Any) -> Any:
    """Return the filter that makes a ``<time>`` of an aware time, in KST."""

    def element(moment: datetime | None) -> Markup:
        if moment is None:
            return Markup("–")
        return Markup('<time datetime="{}">{}</time>').format(kst_iso(moment), form(moment))

    return element


def words_of(request: Request) -> Words:
    """Return the words in the language that the reader chose, or whose browser did."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return Words(language_of(chosen, request.headers.get("accept-language", "")))


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a page, in the language of the reader."""
    words = words_of(request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    html = (
        _environment()
        .get_template(template)
        .render(
            t=words,
            language=words.language,
            languages=LANGUAGES,
            here=here,
            version=VERSION,
            path=request.url.path,
            room=request.app.state.room,
            **values,
        )
    )
    varies = {"Vary": "Accept-Language, Cookie", "Content-Language": words.language}
    return HTMLResponse(html, status, {**varies, **(headers or {})})


def json_answer(
    values: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return values as JSON, with a line end; to indent it would take a quarter of a search."""
    text = json.dumps(values, ensure_ascii=False) + "\n"
    # Lone surrogates can be in no UTF-8.
    body = text.encode("utf-8", "replace")
    return Response(body, status, dict(headers or {}), "application/json")


def address(path: str, values: Mapping[str, str]) -> str:
    """Return an address with these parameters, without the empty ones."""
    given = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
