"""Replay: saved pages, text renderings and WARCs read again, without the network and without the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import Result
from archive.warc.record_writer import is_not_modified
from crawler.extraction.extract import read_exchange
from crawler.extraction.recognise import outlet_for
from crawler.model.outlet import OutletError
from crawler.offline.files import find_files, read_file
from crawler.offline.warc_import import Input
from crawler.outlets import known_outlets, outlet_named
from pipelines.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from archive.articles.revisit_lookup import Original
    from archive.model.exchange import Exchange
    from archive.warc.record_parser import Record
    from crawler.model.outlet import Outlet
    from pipelines.deposit import CaptureStore


def replay(
    paths: Iterable[str],
    store: CaptureStore,
    outlet: Outlet | None = None,
    original: Callable[[Record], Original | None] = lambda _: None,
) -> None:
    """Read every document under ``paths`` and deposit it; ``outlet`` is the one all are of, if given.

    ``original`` finds the committed capture that a `revisit` record repeats. Files that hold such
    records are read a second time when everything else is committed: an original may lie behind
    them, or in another file.
    """
    again: list[Path] = []
    for found in find_files(paths):
        if isinstance(found, Input):
            _replay_one(found, store, outlet)
            continue
        revisits = False
        for given in read_file(found):
            if given.revisit is None:
                _replay_one(given, store, outlet)
            else:
                revisits = True
        if revisits:
            again.append(found)
    if again:
        store.flush()
    for path in again:
        for given in read_file(path):
            if given.revisit is not None:
                _replay_revisit(given, given.revisit, store, outlet, original)


def _replay_one(given: Input, store: CaptureStore, outlet: Outlet | None) -> None:
    exchange = given.exchange
    if exchange is None:
        assert given.verdict is not None, "an input without an exchange says why"
        store.add_result(Result(source=given.source, verdict=given.verdict))
        return
    try:
        outlet = outlet or (outlet_named(given.outlet) if given.outlet else outlet_for(exchange))
    except OutletError as error:
        store.add_result(
            Result(
                source=given.source, verdict=Verdict(Outcome.FAILED, Reason.BAD_SIDECAR, str(error))
            )
        )
        return
    if outlet is None:
        _note_stranger(given, exchange, store)
        return
    store.add_page(read_exchange(exchange, outlet, given.source), given.origin)


def _replay_revisit(
    given: Input,
    revisit: Record,
    store: CaptureStore,
    outlet: Outlet | None,
    original: Callable[[Record], Original | None],
) -> None:
    """Keep a capture that repeats another one: it shows what that showed."""
    exchange = given.exchange
    assert exchange is not None, "a revisit stands for an answer"
    outlet = outlet or outlet_for(exchange)
    if outlet is None:
        _note_stranger(given, exchange, store)
        return
    found = original(revisit)
    if found is None or (is_not_modified(exchange) is not _says_not_modified(revisit)):
        detail = "what it repeats is not in the archive: replay that first, then this again"
        verdict = Verdict(Outcome.SKIPPED, Reason.NO_ORIGINAL, detail)
        store.add_result(
            Result(source=given.source, verdict=verdict, outlet=outlet.name, url=exchange.url)
        )
        return
    page = Page(
        exchange=replace(exchange, payload_digest=found.revisit_of.payload_digest),
        outlet=outlet.name,
        rules=outlet.rules,
        source=given.source,
        revision_id=found.revision_id,
        verdict=Verdict(Outcome.UNCHANGED)
        if found.revision_id
        else Verdict(Outcome.SKIPPED, Reason.REVISIT),
    )
    store.add_page(page, given.origin, found.revisit_of)


def _says_not_modified(revisit: Record) -> bool:
    return revisit.fields.get("warc-profile", "").rstrip("/").endswith("/server-not-modified")


def _note_stranger(given: Input, exchange: Exchange, store: CaptureStore) -> None:
    detail = (
        f"its outlet is not recognised; known: {', '.join(known_outlets())}; name one with --outlet"
    )
    verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET, detail)
    # Only a record of a WARC has an address nobody asked for; a file was given on purpose.
    store.add_result(
        Result(source=given.source, verdict=verdict, url=exchange.url if given.origin else "")
    )
