"""Replay saved pages, text renderings and WARC files, without network and Scrapy engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict, internal_error
from archive.runs.recorder import Result
from archive.warc.record_parser import is_server_not_modified
from archive.warc.record_writer import is_not_modified
from crawler.extraction.extract import read_exchange
from crawler.extraction.recognise import outlet_for
from crawler.model.outlet import OutletError
from crawler.offline.files import find_files, read_file
from crawler.offline.warc_import import Input
from crawler.outlets import known_outlets, outlet_named, outlet_of_image
from pipelines.cpu_limit import TooCostlyError
from pipelines.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from archive.articles.revisit_lookup import Original
    from archive.model.exchange import Exchange
    from archive.warc.record_parser import Record
    from crawler.model.outlet import Outlet
    from crawler.offline.record_tally import RecordTally
    from pipelines.deposit import CaptureStore

#: Addresses of pictures remembered in one replay.
_MAX_PICTURES = 200_000
_NOT_RECOGNISED = (
    "finding out its outlet takes more than 5 CPU seconds; name the outlet with --outlet"
)


def replay(
    paths: Iterable[str],
    store: CaptureStore,
    outlet: Outlet | None = None,
    find_original: Callable[[Record], Original | None] = lambda _: None,
    tally: RecordTally | None = None,
) -> None:
    """Read every document under ``paths`` and deposit it.

    ``outlet`` is the outlet of all of them, None to recognise it. ``find_original`` returns the
    committed capture that a `revisit` record repeats. Files with such records are read a second
    time when everything else is committed, because an original may be behind its revisit, or in
    another file. What becomes of the records of web archives is added to ``tally``.
    """
    with_revisits: list[Path] = []
    pictures: dict[str, Outlet] = {}
    for found in find_files(paths):
        if isinstance(found, Input):
            _replay_document(found, store, outlet, pictures)
        elif _replay_file(found, store, outlet, pictures, tally):
            with_revisits.append(found)
    if with_revisits:
        store.flush()
    for path in with_revisits:
        for given in read_file(path):
            if given.revisit is not None:
                original = find_original(given.revisit)
                _replay_revisit(given, given.revisit, store, outlet, original)
            del given  # as in `_replay_file`


def _replay_file(
    path: Path,
    store: CaptureStore,
    outlet: Outlet | None,
    pictures: dict[str, Outlet],
    tally: RecordTally | None,
) -> bool:
    """Deposit the file's documents; return whether it holds revisits, which are left out."""
    has_revisits = False
    for given in read_file(path, tally):
        if given.revisit is None:
            _replay_document(given, store, outlet, pictures)
        else:
            has_revisits = True
        del given  # it may have 20 MB: it is not kept while the next one is read
    return has_revisits


def _replay_document(
    given: Input, store: CaptureStore, outlet: Outlet | None, pictures: dict[str, Outlet]
) -> None:
    """Deposit a document; ``pictures`` are the addresses of those of the articles read so far."""
    exchange = given.exchange
    if exchange is None:
        assert given.verdict is not None, "an input without an exchange has a verdict"
        store.add_result(Result(source=given.source, verdict=given.verdict))
        return
    # Of a web archive's pages most may be of other sites; a saved page is what a person says.
    believed = not given.origin and (outlet is not None or bool(given.outlet))
    try:
        outlet = outlet or _outlet_of(given, exchange, pictures)
    except OutletError as error:
        verdict = Verdict(Outcome.FAILED, Reason.BAD_SIDECAR, str(error))
        store.add_result(Result(source=given.source, verdict=verdict))
        return
    except TooCostlyError:
        verdict = Verdict(Outcome.FAILED, Reason.TOO_COSTLY, _NOT_RECOGNISED)
        store.add_result(Result(source=given.source, verdict=verdict))
        return
    except Exception as error:  # noqa: BLE001  (a bug at one document: reported, the run fails)
        store.add_result(Result(source=given.source, verdict=internal_error(error)))
        return
    if outlet is None:
        _add_unknown_outlet(given, exchange, store)
        return
    page = _read(exchange, outlet, given.source, believed=believed)
    if given.origin:
        _remember_pictures(page, outlet, pictures)
    store.add_page(page, given.origin)


