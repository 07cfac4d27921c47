"""First contact with an outlet: a small crawl by the usual rules, and what it shows of its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from archive.index.robots_store import RobotsTable
from crawler.authoring.candidates import SamplePage
from crawler.authoring.field_sources import match_sources, outside, sources_of
from crawler.authoring.fixtures import read_as, tried_layout
from crawler.authoring.proposals import propose
from crawler.discovery.entries import SourceError
from crawler.discovery.feeds import read_feed
from crawler.discovery.list_pages import read_list_page
from crawler.discovery.requests import Limits
from crawler.extraction.extract import open_page
from crawler.middlewares.failures import verdict_of
from crawler.model.channels import ListPage
from crawler.spider.spider import OutletSpider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scrapy.http import Response
    from twisted.python.failure import Failure

    from archive.index.database import Index
    from archive.model.exchange import Exchange
    from crawler.authoring.fixtures import PageReading
    from crawler.authoring.proposals import Proposal
    from crawler.discovery.entries import FeedEntry
    from crawler.discovery.requests import SourceRequest
    from crawler.model.layout import Layout
    from crawler.model.outlet import Outlet
    from pipelines.page import Page

#: One page of each list, and few of the sitemaps that an index names.
_LIMITS = Limits(pages=1, sitemaps=2)
_NOT_SELECTORS = ("jsonld:", "meta:", "json:")


@dataclass(frozen=True, slots=True)
class SourceContact:
    """What one address of a channel answered.

    ``entries`` are the addresses that it names, ``articles`` those that the outlet's pattern
    matches; ``newest`` is the newest time stated. ``fault`` is what was wrong, ``""`` for nothing.
    """

    channel: str
    url: str
    fault: str = ""
    entries: int = 0
    articles: int = 0
    newest: datetime | None = None


@dataclass(slots=True)
class Contact:
    """What a first contact has fetched so far: sources, pages, and why others were not."""

    outlet: Outlet
    sources: list[SourceContact] = field(default_factory=list)
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add_source(self, source: SourceRequest, response: Response) -> None:
        """Note what a source answered."""
        if response.status != 200:
            fault = f"status {response.status}"
            self.sources.append(SourceContact(source.channel, source.url, fault))
            return
        fault = ""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        try:
            entries = _entries_of(source, response.body, content_type)
        except SourceError as error:
            entries, fault = error.partial, str(error)
        moments = [each.published_at or each.modified_at for each in entries]
        self.sources.append(
            SourceContact(
                source.channel,
                source.url,
                fault,
                len(entries),
                sum(self.outlet.identify(each.url) is not None for each in entries),
                max(filter(None, moments), default=None),
            )
        )


def _entries_of(source: SourceRequest, body: bytes, content_type: str) -> tuple[FeedEntry, ...]:
    """Return the entries of a source, those of an index too.

    :raises SourceError: it is not what it should be, or only a part of it.
    """
    now = datetime.now(UTC)
    if isinstance(source.source, ListPage):
        return read_list_page(body, content_type, source.url, source.source, now)
    document = read_feed(body, content_type, source.url, now)
    return (*document.entries, *document.sitemaps)


class ContactSpider(OutletSpider):
    """The spider of an outlet, which notes what it fetches; it asks for little. Reads the same."""

    limits = _LIMITS
    contact: Contact

    def parse_source(self, response: Response, source: SourceRequest) -> None:
        """Note the answer of a source, and read it as a crawl does."""
        self.contact.add_source(source, response)
        super().parse_source(response, source)

    def source_failed(self, failure: Failure) -> None:
        """Note a source that could not be fetched."""
        request: Any = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        source: SourceRequest = request.cb_kwargs["source"]
        fault = _why(failure)
        self.contact.sources.append(SourceContact(source.channel, source.url, fault))
        super().source_failed(failure)

    def parse(self, response: Response, **kwargs: Any) -> list[Page]:
        """Note an article's exchange, and read it as a crawl does."""
        request = response.request
        if request is not None and "exchange" in request.meta:
            self.contact.exchanges[request.meta["visit"].url] = request.meta["exchange"]
        return super().parse(response, **kwargs)

    def failed(self, failure: Failure) -> None:
        """Note an article that could not be fetched."""
        request: Any = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        self.contact.failures[request.meta["visit"].url] = _why(failure)
        super().failed(failure)


