"""A whole verification: files by themselves, or an archive with its manifest and index."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from archive.index.database import Index, IndexUnusableError, index_exists
from archive.model.errors import describe_os_error
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.manifest import EntryKind, Manifest, ManifestEntry
from archive.segments.names import open_name
from archive.segments.store import store_of
from archive.verify import package
from archive.verify.articles import ArticleCheck
from archive.verify.captures import CaptureRows, RowCheck, without_row
from archive.verify.index import check_index
from archive.verify.links import Links
from archive.verify.parts import Tally, packed, unpacked
from archive.verify.selection import SegmentSelection
from archive.verify.takedowns import TakedownCheck
from archive.verify.warc_file.file import FileCheck
from archive.verify.warc_file.findings import Finding, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from sqlalchemy import Connection

    from archive.segments.store import Store, StoreOrFolder
    from archive.verify.articles import Reader
    from archive.verify.selection import SegmentRange
    from archive.verify.warc_file.strict_reader import CheckedRecord

#: Seconds after its close in which a segment's last records may still be on their way into the
#: index.
_IN_FLIGHT = 60.0


@dataclass(frozen=True, slots=True)
class _Contents:
    """The segments of an archive, by their final names.

    ``chosen`` are the closed ones to verify, ``abandoned`` the open ones whose writer died,
    ``live`` those that a running process writes. ``whole``: none is left out, or none of the range
    ``within``. ``has_tables``: what
    the index says by itself is verified, and with ``whole_index`` texts and articles, too.
    """

    store: Store
    manifest: Manifest
    chosen: list[str]
    abandoned: list[str]
    live: set[str]
    whole: bool
    within: SegmentRange | None
    has_tables: bool
    whole_index: bool


class Verification:
    """Verifies, and yields findings as they come; ``tally`` counts what was verified.

    ``progress`` is called with bytes read. With a ``reader`` the captures of a whole archive are
    read again, and the index is compared with the result. With ``witness`` each record is compared
    with warcio's reading of it. What needs the records of all segments is left to whoever joins the
    parts if it is ``joined``: see `finish_joined`.
    """

    def __init__(
        self,
        progress: Callable[[int], None] = lambda _: None,
        reader: Reader | None = None,
        *,
        witness: bool = False,
        joined: bool = False,
    ) -> None:
        self.tally = Tally()
        self._is_joined = joined
        self._selection = SegmentSelection()
        self._index_url = ""
        self._contents: _Contents | None = None
        self._reader = reader
        self._witness = witness
        self._progress = progress
        self._links = Links()
        self._done: set[str] = set()
        self._takedowns: TakedownCheck | None = None

    def __enter__(self) -> Verification:
        return self

    def __exit__(self, *_: object) -> None:
        self._links.close()

    def files(self, paths: Iterable[Path]) -> Iterator[Finding]:
        """Verify files by themselves, and those of an archive's folder by its manifest too.

        Of a WACZ its WARC files are verified, and that all are as its description says.
        """
        manifests: dict[Path, Manifest] = {}
        for path in paths:
            if path.name.lower().endswith(package.ENDING):
                yield from self._package(path)
                continue
            if path.parent not in manifests:
                try:
                    manifests[path.parent] = fixity.read(path.parent)
                except OSError:  # the folder is not an archive, or does not concern the file
                    manifests[path.parent] = Manifest({}, ())
            entry = manifests[path.parent].entries.get(path.name)
            check = FileCheck(path, str(path), thorough=entry is None)
            yield from self._read(check, None)
            yield from _compare(check, entry)
        yield from self._links.finish(whole=False)

    def _package(self, path: Path) -> Iterator[Finding]:
        for found in package.checks_of(path):
            if isinstance(found, Finding):
                yield found
            else:
                yield from self._read(found, None)

    def archive(
        self, archive: StoreOrFolder, index_url: str, selection: SegmentSelection
    ) -> Iterator[Finding]:
        """Verify an archive: its segments, its manifest, and that its index matches them."""
        yield from self.begin(archive, index_url, selection)
        yield from self.go_on()

    def begin(
        self, archive: StoreOrFolder, index_url: str, selection: SegmentSelection
    ) -> Iterator[Finding]:
        """Begin to verify an archive: yield what is wrong with its manifest."""
        self._selection, self._index_url = selection, index_url
        self._contents = yield from self._list(store_of(archive), index_url, selection)

    def go_on(self) -> Iterator[Finding]:
        """Verify what the selection holds of the archive that was begun."""
        contents, selection = self._contents, self._selection
        if contents is None:
            return
        yield from self._index(self._index_url, contents)
        for name in contents.chosen:
            if name not in self._done:
                yield from self._segment(name, None, None, contents)
        if self._is_joined:
            return
        yield from self._links.finish(whole=selection.is_all)
        if selection.has_archive and self._takedowns is not None:
            yield from self._takedowns.finish(whole=selection.is_all)

    def _list(
        self, store: Store, index_url: str, selection: SegmentSelection
    ) -> Generator[Finding, None, _Contents | None]:
        """Yield what is wrong with the manifest; return what to verify, None if nothing."""
        manifest, finding = _read_manifest(store)
        segments, opened = store.names()
        abandoned, live = _apart(store, opened)
        self._takedowns = TakedownCheck(store)
        if selection.has_archive:
            if finding is not None:
                yield finding
            for fault in manifest.faults:
                yield Finding(fault.file, fault.offset, "", Rule.MANIFEST, fault.sentence)
        within = selection.range_of(segments)
        if selection.part is not None:
            abandoned = [name for name in abandoned if within is not None and name in within]
        chosen = selection.of(store, segments, manifest)
        self.tally.live = len(live)
        self.tally.passed_over = len(segments) - len(chosen)
        if selection.has_archive:
            yield from _missing(store, segments, manifest)
        if not segments and not abandoned and not live and not _exists(index_url):
            return None
        whole_index = selection.has_whole_index
        return _Contents(
            store=store,
            manifest=manifest,
            chosen=chosen,
            abandoned=abandoned,
            live=live,
            whole=selection.is_all,
            within=within,
            has_tables=selection.has_archive,
            whole_index=whole_index,
        )

    def seen(self) -> Iterator[bytes]:
        """Yield what the verified segments say of others, for `add_seen`; call it at the end."""
        stones = self._takedowns.stones if self._takedowns is not None else set()
        yield packed({"stones": sorted(stones)})
        yield from self._links.rows()

    def add_seen(self, pieces: Iterable[bytes]) -> None:
        """Add what a part has `seen`; the parts come in the order of their segments."""
        for piece in pieces:
            values = unpacked(piece)
            if "stones" not in values:
                self._links.load(values)
            elif self._takedowns is not None:
                self._takedowns.stones.update(values["stones"])

    def finish_joined(self) -> Iterator[Finding]:
        """Yield findings that need the records of all segments, once all parts are added."""
        yield from self._links.finish(whole=True)
        if self._takedowns is not None:
            yield from self._takedowns.finish(whole=True)

    def _index(self, index_url: str, contents: _Contents) -> Iterator[Finding]:
        """Verify the index, and the segments with their rows."""
        try:
            with Index(index_url, read_only=True) as index:
                yield from self._segments(index, contents)
                if contents.has_tables:
                    with index.reading() as connection:
                        yield from self._tables(connection, contents)
        except IndexUnusableError as error:
            yield Finding("index", -1, "", Rule.INDEX, str(error))
        except (ValueError, TypeError) as error:  # a column holds what its type cannot be
            sentence = f"A value in it cannot be read ({error}); the rest of it is not compared."
            yield Finding("index", -1, "", Rule.INDEX, sentence)

    def _segments(self, index: Index, contents: _Contents) -> Iterator[Finding]:
        """Verify the segments, each with the rows that lead into it."""
        names = {*contents.chosen, *contents.abandoned}
        files = contents.within or (None if contents.whole else names)
        with index.reading() as connection, closing(CaptureRows(connection, files)) as rows:
            for name in sorted(names):
                yield from self._rows_elsewhere(rows, name, contents)
                # All at once: what cannot be read must fail before the segment is begun.
                check = RowCheck(name, iter(list(rows.of(name))))
                if name in contents.abandoned:
                    yield from self._abandoned(name, check, contents)
                else:
                    yield from self._segment(name, check, index, contents)
                self.tally.rows += check.count
            yield from self._rows_elsewhere(rows, None, contents)

    def _tables(self, connection: Connection, contents: _Contents) -> Iterator[Finding]:
        """Verify what the index says by itself, of take-downs, and of articles."""
        yield from check_index(connection, whole=contents.whole_index)
        if self._takedowns is not None:
            yield from self._takedowns.rows(connection)
        if contents.whole_index and self._reader is not None:
            yield from ArticleCheck(connection, contents.store, self._reader).run()

    def _segment(
        self, name: str, rows: RowCheck | None, index: Index | None, contents: _Contents
    ) -> Iterator[Finding]:
        """Verify a closed segment; enter it in the manifest if it is sound and not there yet."""
        self._done.add(name)
        store = contents.store
        entry = contents.manifest.entries.get(name)
        thorough = entry is None
        check = FileCheck(store.place(name), name, own=True, thorough=thorough, store=store)
        is_sound = True
        for finding in self._read(check, rows):
            is_sound = is_sound and finding.severity is Severity.NOTE
            yield finding
        if rows is not None and index is not None:
            in_flight = bool(contents.live) and _is_new(store, name)
            yield from without_row(index, name, rows.lacking, in_flight=in_flight)
        yield from _compare(check, entry)
        if entry is None and check.sha256 and is_sound:
            self._record(check, store)

    def _record(self, check: FileCheck, store: Store) -> None:
        """Enter a sound segment in the manifest: an older archive's, or that of a killed writer."""
        now = datetime.now(UTC).replace(microsecond=0)
        entry = ManifestEntry(EntryKind.FOUND, check.name, check.size, check.sha256, now)
        try:
            fixity.append(store, entry)
        except OSError as error:
            self.tally.unrecorded = describe_os_error(store.place(fixity.NAME), error)
        else:
            self.tally.recorded.append(check.name)

    def _abandoned(self, name: str, rows: RowCheck, contents: _Contents) -> Iterator[Finding]:
        """Verify a dead writer's segment: it has the committed records, perhaps a torn tail."""
        store = contents.store
        check = FileCheck(store.place(name), name, own=True, store=store)
        found = list(self._read(check, rows))
        yield from (one for one in found if one.offset < check.end or one.rule is Rule.NO_RECORD)
        sentence = (
            f"Its writer died before closing it; {PROGRAM} recover, or the next crawl or replay,"
            " recovers it."
        )
        yield Finding(open_name(name), -1, "", Rule.LEFT_OPEN, sentence)

    def _read(self, check: FileCheck, rows: RowCheck | None) -> Iterator[Finding]:
        """Read a whole file; yield faults of it, of its links, and of rows that lead to it.

        Where it can't be read on, nothing is said of the rows that lead behind that place.
        """
        before, is_read = 0, True
        for item in check.run():
            if isinstance(item, Finding):
                is_read = is_read and item.rule is not Rule.UNREADABLE
                yield item
                continue
            yield from self._record_findings(check, item, rows)
            if item.offset > before:
                self._progress(item.offset - before)
                before = item.offset
        self._progress(max(check.size - before, 0))
        self.tally.files += 1
        self.tally.bytes += max(check.size, 0)
        if rows is not None and is_read:
            yield from rows.finish()
        if self._witness and check.sha256 and check.within is None:
            from archive.verify.witness import compare_with_warcio  # warcio takes long to import

            yield from compare_with_warcio(check.open, check.name)

    def _record_findings(
        self, check: FileCheck, record: CheckedRecord, rows: RowCheck | None
    ) -> Iterator[Finding]:
        self.tally.records += 1
        self.tally.kinds[record.fields["warc-type"]] += 1
        yield from self._links.add(check.name, record, own=check.own)
        if self._takedowns is not None:
            yield from self._takedowns.see(check.name, record)
        if rows is not None:
            yield from rows.see(record)

    def _rows_elsewhere(
        self, rows: CaptureRows, name: str | None, contents: _Contents
    ) -> Iterator[Finding]:
        """Yield findings about rows that lead into segments that do not exist."""
        for file, group in rows.before(name):
            exists = file in contents.live or _exists_in(contents.store, file)
            for row in group:
                self.tally.rows += 1
                if not exists:
                    sentence = f"Row {row.id} of captures leads into it, but it does not exist."
                    place = row.warc_offset
                    yield Finding(file, place, row.record_id, Rule.MISSING_SEGMENT, sentence)


