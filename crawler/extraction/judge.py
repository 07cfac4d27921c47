"""What a kept exchange shows: the one judgement of a crawl, a recovery and a reindex.

It is made of the exchange, its outlet and its source alone, and all three are in its record: so
whoever reads the record later comes to the same verdict as the crawl that kept it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.outcome import Outcome, Reason, Verdict
from archive.verify.articles import ArticleReading
from archive.warc.http_message import TRANSIENT_STATUSES, status_of
from archive.warc.record_parser import revisit_exchange
from archive.warc.record_writer import OUTLET_FIELD, SOURCE_FIELD
from crawler.extraction.extract import extract, read
from crawler.extraction.recognise import outlet_for
from crawler.outlets import known_outlets
from pipelines.page import Page, Rules

if TYPE_CHECKING:
    from archive.model.exchange import Exchange, Location
    from archive.warc.record_parser import Record
    from crawler.model.outlet import Outlet

_OUTLET, _SOURCE = OUTLET_FIELD.lower(), SOURCE_FIELD.lower()
#: What an exchange is while nobody has read it: it stays so only if a step raised.
_UNREAD = Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, "kept, and not read")


def judge(page: Page, outlet: Outlet) -> Page:
    """A reading, judged as the answer to what was asked: its source, where that is the address of an article.

    A status by which the outlet failed us is a failure, where one of a saved page only says that it
    is no article. An answer from another address than the article's is none, whatever it says.
    """
    asked = outlet.identify(page.source)
    if asked is None:
        return page
    status = status_of(page.exchange.head)
    if status in TRANSIENT_STATUSES:  # another status is the outlet's word on the page
        page = replace(page, verdict=Verdict(Outcome.FAILED, Reason.HTTP_STATUS, str(status)))
    url = page.exchange.url
    address = outlet.identify(url)
    if address is None or address.article_id != asked.article_id:
        front = urlsplit(url).path in ("", "/")
        reason = Reason.REDIRECT_TO_FRONT if front else Reason.REDIRECT_ELSEWHERE
        page = replace(
            page, printed=None, article=None, verdict=Verdict(Outcome.SKIPPED, reason, url)
        )
    return page


def glance(exchange: Exchange, outlet: Outlet, source: str) -> Page:
    """What an exchange is as far as that can be told at once; of a page that takes reading, that it is unread."""
    address = outlet.identify(exchange.url)
    article_id = address.article_id if address is not None else ""
    page = Page(
        exchange=exchange,
        outlet=outlet.name,
        rules=outlet.rules,
        article_id=article_id,
        source=source,
        final=False,
    )
    if exchange.truncated or status_of(exchange.head) != 200 or address is None:
        page = extract(exchange, outlet, source)
    page = judge(page, outlet)
    return replace(page, final=False, verdict=page.verdict or _UNREAD)


def read_record(record: Record, place: Location, *, blind: bool = False) -> Page:
    """The page that a record of ours shows; ``blind``, as if no step had ever come to read it.

    A `revisit` is given without article and verdict: what it shows is its original's. Records of
    before there were fields for outlet and source are taken for their address's: then a page led to
    from elsewhere is read as if it had been asked for, and a document whose outlet was only said on
    the command line is told by its text.
    """
    exchange = record.exchange or revisit_exchange(record)
    source = record.fields.get(_SOURCE) or (
        exchange.url if exchange.has_address else f"{place.file}@{place.offset}"
    )
    named = record.fields.get(_OUTLET, "")
    outlet = known_outlets().get(named) if named else outlet_for(exchange)
    if outlet is None:
        verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET)
        return Page(exchange=exchange, outlet=named, rules=Rules(), source=source, verdict=verdict)
    if record.exchange is None:
        return Page(exchange=exchange, outlet=outlet.name, rules=outlet.rules, source=source)
    if blind:
        return Page(
            exchange=exchange,
            outlet=outlet.name,
            rules=outlet.rules,
            source=source,
            verdict=_UNREAD,
        )
    return judge(read(exchange, outlet, source), outlet)


def reread(found: Record, outlet: str) -> ArticleReading | None:
    """What a record shows when it is read as one of the outlet of that name; None if there is none."""
    known = known_outlets().get(outlet)
    if known is None or found.exchange is None:
        return None
    source = found.fields.get(SOURCE_FIELD.lower()) or found.exchange.url
    page = judge(read(found.exchange, known, source), known)
    decoded = page.decoded
    return ArticleReading(page.article, (decoded.declared, decoded.used, decoded.damage))
