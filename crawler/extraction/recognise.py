"""Replay: saved pages, text renderings and WARCs read again, without the network and without the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.extraction.charset import decode
from crawler.extraction.html import PageReader
from crawler.extraction.plain_text import recognises
from crawler.outlets import known_outlets, outlet_of

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.outlet import Outlet


def outlet_for(exchange: Exchange) -> Outlet | None:
    """The outlet of a document: by its address, else by what the page says of itself or prints."""
    if exchange.has_address:
        return outlet_of(exchange.url)
    text, _ = decode(exchange.body)
    if exchange.media_type == "text/plain":
        return next(
            (outlet for outlet in known_outlets().values() if recognises(outlet.text, text)), None
        )
    page = PageReader(text)
    for address in page.stated_addresses():
        if outlet := outlet_of(address):
            return outlet
    return next(
        (outlet for outlet in known_outlets().values() if outlet.has_title(page.title)), None
    )
