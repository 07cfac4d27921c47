"""Read a page as far as it goes: by the layouts of its outlet, or if none reads it, generically."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.extraction.extract import extract, html_of, open_page
from crawler.extraction.generic import LEAST_BODY, is_body, may_be_article, read_generic, tool
from crawler.extraction.truncation import cut_reason
from crawler.outlets import outlet_named
from pipelines.cpu_limit import limited
from pipelines.normalise import normalise
from pipelines.page import page_of
from pipelines.validate import validate
from pipelines.widgets import drop_widgets

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet import Outlet
    from pipelines.page import Page


def read_exchange(
    exchange: Exchange,
    outlet: Outlet,
    source: str = "",
    *,
    believed: bool = False,
    with_styles: bool = False,
) -> Page:
    """Return the page after `extract` and the item pipelines that precede the deposit."""
    page = extract(exchange, outlet, source, believed=believed, with_styles=with_styles)
    return fall_back(limited(_interpreted, page), outlet)


def read_by_layouts(
    exchange: Exchange, outlet: Outlet, source: str = "", *, believed: bool = False
) -> Page:
    """Return the page as `read_exchange` does, without an article if no layout reads it."""
    return limited(_interpreted, extract(exchange, outlet, source, believed=believed))


def fall_back(page: Page, outlet: Outlet) -> Page:
    """Return the page with an article that no layout reads, if it is one and a tool can read it.

    Its verdict stays: what a tool reads is never passed off for what a layout reads.
    """
    if not may_be_article(page):
        return page
    module = tool()
    if module is None:
        return page
    return limited(lambda page: _read_generically(page, outlet, module), page)


def _interpreted(page: Page) -> Page:
    return validate(drop_widgets(normalise(page)))


def _read_generically(page: Page, outlet: Outlet, module: object) -> Page:
    text = html_of(page.exchange)
    reader = open_page(page.exchange, outlet)
    if text is None or reader is None:
        return page
    found = read_generic(module, reader, page.exchange.captured_at)
    if found is None or cut_reason(text):
        return page
    printed, flags = found
    if not is_body(page, printed, is_guessed=bool(flags)):
        return page
    unread = replace(page, printed=printed, diagnosis=None, verdict=None)
    read = _interpreted(replace(unread, flags=(*page.flags, *flags)))
    if read.article is None or len(read.article.text) < LEAST_BODY:
        return page
    # Nobody wrote a layout for a site without an outlet, so that none failed.
    return read if page.rules.of_any_site else replace(read, verdict=page.verdict)


class FallbackPipeline:
    """Item pipeline that calls :func:`fall_back`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page, with what a tool reads of it if no layout does."""
        page = page_of(item)
        return fall_back(page, outlet_named(page.outlet)) if may_be_article(page) else page