def _read_manifest(store: Store) -> tuple[Manifest, Finding | None]:
    """Return the manifest, or an empty one and why it cannot be read."""
    try:
        return fixity.read(store), None
    except OSError as error:
        sentence = describe_os_error(store.place(fixity.NAME), error)
        return Manifest({}, ()), Finding(fixity.NAME, -1, "", Rule.UNREADABLE, sentence)


def _compare(check: FileCheck, entry: ManifestEntry | None) -> Iterator[Finding]:
    """Compare a file with its entry in the manifest."""
    if entry is None or not check.sha256:
        return
    then = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
    if entry.kind is EntryKind.REMOVED:
        sentence = f"It was removed on {entry.at:%Y-%m-%d}, but it exists."
        yield Finding(check.name, -1, "", Rule.FIXITY, sentence)
    elif check.size != entry.size:
        sentence = f"It has {check.size} bytes; it had {entry.size} on {then}."
        yield Finding(check.name, -1, "", Rule.FIXITY, sentence)
    elif check.sha256 != entry.sha256:
        sentence = f"Its sha256 is {check.sha256}; it was {entry.sha256} on {then}."
        yield Finding(check.name, -1, "", Rule.FIXITY, sentence)


def _missing(store: Store, closed: Iterable[str], manifest: Manifest) -> Iterator[Finding]:
    """Yield findings about segments that the manifest lists and that do not exist."""
    missing = manifest.entries.keys() - set(closed)
    for name in sorted(missing):
        entry = manifest.entries[name]
        if entry.kind is not EntryKind.REMOVED and not _exists_in(store, name):
            sentence = (
                f"It had {entry.size} bytes on {entry.at:%Y-%m-%d %H:%M:%S} UTC, but is not in the"
                " archive."
            )
            yield Finding(name, -1, "", Rule.MISSING_SEGMENT, sentence)


def _apart(store: Store, opened: Iterable[str]) -> tuple[list[str], set[str]]:
    """Return the open segments that dead writers left, and those that are being written."""
    abandoned: list[str] = []
    live: set[str] = set()
    for name in opened:
        try:
            held = store.is_held(name)
        except FileNotFoundError:  # closed since
            held = True
        if held:
            live.add(name)
        else:
            abandoned.append(name)
    return abandoned, live


def _exists_in(store: Store, file: str) -> bool:
    """Return whether a segment exists, closed or open; a path never does."""
    if Path(file).name != file:
        return False
    try:
        return store.find(file) is not None
    except (OSError, ValueError):  # something else has its name; a name that no file can have
        return False


def _is_new(store: Store, name: str) -> bool:
    try:
        found = store.find(name)
    except OSError:
        return False
    return found is not None and time() - found.changed < _IN_FLIGHT


def _exists(index_url: str) -> bool:
    return index_exists(index_url)
