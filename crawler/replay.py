"""Replay: saved pages, text renderings and WARCs read again, without the network and without the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.outcome import Outcome, Reason, Verdict
from archive.runs import Result
from crawler.decode import decode
from crawler.extract import read
from crawler.html import PageReader
from crawler.inputs import Input, find_files, read_file
from crawler.outlet import OutletError, known_outlets, outlet_named, outlet_of
from crawler.text import recognises

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archive.exchange import Exchange
    from crawler.outlet import Outlet
    from pipelines.deposit import Depositor


def replay(paths: Iterable[str], depositor: Depositor, outlet: Outlet | None = None) -> None:
    """Read every document under ``paths`` and deposit it; ``outlet`` is the one all are of, if given."""
    for found in find_files(paths):
        for given in (found,) if isinstance(found, Input) else read_file(found):
            _replay_one(given, depositor, outlet)


def _replay_one(given: Input, depositor: Depositor, outlet: Outlet | None) -> None:
    exchange = given.exchange
    if exchange is None:
        assert given.verdict is not None, "an input without an exchange says why"
        depositor.note(Result(source=given.source, verdict=given.verdict))
        return
    try:
        outlet = outlet or (outlet_named(given.outlet) if given.outlet else outlet_for(exchange))
    except OutletError as error:
        depositor.note(Result(source=given.source, verdict=Verdict(Outcome.FAILED, Reason.BAD_SIDECAR, str(error))))
        return
    if outlet is None:
        detail = f"its outlet is not recognised; known: {', '.join(known_outlets())}; name one with --outlet"
        verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET, detail)
        # Only a record of a WARC has an address nobody asked for; a file was given on purpose.
        depositor.note(Result(source=given.source, verdict=verdict, url=exchange.url if given.origin else ""))
        return
    depositor.add(read(exchange, outlet, given.source), given.origin)


def outlet_for(exchange: Exchange) -> Outlet | None:
    """The outlet of a document: by its address, else by what the page says of itself or prints."""
    if exchange.has_address:
        return outlet_of(exchange.url)
    text, _ = decode(exchange.body)
    if exchange.media_type == "text/plain":
        return next((outlet for outlet in known_outlets().values() if recognises(outlet.text, text)), None)
    page = PageReader(text)
    for address in page.stated_addresses():
        if outlet := outlet_of(address):
            return outlet
    return next((outlet for outlet in known_outlets().values() if outlet.titles(page.title)), None)
