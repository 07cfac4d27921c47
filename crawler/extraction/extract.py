"""From an exchange to a page: the pure functions that spiders, replay and benchmarks call."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import TYPE_CHECKING

from archive.http import content_coding
from archive.http import message as http
from archive.model.article import ADDRESSES_DISAGREE, PAYWALLED
from archive.model.outcome import Outcome, Reason, Verdict
from archive.warc.record_writer import UNKNOWN_TYPE
from crawler.extraction.charset import declared_charset, decode
from crawler.extraction.html.jsonld import OwnPage, absolute
from crawler.extraction.html.reader import PageReader, Place, read_page
from crawler.extraction.html.tree import reads_trees
from crawler.extraction.paywall import is_stated_as_paid, take_element, take_notice
from crawler.extraction.plain_text import read_text
from crawler.extraction.truncation import cut_reason, is_cut_text, is_shorter_than_stated
from crawler.extraction.walls import is_reporters, recognise_wall, wall_in
from crawler.model import layout
from crawler.outlets import outlet_of
from pipelines.cpu_limit import limited, within_limit
from pipelines.page import Page
from pipelines.widget_rules import sift, sift_lines

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet import Address, Outlet
    from pipelines.page import Decoded, Printed, Rules

#: A longer page is archived but not read: reading takes many times its size in memory, and a second
#: for a few megabytes.
_LONGEST_PAGE = 2**22
#: A page of an error, with all that a site puts around it, is rarely longer.
_LONGEST_NOTICE = 2**15
#: An answer that states no valid status is read for what it shows, as a saved page is.
_READ_STATUSES = (200, http.NO_STATUS)
_TEXT_TYPES = ("text/plain",)
_HTML_TYPES = ("text/html", "application/xhtml+xml", "")


def extract(
    exchange: Exchange,
    outlet: Outlet,
    source: str = "",
    *,
    believed: bool = False,
    with_styles: bool = False,
) -> Page:
    """Return what an exchange of an outlet prints.

    Raises nothing but `MemoryError`: a page that cannot be read, or takes too long, has a verdict
    with the reason.
    ``source`` is the address that was requested, or the name of a file. ``believed`` is whether a
    person says that it is the outlet's. That counts where its host is none of any outlet; its
    address is then no address of the article, which is identified by what the page states, or by
    its content. ``with_styles`` is whether to look for the styles that the page links.
    """
    address = outlet.identify(exchange.url) if exchange.has_address else None
    is_foreign = believed and exchange.has_address and outlet_of(exchange.url) is None
    page = _addressed(exchange, outlet, address, source=source, is_foreign=is_foreign)
    if exchange.has_address and address is None and not is_foreign:
        return replace(page, verdict=Verdict(Outcome.SKIPPED, Reason.NOT_AN_ARTICLE))
    return limited(lambda page: _read(page, exchange, outlet, with_styles=with_styles), page)


def document_of(exchange: Exchange) -> bytes | None:
    """Return the document of an exchange with all encodings undone; None if it is no whole page."""
    try:
        content, content_type = _content(exchange)
        _check_readable(exchange, content, content_type.partition(";")[0].strip().lower())
    except _UnreadableError:
        return None
    return content


def html_of(exchange: Exchange) -> str | None:
    """Return the HTML of an exchange as text; None if it is no whole page, or no HTML."""
    try:
        content, content_type = _content(exchange)
        media_type = content_type.partition(";")[0].strip().lower()
        _check_readable(exchange, content, media_type)
    except _UnreadableError:
        return None
    return None if media_type in _TEXT_TYPES else decode(content, content_type)[0]


def open_page(exchange: Exchange, outlet: Outlet) -> PageReader | None:
    """Return the HTML of an exchange of an outlet, parsed, as its layouts read it.

    None if it cannot be read, is no HTML, or says that it is another article.

    :raises TooCostlyError: that takes too long.
    """
    return within_limit(lambda: _opened(exchange, outlet))


@reads_trees
def _opened(exchange: Exchange, outlet: Outlet) -> PageReader | None:
    try:
        content, content_type = _content(exchange)
        media_type = content_type.partition(";")[0].strip().lower()
        _check_readable(exchange, content, media_type)
    except _UnreadableError:
        return None
    if media_type in _TEXT_TYPES:
        return None
    text, decoded = decode(content, content_type)
    reader = _parsed(text, content, decoded)
    address = outlet.identify(exchange.url) if exchange.has_address else None
    page = _identified(_addressed(exchange, outlet, address), reader, outlet)
    if page.verdict is not None:
        return None
    reader.own = _own_page(page, outlet)
    return reader


def _addressed(
    exchange: Exchange,
    outlet: Outlet,
    address: Address | None,
    source: str = "",
    *,
    is_foreign: bool = False,
) -> Page:
    return Page(
        exchange=exchange,
        outlet=outlet.name,
        rules=outlet.rules,
        article_id=address.article_id if address else "",
        url=address.url if address else "",
        source=source,
        is_foreign=is_foreign,
    )


@reads_trees
def _read(page: Page, exchange: Exchange, outlet: Outlet, *, with_styles: bool) -> Page:
    """Return the page with what the exchange prints, or with a verdict."""
    try:
        content, content_type = _content(exchange)
        media_type = content_type.partition(";")[0].strip().lower()
        _check_readable(exchange, content, media_type)
    except _UnreadableError as error:
        return replace(page, verdict=error.verdict)
    text, decoded = decode(content, content_type)
    if media_type in _TEXT_TYPES:
        if outlet.text is None:
            return replace(page, decoded=decoded)
        printed = read_text(text, outlet.text, outlet.rules)
        printed, has_notice = take_notice(printed, outlet.rules.widgets)
        blocks, _ = sift(printed.blocks, outlet.rules.widgets)
        cut = Reason.TRUNCATED if not has_notice and is_cut_text(text, blocks) else None
        flags = (PAYWALLED,) if has_notice else ()
        return replace(page, decoded=decoded, printed=printed, flags=flags, diagnosis=cut)
    reader = _parsed(text, content, decoded)
    # Before anything is taken from the page.
    styles = _styles(reader, exchange.url) if with_styles else ()
    if styles:
        page = replace(page, styles=styles)
    return _read_html(page, reader, text, decoded, outlet)


def notice_of(exchange: Exchange) -> Reason | None:
    """Return which kind of wall or notice a page of any address shows, None for none.

    Only short pages are notices: a list of articles quotes anything.
    """
    try:
        content, content_type = _content(exchange)
    except _UnreadableError:
        return None
    if exchange.truncated or len(content) > _LONGEST_NOTICE:
        return None
    return recognise_wall(decode(content, content_type)[0])


def _styles(reader: PageReader, url: str) -> tuple[str, ...]:
    """Return the addresses of the styles that a page links."""
    found = (absolute(url, address).partition("#")[0] for address in reader.styles())
    return tuple(address for address in found if address)


class _UnreadableError(Exception):
    """An exchange holds nothing to read; the verdict says why."""

    def __init__(self, outcome: Outcome, reason: Reason, detail: str = "") -> None:
        super().__init__(reason)
        self.verdict = Verdict(outcome, reason, detail)


def _content(exchange: Exchange) -> tuple[bytes, str]:
    """Return the document with all encodings undone, and its content type.

    :raises _UnreadableError: the status is another than 200, or the body cannot be decoded.
    """
    if not exchange.head:
        return exchange.body, _saved_type(exchange)
    try:
        head = http.parse_served_head(exchange.head)
        if head.status not in _READ_STATUSES:
            raise _UnreadableError(Outcome.SKIPPED, Reason.HTTP_STATUS, http.describe_status(head))
        body = http.payload(head, exchange.body)
        if not http.is_chunked(head) and is_shorter_than_stated(head, body):
            detail = f"{len(body)} bytes of {head.get('Content-Length')}"
            raise _UnreadableError(Outcome.UNPARSED, Reason.TRUNCATED, detail)
        content = content_coding.decode_served(head, body, _LONGEST_PAGE)
    except content_coding.CodingError as error:
        raise _UnreadableError(Outcome.UNPARSED, Reason.UNKNOWN_CODING, str(error)) from error
    except content_coding.SizeError as error:
        detail = f"it {error}, too many for an article's page"
        raise _UnreadableError(Outcome.UNPARSED, Reason.TOO_LARGE, detail) from error
    except http.MessageError as error:
        raise _UnreadableError(Outcome.UNPARSED, Reason.BAD_CONTENT, str(error)) from error
    return content, head.get("Content-Type")


def _saved_type(exchange: Exchange) -> str:
    """Return the media type of a document without HTTP, ``""`` if none is known.

    A charset in it is the one that the document was read with when it was taken in; what the
    document states itself comes first.
    """
    if exchange.media_type == UNKNOWN_TYPE:
        return ""
    if declared_charset(exchange.body):
        return exchange.media_type.partition(";")[0]
    return exchange.media_type


def _check_readable(exchange: Exchange, content: bytes, media_type: str) -> None:
    """Raise _UnreadableError unless the content is a whole page."""
    if exchange.truncated:  # half a page may look like a whole article
        raise _UnreadableError(Outcome.UNPARSED, Reason.TRUNCATED, exchange.truncated)
    if media_type not in _TEXT_TYPES + _HTML_TYPES:
        raise _UnreadableError(Outcome.SKIPPED, Reason.NOT_A_PAGE, media_type)
    if not content or content.isspace():
        raise _UnreadableError(Outcome.UNPARSED, Reason.EMPTY_BODY)
    if len(content) > _LONGEST_PAGE:
        detail = f"{len(content)} bytes are too many for an article's page"
        raise _UnreadableError(Outcome.UNPARSED, Reason.TOO_LARGE, detail)


def _read_html(page: Page, reader: PageReader, text: str, decoded: Decoded, outlet: Outlet) -> Page:
    """Return the page with what its HTML prints; ``text`` is all of that."""
    page = _identified(page, reader, outlet)
    if page.verdict is not None:
        return replace(page, decoded=decoded)
    reader.own = _own_page(page, outlet)
    layouts = layout.choose(outlet.layouts, page.exchange.captured_at.date())
    element = take_element(reader, outlet.rules.paywall)
    printed = read_page(reader, layouts, outlet.rules, _place_of(page, outlet))
    flags = page.flags
    if printed is not None:
        printed, has_notice = take_notice(printed, outlet.rules.widgets)
        if element is not None:
            printed = replace(printed, removed=(*printed.removed, element))
        if has_notice or element is not None or is_stated_as_paid(reader):
            flags = (*flags, PAYWALLED)
    diagnosis = _diagnosis(printed, text, outlet.rules)
    return replace(page, decoded=decoded, printed=printed, flags=flags, diagnosis=diagnosis)


def _parsed(text: str, content: bytes, decoded: Decoded) -> PageReader:
    # The parser would take a byte order mark for text, and what follows for the page's body.
    is_utf8 = decoded.used == "utf-8"
    return PageReader(content.removeprefix(codecs.BOM_UTF8) if is_utf8 else text)


def _own_page(page: Page, outlet: Outlet) -> OwnPage:
    return OwnPage(page.article_id, page.url, lambda url: _id_of(url, outlet))


def _identified(page: Page, reader: PageReader, outlet: Outlet) -> Page:
    """Return the page with its identity, or with a verdict if it says that it is another article.

    Where the page has no address of its own, the first article's address that it states is its. A
    page that states only addresses of another article than the one asked for was answered in its
    place, by a cache or a redirect within the page. Where it states both, the addresses disagree:
    the page keeps its identity and gets a flag.
    """
    if page.rules.of_any_site:  # whatever it says, it is the page of its address
        return page
    stated = [outlet.identify(absolute(page.url, each)) for each in reader.stated_addresses()]
    named = [address for address in stated if address is not None]
    if not named:
        return page
    if not page.url:
        page = replace(page, article_id=named[0].article_id, url=named[0].url)
    url = _canonical_of(page, named, outlet)
    if url != page.url:
        page = replace(page, url=url)
    others = [address for address in named if address.article_id != page.article_id]
    if not others:
        return page
    if len(others) == len(named):
        detail = f"the page says that it is {others[0].url}"
        return replace(page, verdict=Verdict(Outcome.UNPARSED, Reason.OTHER_ARTICLE, detail))
    return replace(page, flags=(*page.flags, ADDRESSES_DISAGREE))


def _canonical_of(page: Page, stated: list[Address], outlet: Outlet) -> str:
    """Return the page's canonical address: its own, or a stated one where its own lacks a part."""
    own = outlet.identify(page.url)
    if own is None or own.is_canonical:
        return page.url
    whole = (each for each in stated if each.article_id == page.article_id and each.is_canonical)
    return next((each.url for each in whole), page.url)


