"""Make a new outlet from pages of it: its file, fixtures, and first goldens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.authoring.candidates import SamplePage
from crawler.authoring.drafts import AddressedPage, draft_from
from crawler.authoring.fixtures import fixture_folder_beside, read_fixture, save_page
from crawler.authoring.goldens import write_golden
from crawler.authoring.new_file import checked_host, checked_name, new_path, write_file
from crawler.authoring.outlet_report import OutletCheck, check_outlet_file
from crawler.cli.base import usage_error
from crawler.extraction.charset import decode
from crawler.extraction.extract import document_of
from crawler.extraction.html.reader import PageReader
from crawler.offline.files import read_file
from crawler.outlets import outlet_named

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet_skeleton import Draft, Fact


@dataclass(slots=True)
class Gathered:
    """What a new outlet is made from: pages, and what was fetched of its host.

    ``robots`` is the text of its robots.txt. ``channels`` are pairs of a kind, ``Feed`` or
    ``Sitemap``, and the address that answered as one.
    """

    pages: list[Exchange] = field(default_factory=list)
    robots: str = ""
    channels: list[tuple[str, Fact]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MadeOutlet:
    """A new outlet: its file, the draft that it was made from, and how it reads its pages."""

    path: Path
    draft: Draft
    check: OutletCheck


def page_in(name: str) -> Exchange:
    """Return the page that a file holds.

    :raises UsageError: it holds none, or not one that can be read.
    """
    path = Path(name)
    if path.suffix.lower() not in (".html", ".htm"):
        raise usage_error(f"{name} is neither an address nor a saved page (.html)")
    if not path.exists():
        raise usage_error(f"{name}: there is no such file")
    (given,) = read_file(path)
    if given.exchange is None:
        raise usage_error(f"{name}: {given.verdict.detail if given.verdict else 'no page'}")
    return given.exchange


def make_outlet(name: str, gathered: Gathered) -> MadeOutlet:
    """Write the file of an outlet, save its pages as fixtures, and write what they are read as.

    :raises UsageError: the name or a host is taken, a page states no address, or there is no
        place for the file.
    """
    checked_name(name)
    pages = [_addressed(exchange) for exchange in gathered.pages]
    hosts = tuple(dict.fromkeys(checked_host(each.url) for each in pages))
    path = new_path(name)
    draft = draft_from(name, hosts, pages, gathered.robots)
    known = {fact.value for _, fact in draft.channels}
    more = [each for each in gathered.channels if each[1].value not in known]
    if more:
        unknown = tuple(each for each in draft.unknown if each != "channels")
        draft = replace(draft, channels=(*draft.channels, *more), unknown=unknown)
    write_file(path, draft)
    outlet = outlet_named(name)
    folder = fixture_folder_beside(path, name)
    for number, (exchange, page) in enumerate(zip(gathered.pages, pages, strict=True), 1):
        note = "Say here where it is from. A publisher's page is not for publication."
        saved = save_page(replace(exchange, url=page.url), folder, f"page-{number}", note)
        if saved is None:
            continue
        reading = read_fixture(saved, outlet)
        if reading.page is not None and reading.page.article is not None:
            write_golden(saved, reading.page.article)
    return MadeOutlet(path, draft, check_outlet_file(outlet))


def _addressed(exchange: Exchange) -> AddressedPage:
    """Return a page with its address: the one beside it or, without one, the one that it states.

    :raises UsageError: it is no page, or has no address.
    """
    document = document_of(exchange)
    if document is None:
        raise usage_error(f"{exchange.url} is no whole page")
    reader = PageReader(decode(document)[0])
    stated = [url for url in reader.stated_addresses() if url.startswith(("http://", "https://"))]
    url = exchange.url if exchange.has_address else next(iter(stated), "")
    if not url:
        raise usage_error(
            "a page states no address of its own: write it beside the page, in NAME.json, as url"
        )
    return AddressedPage(url, SamplePage(reader, exchange.captured_at))