def _remember_pictures(page: Page, outlet: Outlet, pictures: dict[str, Outlet]) -> None:
    if page.article is not None and len(pictures) < _MAX_PICTURES:
        pictures.update((image.url, outlet) for image in page.article.images if image.url)


def _read(exchange: Exchange, outlet: Outlet, source: str, *, believed: bool) -> Page:
    """Return the page of an exchange, unread with a verdict if our own code raised an error."""
    try:
        return read_exchange(exchange, outlet, source, believed=believed)
    except Exception as error:  # noqa: BLE001  (a bug at one page: reported, the run fails)
        return Page(
            exchange=exchange,
            outlet=outlet.name,
            rules=outlet.rules,
            source=source,
            verdict=internal_error(error),
        )


def _outlet_of(given: Input, exchange: Exchange, pictures: dict[str, Outlet]) -> Outlet | None:
    """Return the outlet that the sidecar names, or else the one that is recognised.

    A web archive's pictures are the outlet's if its host of images or one of its articles has them.

    :raises OutletError: the sidecar names an unknown outlet.
    :raises TooCostlyError: recognising it takes too long.
    """
    if given.outlet:
        return outlet_named(given.outlet)
    outlet = outlet_for(exchange)
    if outlet is None and given.origin:
        outlet = outlet_of_image(exchange.url) or pictures.get(exchange.url)
    return outlet


def _replay_revisit(
    given: Input,
    revisit: Record,
    store: CaptureStore,
    outlet: Outlet | None,
    original: Original | None,
) -> None:
    """Deposit a capture that repeats another: it shows the same revision."""
    exchange = given.exchange
    assert exchange is not None, "the input of a revisit has an exchange"
    outlet = outlet or outlet_for(exchange)
    if outlet is None:
        _add_unknown_outlet(given, exchange, store)
        return
    if not _is_known_profile(revisit):
        detail = f"WARC-Profile {revisit.fields['warc-profile'][:200]!r} is not interpreted"
        verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_PROFILE, detail)
        result = Result(source=given.source, verdict=verdict, outlet=outlet.name, url=exchange.url)
        store.add_result(result)
        return
    not_modified = is_server_not_modified(revisit)
    if original is None or (exchange.head and is_not_modified(exchange) is not not_modified):
        detail = "what it repeats is not in the archive: replay that first, then this again"
        verdict = Verdict(Outcome.SKIPPED, Reason.NO_ORIGINAL, detail)
        result = Result(source=given.source, verdict=verdict, outlet=outlet.name, url=exchange.url)
        store.add_result(result)
        return
    verdict = Verdict(Outcome.SKIPPED, Reason.REVISIT)
    if original.revision_id:
        verdict = Verdict(Outcome.UNCHANGED)
    page = Page(
        exchange=replace(exchange, payload_digest=original.revisit_of.payload_digest),
        outlet=outlet.name,
        rules=outlet.rules,
        source=given.source,
        revision_id=original.revision_id,
        verdict=verdict,
    )
    store.add_page(page, given.origin, replace(original.revisit_of, not_modified=not_modified))


def _is_known_profile(revisit: Record) -> bool:
    """Whether the record says what ISO 28500's profiles say; a missing one is taken for the first.

    That of Heritrix and others that repeats a record of another address ends in it, too.
    """
    profile = revisit.fields["warc-profile"].rstrip("/")
    return (
        not profile
        or profile.endswith("identical-payload-digest")
        or is_server_not_modified(revisit)
    )


def _add_unknown_outlet(given: Input, exchange: Exchange, store: CaptureStore) -> None:
    known = ", ".join(known_outlets())
    detail = f"its outlet is not recognised; known: {known}; name one with --outlet"
    verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET, detail)
    # Results with an address are no failure: a WARC may hold records of any site, while a saved
    # page was given on purpose.
    url = exchange.url if given.origin else ""
    store.add_result(Result(source=given.source, verdict=verdict, url=url))