def _why(failure: Failure) -> str:
    verdict = verdict_of(failure.value)
    return f"{verdict.reason}: {verdict.detail}" if verdict.detail else str(verdict.reason)


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A selector that is on none of the pages fetched, and what may take its place."""

    layout: str
    field: str
    source: str
    pages: int
    instead: Proposal | None

    def __str__(self) -> str:
        """Return it as a sentence that names the field."""
        told = f"{self.layout}.{self.field}: {self.source} is on none of {self.pages} pages"
        if self.instead is None:
            return f"{told}; none that works was found"
        new = self.instead
        return f"{told}; {new.source} works: {new.why} ({new.confidence})"


@dataclass(frozen=True, slots=True)
class ContactReport:
    """What a first contact shows: robots.txt by origin, sources, pages, and faults of the file."""

    outlet: Outlet
    at: datetime
    robots: dict[str, str]
    sources: tuple[SourceContact, ...]
    failures: dict[str, str]
    readings: tuple[PageReading, ...]
    outside: dict[str, list[str]]
    facts: dict[str, str]
    broken: tuple[FieldFault, ...]

    @property
    def faults(self) -> list[str]:
        """What is wrong, a sentence each."""
        found = [f"{each.channel}: {each.url}: {each.fault}" for each in self.sources if each.fault]
        found += [
            f"{each.channel}: {each.url}: none of its {each.entries} addresses is an article's"
            for each in self.sources
            if not each.fault and not each.articles
        ]
        found += [f"{url}: {why}" for url, why in self.failures.items()]
        found += [f"{each.name}: no article was read ({each.fault})" for each in self._unread]
        if not self.readings:
            found.append("no article's page was fetched")
        return found + [str(each) for each in self.broken if each.field in self._lost]

    @property
    def notes(self) -> list[str]:
        """Selectors that are on no page, of fields that another source gives or that may lack."""
        return [str(each) for each in self.broken if each.field not in self._lost]

    @property
    def _unread(self) -> list[PageReading]:
        return [each for each in self.readings if each.fault]

    @property
    def _lost(self) -> set[str]:
        """The fields that no source of their layout gives on any page, and an article needs."""
        used = {match.field for each in self.readings for match in each.matches if match.used}
        return {"body", "headline", "root", "times", "bylines"} - used

    def by_layout(self) -> Iterator[tuple[Layout, list[PageReading]]]:
        """Yield each layout with the pages that it was tried on."""
        yield from _by_layout(self.outlet, self.readings)

    def as_values(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        from crawler.authoring.outlet_report import source_counts

        return {
            "outlet": self.outlet.name,
            "at": self.at.isoformat(),
            "ok": not self.faults,
            "faults": self.faults,
            "notes": self.notes,
            "robots": self.robots,
            "facts": self.facts,
            "sources": [
                {
                    "channel": each.channel,
                    "url": each.url,
                    "fault": each.fault or None,
                    "entries": each.entries,
                    "articles": each.articles,
                    "newest": each.newest.isoformat() if each.newest else None,
                }
                for each in self.sources
            ],
            "layouts": [
                {
                    "layout": layout.name,
                    "pages": len(tried),
                    "fields": source_counts(layout, [each.matches for each in tried]),
                }
                for layout, tried in self.by_layout()
            ],
            "pages": [
                {
                    "url": each.name,
                    "layout": each.layout,
                    "fault": each.fault or None,
                    "empty": list(each.empty),
                    "outside": self.outside.get(each.name, []),
                }
                for each in self.readings
            ],
        }


def report_of(contact: Contact, index: Index) -> ContactReport:
    """Return what a contact shows; ``index`` is the one that its crawl wrote."""
    outlet = contact.outlet
    readings = tuple(
        read_as(exchange, outlet, url, url) for url, exchange in contact.exchanges.items()
    )
    return ContactReport(
        outlet=outlet,
        at=datetime.now(UTC),
        robots=_robots(contact, RobotsTable(index)),
        sources=tuple(contact.sources),
        failures=contact.failures,
        readings=readings,
        outside={each.name: _outside(each, outlet) for each in readings},
        facts=_facts(outlet, readings),
        broken=tuple(_broken(outlet, readings)),
    )


def _robots(contact: Contact, table: RobotsTable) -> dict[str, str]:
    """Return what was answered for the robots.txt of each origin that was asked."""
    urls = [
        *(each.url for each in contact.sources),
        *contact.exchanges,
        *contact.failures,
    ]
    origins = dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in urls)
    return {origin: _robots_answer(table.get(origin)) for origin in origins}


def _robots_answer(stored: tuple[datetime, int, bytes] | None) -> str:
    if stored is None:
        return "not read, so nothing was asked of the origin"
    _, status, body = stored
    return f"status {status}, {len(body.splitlines())} lines"


def _outside(reading: PageReading, outlet: Outlet) -> list[str]:
    page = reading.page
    layout = tried_layout(page, outlet) if page is not None else None
    if page is None or layout is None or page.article is None:
        return []
    reader = open_page(page.exchange, outlet)
    if reader is None:
        return []
    match_sources(reader, layout)
    return outside(reader, layout, page)


def _facts(outlet: Outlet, readings: Sequence[PageReading]) -> dict[str, str]:
    """Return which facts of the file held, each on how many of the pages."""
    pages = [each.page for each in readings if each.page is not None]
    readers = [reader for page in pages if (reader := open_page(page.exchange, outlet))]
    addresses = [address for reader in readers for address in reader.stated_addresses()[:1]]
    identified = sum(outlet.identify(address) is not None for address in addresses)
    facts = {
        "articles": f"a pattern matches {identified} of {len(addresses)} addresses that pages state"
    }
    if outlet.page_title:
        titled = sum(outlet.has_title(reader.title) for reader in readers)
        facts["page_title"] = f"found in {titled} of {len(readers)} titles"
    return facts


def _by_layout(
    outlet: Outlet, readings: Iterable[PageReading]
) -> Iterator[tuple[Layout, list[PageReading]]]:
    known = list(readings)
    for layout in outlet.layouts:
        tried = [each for each in known if each.layout == layout.name and each.matches]
        if tried:
            yield layout, tried


def _broken(outlet: Outlet, readings: Sequence[PageReading]) -> Iterator[FieldFault]:
    """Yield the selectors that are on no page, each with what may take its place."""
    for layout, tried in _by_layout(outlet, readings):
        found = {(m.field, m.source) for each in tried for m in each.matches if m.text}
        samples = [sample for each in tried if (sample := _sample(each, outlet)) is not None]
        proposals = propose(samples)
        for name in dict.fromkeys(match.field for each in tried for match in each.matches):
            for source in sources_of(layout, name):
                if source.startswith(_NOT_SELECTORS) or (name, source) in found:
                    continue
                yield FieldFault(layout.name, name, source, len(tried), proposals.get(name))


def _sample(reading: PageReading, outlet: Outlet) -> SamplePage | None:
    page = reading.page
    reader = open_page(page.exchange, outlet) if page is not None else None
    if page is None or reader is None:
        return None
    return SamplePage(reader, page.exchange.captured_at)