def _id_of(url: str, outlet: Outlet) -> str:
    address = outlet.identify(url)
    return "" if address is None else address.article_id


def _place_of(page: Page, outlet: Outlet) -> Place:
    """Return where the page is; one that was saved without its address is the outlet's."""

    def names_other(url: str) -> bool:
        address = outlet.identify(url)
        return address is not None and address.article_id != page.article_id

    base = page.exchange.url if page.exchange.has_address else page.url
    return Place(base=base or outlet.canonical, names_other=names_other)


def _diagnosis(printed: Printed | None, text: str, rules: Rules) -> Reason | None:
    """Return why the page is no whole article, None if nothing says so.

    The words of a wall never decide against an article that was read: they count where they are
    all that stands in the body, or where there is none.
    """
    if printed is None:
        return recognise_wall(text) or cut_reason(text)
    first = printed.blocks[0] if printed.blocks else ""
    if is_reporters(first) and not rules.widgets.is_noise(first):  # nearly every article
        return cut_reason(text)
    blocks, _ = sift_lines(printed.blocks, rules.widgets)
    if not blocks and not printed.captions:
        return recognise_wall(text) or cut_reason(text)
    before_sections, _ = sift(blocks, rules.widgets)
    return wall_in(before_sections or blocks, printed.headline) or cut_reason(text)
