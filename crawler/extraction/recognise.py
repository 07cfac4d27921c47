"""Recognise the outlet of a saved document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.extraction.charset import decode
from crawler.extraction.html.reader import PageReader
from crawler.extraction.html.tree import reads_trees
from crawler.extraction.plain_text import recognises
from crawler.outlets import known_outlets, outlet_of
from pipelines.cpu_limit import within_limit

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet import Outlet


def outlet_for(exchange: Exchange) -> Outlet | None:
    """Return the outlet of a document, None if it is not recognised.

    A document with an address is its host's; another is recognised by the addresses that the page
    states, by its title, or by what a text rendering prints.

    :raises TooCostlyError: that takes too long.
    """
    if exchange.has_address:
        return outlet_of(exchange.url)
    return within_limit(lambda: _outlet_stated_by(exchange))


@reads_trees
def _outlet_stated_by(exchange: Exchange) -> Outlet | None:
    text, _ = decode(exchange.body)
    outlets = known_outlets().values()
    if exchange.media_type.partition(";")[0] == "text/plain":
        return next((each for each in outlets if each.text and recognises(each.text, text)), None)
    page = PageReader(text)
    for address in page.stated_addresses():
        outlet = outlet_of(address)
        if outlet is not None:
            return outlet
    return next((outlet for outlet in outlets if outlet.has_title(page.title)), None)
