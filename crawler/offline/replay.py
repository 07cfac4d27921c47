"""Replay saved pages, text renderings and WARC files, without network and Scrapy engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict, internal_error
from archive.runs.recorder import Result
from archive.warc.record_parser import is_server_not_modified
from archive.warc.record_writer import is_not_modified
from crawler.extraction.reading import read_exchange
from crawler.extraction.recognise import outlet_for
from crawler.model.outlet import OutletError
from crawler.offline.belongings import Belongings
from crawler.offline.files import find_files, read_file
from crawler.offline.warc_import import Input
from crawler.outlets import known_outlets, outlet_named
from pipelines.cpu_limit import TooCostlyError
from pipelines.page import Page, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from archive.captures.revisit_lookup import Original
    from archive.model.exchange import Exchange
    from archive.warc.record_parser import Record
    from crawler.model.outlet import Outlet
    from crawler.offline.belongings import Held
    from crawler.offline.record_tally import RecordTally
    from pipelines.deposit import CaptureStore

_NOT_RECOGNISED = (
    "finding out its outlet takes more than 5 CPU seconds; name the outlet with --outlet"
)
#: Exchanges that are held back in one replay.
_MOST_HELD = 200_000


def replay(
    paths: Iterable[str],
    store: CaptureStore,
    outlet: Outlet | None = None,
    find_original: Callable[[Record], Original | None] = lambda _: None,
    tally: RecordTally | None = None,
    *,
    everything: bool = False,
) -> None:
    """Read every document under ``paths`` and deposit it.

    ``outlet`` is the outlet of all of them, None to recognise it. ``find_original`` returns the
    committed capture that a `revisit` record repeats. Files with such records are read a second
    time when everything else is committed, because an original may be behind its revisit, or in
    another file; so are files with what may belong to an article behind it. What becomes of the
    records of web archives is added to ``tally``. ``everything`` is whether to keep what web
    archives have of other hosts, too.
    """
    _Replay(store, outlet, find_original, everything=everything).run(paths, tally)


class _Replay:
    """One replay of any number of files."""

    def __init__(
        self,
        store: CaptureStore,
        outlet: Outlet | None,
        find_original: Callable[[Record], Original | None],
        *,
        everything: bool,
    ) -> None:
        self._store = store
        self._outlet = outlet
        self._find_original = find_original
        self._everything = everything
        self._belongings = Belongings()
        #: What may belong to an article that is not read yet, by file and by source.
        self._held: dict[Path, dict[str, Held]] = {}
        self._number_held = 0

    def run(self, paths: Iterable[str], tally: RecordTally | None) -> None:
        """Read the files; those that need it a second time."""
        with_revisits: set[Path] = set()
        read: dict[Path, None] = {}
        for found in find_files(paths):
            if isinstance(found, Input):
                self._add_document(found)
                continue
            read[found] = None
            if self._read_file(found, tally):
                with_revisits.add(found)
        self._belongings.follow_redirects()
        if with_revisits or self._held:
            self._store.flush()
        for path in read:
            held = self._held.pop(path, {})
            if path in with_revisits or self._has_any(held):
                self._read_again(path, held)
            else:
                for source, one in held.items():
                    self._add_unknown_outlet(source, one.url)

    def _has_any(self, held: dict[str, Held]) -> bool:
        """Return whether any of what is held is kept."""
        if self._everything:
            return bool(held)
        return any(self._belongings.has(one) for one in held.values())

    def _read_file(self, path: Path, tally: RecordTally | None) -> bool:
        """Deposit the file's documents; return whether it holds revisits, which are left out."""
        has_revisits = False
        for given in read_file(path, tally):
            if given.revisit is not None:
                has_revisits = True
            elif not self._hold(path, given):
                self._add_document(given)
            del given  # it may have 20 MB: it is not kept while the next one is read
        return has_revisits

    def _read_again(self, path: Path, held: dict[str, Held]) -> None:
        """Deposit the file's revisits and what was held back of it."""
        for given in read_file(path):
            if given.revisit is not None:
                self._add_revisit(given, given.revisit)
            elif given.source in held:
                self._add_document(given)
            del given  # as in `_read_file`

    def _hold(self, path: Path, given: Input) -> bool:
        """Return whether an input is held back: it may belong to an article not read yet."""
        exchange = given.exchange
        is_foreign = exchange is not None and given.origin and exchange.has_address
        if exchange is None or not is_foreign or self._number_held >= _MOST_HELD:
            return False
        if self._outlet or outlet_for(exchange):
            return False
        held = self._belongings.hold(exchange)
        if held is None or self._belongings.outlet_of(exchange) is not None:
            return False
        self._held.setdefault(path, {})[given.source] = held
        self._number_held += 1
        return True

    def _add_document(self, given: Input) -> None:
        exchange = given.exchange
        if exchange is None:
            assert given.verdict is not None, "an input without an exchange has a verdict"
            self._store.add_result(Result(source=given.source, verdict=given.verdict))
            return
        # Of a web archive's pages most may be of other sites; a saved page is what a person says.
        believed = not given.origin and (self._outlet is not None or bool(given.outlet))
        try:
            outlet = self._outlet or self._outlet_of(given, exchange)
        except OutletError as error:
            verdict = Verdict(Outcome.FAILED, Reason.BAD_SIDECAR, str(error))
            self._store.add_result(Result(source=given.source, verdict=verdict))
            return
        except TooCostlyError:
            verdict = Verdict(Outcome.FAILED, Reason.TOO_COSTLY, _NOT_RECOGNISED)
            self._store.add_result(Result(source=given.source, verdict=verdict))
            return
        except Exception as error:  # noqa: BLE001  (a bug at one document: reported, the run fails)
            self._store.add_result(Result(source=given.source, verdict=internal_error(error)))
            return
        if outlet is None:
            self._add_foreign(given, exchange)
            return
        page = _read(exchange, outlet, given, believed=believed)
        if given.origin:
            self._belongings.add(page, outlet)
        self._store.add_page(page, given.origin)

    def _outlet_of(self, given: Input, exchange: Exchange) -> Outlet | None:
        """Return the outlet that the sidecar names, or else the one that is recognised.

        What a web archive has of other hosts is the outlet's if it belongs to one of its articles.

        :raises OutletError: the sidecar names an unknown outlet.
        :raises TooCostlyError: recognising it takes too long.
        """
        if given.outlet:
            return outlet_named(given.outlet)
        outlet = outlet_for(exchange)
        if outlet is None and given.origin:
            outlet = self._belongings.outlet_of(exchange)
        return outlet

    def _add_foreign(self, given: Input, exchange: Exchange) -> None:
        """Add what is of no outlet: kept if everything is to be, and else only a result."""
        if self._everything and given.origin and exchange.has_address:
            self._store.add_page(_foreign_page(given, exchange), given.origin)
            return
        # Results with an address are no failure: a WARC may hold records of any site, while a
        # saved page was given on purpose.
        self._add_unknown_outlet(given.source, exchange.url if given.origin else "")

    def _add_unknown_outlet(self, source: str, url: str) -> None:
        known = ", ".join(known_outlets())
        detail = f"its outlet is not recognised; known: {known}; name one with --outlet"
        verdict = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET, detail)
        self._store.add_result(Result(source=source, verdict=verdict, url=url))

    def _add_revisit(self, given: Input, revisit: Record) -> None:
        """Deposit a capture that repeats another: it shows the same revision."""
        exchange = given.exchange
        assert exchange is not None, "the input of a revisit has an exchange"
        outlet = self._outlet or self._outlet_of(given, exchange)
        if outlet is None and not self._everything:
            self._add_unknown_outlet(given.source, exchange.url)
            return
        page = _foreign_page(given, exchange)
        if outlet is not None:
            page = replace(page, outlet=outlet.name, rules=outlet.rules)
        if not _is_known_profile(revisit):
            detail = f"WARC-Profile {revisit.fields['warc-profile'][:200]!r} is not interpreted"
            self._add_skipped(page, Reason.UNKNOWN_PROFILE, detail)
            return
        original = self._find_original(revisit)
        not_modified = is_server_not_modified(revisit)
        if original is None or (exchange.head and is_not_modified(exchange) is not not_modified):
            detail = "what it repeats is not in the archive: replay that first, then this again"
            self._add_skipped(page, Reason.NO_ORIGINAL, detail)
            return
        digest = original.revisit_of.payload_digest
        page = replace(page, exchange=replace(exchange, payload_digest=digest))
        if outlet is not None:
            verdict = Verdict(Outcome.SKIPPED, Reason.REVISIT)
            if original.revision_id:
                verdict = Verdict(Outcome.UNCHANGED)
            page = replace(page, revision_id=original.revision_id, verdict=verdict)
        repeats = replace(original.revisit_of, not_modified=not_modified)
        self._store.add_page(page, given.origin, repeats)

    def _add_skipped(self, page: Page, reason: Reason, detail: str) -> None:
        verdict = Verdict(Outcome.SKIPPED, reason, detail)
        url = page.exchange.url
        result = Result(source=page.source, verdict=verdict, outlet=page.outlet, url=url)
        self._store.add_result(result)


def _foreign_page(given: Input, exchange: Exchange) -> Page:
    """Return the page of an exchange that belongs to no outlet."""
    return Page(
        exchange=exchange,
        outlet="",
        rules=Rules(),
        source=given.source,
        verdict=Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET, "kept, as everything is to be"),
    )


def _read(exchange: Exchange, outlet: Outlet, given: Input, *, believed: bool) -> Page:
    """Return the page of an exchange, unread with a verdict if our own code raised an error."""
    with_styles = bool(given.origin)  # only a web archive may hold them too
    try:
        return read_exchange(
            exchange, outlet, given.source, believed=believed, with_styles=with_styles
        )
    except Exception as error:  # noqa: BLE001  (a bug at one page: reported, the run fails)
        return Page(
            exchange=exchange,
            outlet=outlet.name,
            rules=outlet.rules,
            source=given.source,
            verdict=internal_error(error),
        )


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
