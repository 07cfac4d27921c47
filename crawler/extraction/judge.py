"""Judge what an archived exchange shows: one judgement for crawl, recovery, verify and reindex.

The judgement depends only on the exchange, its outlet and its source. All three are stored in the
exchange's record, so reading the record later gives the verdict that the crawl gave.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.http.message import REDIRECT_STATUSES, status_of
from archive.model.outcome import Outcome, Reason, Verdict
from archive.model.visit_policy import GONE_REASONS, GONE_STATUSES
from archive.warc.record_parser import revisit_exchange
from archive.warc.record_writer import OUTLET_FIELD, SOURCE_FIELD
from crawler.extraction.extract import extract, notice_of
from crawler.extraction.reading import read_exchange
from crawler.extraction.recognise import outlet_for
from crawler.outlets import find_outlet
from pipelines.cpu_limit import TOO_COSTLY, TooCostlyError
from pipelines.page import Page, Rules

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from archive.warc.record_parser import Record
    from crawler.model.outlet import Outlet

_OUTLET, _SOURCE = OUTLET_FIELD.lower(), SOURCE_FIELD.lower()
#: Verdict on an exchange until it is read; it stays only if a step raised an exception.
_UNREAD = Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, "archived but not read")


def judge(page: Page, outlet: Outlet) -> Page:
    """Return the page judged as the answer to a request for the article that ``source`` names.

    A page whose source is not the address of an article is returned unchanged. A status that says
    nothing of the article is a failure of the visit; for a saved page it only means that the page
    is not an article. A response from an address other than the article's is skipped, whatever it
    contains, unless it says that the article is gone.
    """
    requested = outlet.identify(page.source)
    if requested is None:
        return page
    status = status_of(page.exchange.head)
    if page.verdict is not None and _is_failure(status, page.verdict):
        page = replace(page, verdict=replace(page.verdict, outcome=Outcome.FAILED))
    url = page.exchange.url
    address = outlet.identify(url)
    if address is not None and address.article_id == requested.article_id:
        return page
    return replace(page, printed=None, article=None, verdict=_verdict_elsewhere(page, status))


def _is_failure(status: int | None, verdict: Verdict) -> bool:
    """Return whether a status is neither an answer about the article nor one step of it."""
    if verdict.reason is not Reason.HTTP_STATUS or status is None:
        return False
    return status not in GONE_STATUSES and not 300 <= status < 400


def _verdict_elsewhere(page: Page, status: int | None) -> Verdict:
    """Return the verdict on a response from another address than the requested article's."""
    url = page.exchange.url
    if status is not None and status not in (200, *REDIRECT_STATUSES):
        outcome = Outcome.SKIPPED if status in GONE_STATUSES else Outcome.FAILED
        return Verdict(outcome, Reason.HTTP_STATUS, f"{status} at {url}")
    if urlsplit(url).path in ("", "/"):
        return Verdict(Outcome.SKIPPED, Reason.REDIRECT_TO_FRONT, url)
    notice = notice_of(page.exchange)
    if notice in GONE_REASONS:
        return Verdict(Outcome.SKIPPED, notice, url)
    return Verdict(Outcome.SKIPPED, Reason.REDIRECT_ELSEWHERE, url)


def provisional_page(exchange: Exchange, outlet: Outlet, source: str) -> Page:
    """Return the page of an exchange that has just arrived, judged without parsing its HTML.

    A page that needs parsing gets the verdict "not read". ``final`` is False.
    """
    address = outlet.identify(exchange.url)
    if exchange.truncated or status_of(exchange.head) != 200 or address is None:
        page = extract(exchange, outlet, source)
    else:
        page = Page(
            exchange=exchange,
            outlet=outlet.name,
            rules=outlet.rules,
            article_id=address.article_id,
            source=source,
        )
    page = judge(page, outlet)
    return replace(page, final=False, verdict=page.verdict or _UNREAD)


def read_capture(record: Record, source: str = "", outlet: str = "") -> Page:
    """Return the page that a record of the archive shows.

    ``source`` is used where the record states no source and has no address; ``outlet`` is the name
    of the outlet to read it as, by default the one that the record states. The page of a `revisit`
    has neither article nor verdict: its original has them.

    Records written before the fields for outlet and source existed are assigned by their address: a
    page that was reached by a redirect is read as if its own address had been requested, and a
    document whose outlet was named only on the command line is recognised by its text.
    """
    page, known = _unread_page(record, source, outlet)
    if known is None or record.exchange is None:
        return page
    believed = bool(record.fields.get(_OUTLET)) and _is_saved_page(page.source)
    return judge(read_exchange(record.exchange, known, page.source, believed=believed), known)


def _is_saved_page(source: str) -> bool:
    """Whether a source names the file of one page: no address, and no place in a web archive.

    If the page's host is none of any outlet, a person has said whose it is.
    """
    if not source or source.startswith(("http://", "https://")):
        return False
    return re.search(r"@\d+$", source) is None


def unread_capture(record: Record, source: str = "") -> Page:
    """Return the page that a record would have if no step had read it (see `read_capture`)."""
    page, known = _unread_page(record, source, "")
    if known is None or record.exchange is None:
        return page
    return replace(page, verdict=_UNREAD)


def _unread_page(record: Record, source: str, name: str) -> tuple[Page, Outlet | None]:
    """Return the record's page before it is read, and its outlet; None if that is unknown."""
    exchange = record.exchange or revisit_exchange(record)
    if exchange.has_address:
        source = exchange.url
    source = record.fields.get(_SOURCE) or source
    name = name or record.fields.get(_OUTLET, "")
    verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET)
    try:
        outlet = find_outlet(name) if name else outlet_for(exchange)
    except TooCostlyError:
        outlet, verdict = None, TOO_COSTLY
    if outlet is None:
        page = Page(exchange=exchange, outlet=name, rules=Rules(), source=source, verdict=verdict)
        return page, None
    page = Page(exchange=exchange, outlet=outlet.name, rules=outlet.rules, source=source)
    return page, outlet
