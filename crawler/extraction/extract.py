"""From an exchange to a page: the one pure function that spiders, replay and the bench all call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict
from archive.warc import content_coding
from archive.warc import http_message as http
from archive.warc.record_writer import UNKNOWN_TYPE
from crawler.extraction.charset import decode
from crawler.extraction.html import PageReader, read_page
from crawler.extraction.plain_text import read_text
from crawler.extraction.walls import recognise_wall
from crawler.model import layout
from pipelines.normalise import normalise
from pipelines.page import Page
from pipelines.validate import validate
from pipelines.widget_rules import sift
from pipelines.widgets import drop_widgets

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet import Outlet
    from pipelines.page import Decoded, Printed
    from pipelines.widget_rules import Widgets

#: A body this short is looked at for a wall's words; below a teaser's length few articles are
#: whole.
_TEASER = 150
_FEW = 4
#: A longer page is kept but not read: reading takes many times its size in memory, and a second for
#: a few megabytes.
_LONGEST_PAGE = 2**22
_TEXT_TYPES = ("text/plain",)
_HTML_TYPES = ("text/html", "application/xhtml+xml", "")


def extract(exchange: Exchange, outlet: Outlet, source: str = "") -> Page:
    """Read what one exchange of an outlet prints. Never raises: what can't be read gets a verdict with its reason."""
    address = outlet.identify(exchange.url) if exchange.has_address else None
    page = Page(
        exchange=exchange,
        outlet=outlet.name,
        rules=outlet.rules,
        article_id=address.article_id if address else "",
        url=address.url if address else "",
        source=source,
    )
    if exchange.has_address and address is None:
        return _ended(page, Outcome.SKIPPED, Reason.NOT_AN_ARTICLE)
    try:
        content, content_type = _content(exchange)
    except _StatusError as error:
        return _ended(page, Outcome.SKIPPED, Reason.HTTP_STATUS, str(error))
    except content_coding.CodingError as error:
        return _ended(page, Outcome.UNPARSED, Reason.UNKNOWN_CODING, str(error))
    except content_coding.SizeError as error:
        return _ended(
            page, Outcome.UNPARSED, Reason.TOO_LARGE, f"it {error}, and no article's page does"
        )
    except http.MessageError as error:
        return _ended(page, Outcome.UNPARSED, Reason.BAD_CONTENT, str(error))
    if exchange.truncated:  # half a page may look like a whole article
        return _ended(page, Outcome.UNPARSED, Reason.TRUNCATED, exchange.truncated)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _TEXT_TYPES + _HTML_TYPES:
        return _ended(page, Outcome.SKIPPED, Reason.NOT_A_PAGE, media_type)
    if not content or content.isspace():
        return _ended(page, Outcome.UNPARSED, Reason.EMPTY_BODY)
    if len(content) > _LONGEST_PAGE:
        return _ended(
            page, Outcome.UNPARSED, Reason.TOO_LARGE, f"{len(content)} bytes are no article's page"
        )
    text, decoded = decode(content, content_type)
    if media_type in _TEXT_TYPES:
        return replace(page, decoded=decoded, printed=read_text(text, outlet.text, outlet.rules))
    return _read_html(page, text, content if decoded.used == "utf-8" else None, decoded, outlet)


def read_exchange(exchange: Exchange, outlet: Outlet, source: str = "") -> Page:
    """Extract, then take the steps of ``ITEM_PIPELINES`` up to the deposit, in their order."""
    return validate(drop_widgets(normalise(extract(exchange, outlet, source))))


def _read_html(
    page: Page, text: str, content: bytes | None, decoded: Decoded, outlet: Outlet
) -> Page:
    reader = PageReader(text if content is None else content)
    if not page.url:
        stated = next((a for a in map(outlet.identify, reader.stated_addresses()) if a), None)
        if stated:
            page = replace(page, article_id=stated.article_id, url=stated.url)
    layouts = layout.choose(outlet.layouts, page.exchange.captured_at.date())
    printed = read_page(reader, layouts, outlet.rules.widgets)
    diagnosis = None
    if printed is None:
        diagnosis = recognise_wall(text)
    else:
        teaser = _teaser(printed, outlet.rules.widgets)
        if teaser is not None:
            diagnosis = recognise_wall(teaser or text)
    return replace(page, decoded=decoded, printed=printed, diagnosis=diagnosis)


def _teaser(printed: Printed, widgets: Widgets) -> str | None:
    """What is left of the body without widgets, if that is no more than a teaser."""
    # a few lines show most bodies to be longer
    for part in (printed.blocks[:_FEW], printed.blocks):
        kept, _ = sift(part, widgets)
        if sum(map(len, kept)) >= _TEASER:
            return None
    return "\n".join(kept)


def _ended(page: Page, outcome: Outcome, reason: Reason, detail: str = "") -> Page:
    return replace(page, verdict=Verdict(outcome, reason, detail))


class _StatusError(Exception):
    """The response's status says that its body is no article."""


def _content(exchange: Exchange) -> tuple[bytes, str]:
    """The document with all encodings undone, and its content type."""
    if not exchange.head:
        return exchange.body, "" if exchange.media_type == UNKNOWN_TYPE else exchange.media_type
    head = http.parse_head(exchange.head)
    if head.status != 200:
        raise _StatusError(str(head.status))
    content = content_coding.decode_content(head, http.payload(head, exchange.body), _LONGEST_PAGE)
    return content, head.get("Content-Type")
