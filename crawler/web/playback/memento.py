"""Memento (RFC 7089): a TimeGate and TimeMaps for every address of the archive."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from archive.articles.mementos import (
    Neighbours,
    mementos,
    nearest,
    neighbours,
    number_of_mementos,
)
from archive.captures.address_forms import forms
from crawler.web.playback.address import memento_path, parse_url
from crawler.web.playback.headers import (
    COMMON,
    gate,
    http_date,
    link,
    memento_links,
    timemap,
)
from crawler.web.playback.lookup import nothing_at, refuse_removed
from crawler.web.playback.site import rest_of_path, sentence_page, site_of
from crawler.web.rendering import words_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from archive.articles.mementos import Memento
    from archive.index.database import Snapshot
    from crawler.web.playback.site import PlaybackSite

#: Mementos on one page of a TimeMap.
PAGE = 1_000
_FORMAT = "application/link-format"
#: A time as RFC 7089 section 2.1.1 asks for it; what is like it but wrong is refused.
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT",
    re.A,
)
_PAGED = re.compile(r"(\d{1,6})/(?=[a-z]+:)(.*)", re.S | re.A | re.I)


def time_gate(request: Request) -> Response:
    """Lead to the memento that is nearest to Accept-Datetime, or to the newest."""
    site, url = site_of(request), parse_url(rest_of_path(request, "/timegate/"))
    vary = {"Vary": "accept-datetime"}
    if not url:
        return _no_address(request)
    stated = request.headers.get("accept-datetime")
    moment = datetime.now(UTC) if stated is None else _parse_date(stated)
    if moment is None:
        sentence = words_of(request)("playback.bad_date")
        return sentence_page(request, 400, "playback.refused", sentence, headers=vary)
    written = forms(url)
    with site.reading() as connection:
        refuse_removed(connection, url, written)
        found = nearest(connection, written, moment, dated=True)
        if found is None:
            raise nothing_at(connection, url, written)
        around = neighbours(connection, written, found)
    links = [
        link(url, "original"),
        link(timemap(site.own_url, url), "timemap", type=_FORMAT),
        *memento_links(site.own_url, around, found),
    ]
    location = site.own_url + memento_path(found.captured_at, found.url)
    fields = {**COMMON, **vary, "Location": location, "Link": ", ".join(links)}
    return Response(status_code=302, headers=fields)


def time_map(request: Request) -> Response:
    """Return the list of an address's mementos, or a page of it."""
    site, form = site_of(request), request.path_params["form"]
    rest = rest_of_path(request, f"/timemap/{form}/")
    paged = _PAGED.fullmatch(rest)
    number, url = (int(paged[1]), parse_url(paged[2])) if paged else (1, parse_url(rest))
    if not url or form not in _WRITTEN or not number:
        return _no_address(request)
    written = forms(url)
    with site.reading() as connection:
        refuse_removed(connection, url, written)
        found = _Page(site, connection, url, written, number)
    return _WRITTEN[form](found)


class _Page:
    """One page of a TimeMap.

    :raises NotArchivedError: there are no mementos on it.
    """

    def __init__(
        self,
        site: PlaybackSite,
        connection: Snapshot,
        url: str,
        written: list[str],
        number: int,
    ) -> None:
        self.url, self.number, self.base = url, number, site.own_url
        self.pages = -(-number_of_mementos(connection, written) // PAGE)
        self.mementos = mementos(connection, written, (number - 1) * PAGE, PAGE)
        if not self.mementos:
            raise nothing_at(connection, url, written)
        self.around: Neighbours = neighbours(connection, written, self.mementos[0])

    def address(self, form: str, number: int) -> str:
        """Return the address of a page; the first has none of its own."""
        place = self.url if number == 1 else f"{number}/{self.url}"
        return timemap(self.base, place, form)

    @property
    def others(self) -> list[int]:
        """The pages before and after this one."""
        return [n for n in (self.number - 1, self.number + 1) if 1 <= n <= self.pages]


def _as_links(found: _Page) -> Response:
    one, last = found.mementos[0], found.mementos[-1]
    lines = [
        link(found.url, "original"),
        link(
            found.address("link", found.number),
            "self",
            type=_FORMAT,
            **{"from": http_date(one.captured_at)},
            until=http_date(last.captured_at),
        ),
        link(gate(found.base, found.url), "timegate"),
        *(link(found.address("link", n), "timemap", type=_FORMAT) for n in found.others),
        *(_memento_line(found, memento) for memento in found.mementos),
    ]
    return Response(",\n".join(lines) + "\n", 200, {**COMMON, "Content-Type": _FORMAT})


def _memento_line(found: _Page, memento: Memento) -> str:
    first, last = found.around.first, found.around.last
    rels = [
        *(["first"] if first is not None and memento.id == first.id else []),
        *(["last"] if last is not None and memento.id == last.id else []),
        "memento",
    ]
    address = found.base + memento_path(memento.captured_at, memento.url)
    return link(address, " ".join(rels), datetime=http_date(memento.captured_at))


def _as_json(found: _Page) -> Response:
    values = [_json_memento(found.base, memento) for memento in found.mementos]
    first, last = found.around.first, found.around.last
    assert first is not None, "the page has one"
    assert last is not None, "the page has one"
    value = {
        "original_uri": found.url,
        "self": found.address("json", found.number),
        "timegate_uri": gate(found.base, found.url),
        "timemap_uri": {
            "link_format": found.address("link", found.number),
            "json_format": found.address("json", found.number),
        },
        "mementos": {
            "first": _json_memento(found.base, first),
            "last": _json_memento(found.base, last),
            "list": values,
        },
        "pages": {
            "prev" if number < found.number else "next": found.address("json", number)
            for number in found.others
        },
    }
    return JSONResponse(value, 200, COMMON)


def _json_memento(base: str, memento: Memento) -> dict[str, str]:
    moment = memento.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"datetime": moment, "uri": base + memento_path(memento.captured_at, memento.url)}


def _parse_date(text: str) -> datetime | None:
    """Return the time of Accept-Datetime; None if it is not valid."""
    if not _DATE.fullmatch(text.strip()):
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _no_address(request: Request) -> Response:
    sentence = words_of(request)("playback.no_address")
    return sentence_page(request, 404, "playback.refused", sentence)


_WRITTEN = {"link": _as_links, "json": _as_json}
