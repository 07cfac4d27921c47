"""A whole verification: files by themselves, or an archive with its manifest and its index."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from archive.index.database import Index, IndexUnusableError
from archive.model.errors import describe_os_error
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.file_locks import is_held
from archive.segments.manifest import EntryKind, Manifest, ManifestEntry
from archive.segments.names import closed_segments, final_name, open_name, open_segments
from archive.verify.articles import ArticleCheck
from archive.verify.captures import CaptureRows, RowCheck, without_row
from archive.verify.index import check_index
from archive.verify.links import Links
from archive.verify.takedowns import TakedownCheck
from archive.verify.warc_file.file import FileCheck
from archive.verify.warc_file.findings import Finding, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archive.verify.articles import Reader
    from archive.verify.selection import SegmentSelection

#: Seconds after its close in which a segment's last records may still be on their way into the
#: index.
_IN_FLIGHT = 60.0


@dataclass(slots=True)
class Tally:
    """What was verified.

    ``recorded``: segments entered in the manifest now; ``unrecorded``: why others could not be.
    ``live``: segments that a live process writes; ``passed_over``: those not chosen.
    """

    files: int = 0
    bytes: int = 0
    records: int = 0
    rows: int = 0
    live: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    recorded: list[str] = field(default_factory=list)
    unrecorded: str = ""
    passed_over: int = 0


class Verification:
    """Verifies, and yields findings as they come; ``tally`` says how much.

    ``progress`` is called with bytes read. With a ``reader`` the captures of a whole archive are
    read again, and the index is held to what they say.
    """

    def __init__(
        self, progress: Callable[[int], None] = lambda _: None, reader: Reader | None = None
    ) -> None:
        self.tally = Tally()
        self._reader = reader
        self._progress = progress
        self._links = Links()
        self._done: set[str] = set()
        self._removed: TakedownCheck | None = None

    def __enter__(self) -> Verification:
        return self

    def __exit__(self, *_: object) -> None:
        self._links.close()

    def files(self, paths: Iterable[Path]) -> Iterator[Finding]:
        """Verify files by themselves, and those of an archive's folder by its manifest too."""
        manifests: dict[Path, Manifest] = {}
        for path in paths:
            if path.parent not in manifests:
                try:
                    manifests[path.parent] = fixity.read(path.parent)
                except OSError:  # another's folder, and no business of the file's
                    manifests[path.parent] = Manifest({}, ())
            entry = manifests[path.parent].entries.get(path.name)
            check = FileCheck(path, str(path), thorough=entry is None)
            yield from self._read(check, None)
            yield from _compare(check, str(path), entry)
        yield from self._links.finish(whole=False)

    def archive(self, folder: Path, index_url: str, choice: SegmentSelection) -> Iterator[Finding]:
        """Verify an archive: its segments, its manifest, and that its index says what they hold."""
        try:
            manifest = fixity.read(folder)
        except OSError as error:
            yield Finding(
                fixity.NAME, -1, "", Rule.UNREADABLE, describe_os_error(folder / fixity.NAME, error)
            )
            manifest = Manifest({}, ())
        self._removed = TakedownCheck(folder)
        for offset, sentence in manifest.faults:
            yield Finding(fixity.NAME, offset, "", Rule.MANIFEST, sentence)
        segments = closed_segments(folder)
        left, live = _open_segments(folder)
        chosen = choice.of(segments, manifest)
        self.tally.live = len(live)
        self.tally.passed_over = len(segments) - len(chosen)
        yield from _gone(folder, manifest)
        if not segments and not left and not live and not _exists(index_url):
            return
        try:
            with Index(index_url, read_only=True) as index:
                yield from self._with_index(
                    folder, index, chosen, left, live, manifest, whole=choice.is_all
                )
        except IndexUnusableError as error:
            yield Finding("index", -1, "", Rule.INDEX, str(error))
        except (
            ValueError,
            TypeError,
        ) as error:  # what a column holds is none of its values, or no text
            sentence = f"A value in it cannot be read ({error}); what else it says is not compared."
            yield Finding("index", -1, "", Rule.INDEX, sentence)
        for path in chosen:
            if path.name not in self._done:
                yield from self._segment(path, None, None, manifest)
        yield from self._links.finish(whole=choice.is_all)
        yield from self._removed.finish(whole=choice.is_all)

    def _with_index(
        self,
        folder: Path,
        index: Index,
        chosen: list[Path],
        left: list[Path],
        live: set[str],
        manifest: Manifest,
        *,
        whole: bool,
    ) -> Iterator[Finding]:
        paths = {final_name(path.name): path for path in (*chosen, *left)}
        with index.reading() as connection:
            rows = CaptureRows(connection, None if whole else {*paths})
            for name, path in sorted(paths.items()):
                yield from self._elsewhere(folder, rows, name, live)
                # All at once: what cannot be read must fail before the segment is begun.
                check = RowCheck(name, iter(list(rows.of(name))))
                if path in left:
                    yield from self._left_open(path, check)
                else:
                    yield from self._segment(
                        path, check, index, manifest, in_flight=bool(live) and _is_new(path)
                    )
                self.tally.rows += check.count
            yield from self._elsewhere(folder, rows, None, live)
        with index.reading() as connection:
            yield from check_index(connection, whole=whole)
            if self._removed is not None:
                yield from self._removed.rows(connection)
            if whole and self._reader is not None:
                yield from ArticleCheck(connection, folder, self._reader).run()

    def _segment(
        self,
        path: Path,
        rows: RowCheck | None,
        index: Index | None,
        manifest: Manifest,
        *,
        in_flight: bool = False,
    ) -> Iterator[Finding]:
        self._done.add(path.name)
        entry = manifest.entries.get(path.name)
        check = FileCheck(path, path.name, own=True, thorough=entry is None)
        sound = True
        for finding in self._read(check, rows):
            sound = sound and finding.severity is Severity.NOTE
            yield finding
        if rows is not None and index is not None:
            yield from without_row(index, path.name, rows.lacking, in_flight=in_flight)
        yield from _compare(check, path.name, entry)
        if entry is None and check.sha256 and sound:
            self._record(path, check)

    def _record(self, path: Path, check: FileCheck) -> None:
        """Enter a sound segment that has no entry yet: an older archive's, or one whose writer was killed."""
        now = datetime.now(UTC).replace(microsecond=0)
        try:
            fixity.append(
                path.parent,
                ManifestEntry(EntryKind.FOUND, path.name, check.size, check.sha256, now),
            )
        except OSError as error:
            self.tally.unrecorded = describe_os_error(path.parent / fixity.NAME, error)
        else:
            self.tally.recorded.append(path.name)

    def _left_open(self, path: Path, rows: RowCheck) -> Iterator[Finding]:
        """A dead writer's segment: what was committed of it must be there; its torn tail is no damage."""
        name = final_name(path.name)
        check = FileCheck(path, name, own=True)
        found = list(self._read(check, rows))
        yield from (one for one in found if one.offset < check.end or one.rule is Rule.NO_RECORD)
        sentence = f"Its writer died before it was closed; {PROGRAM} recover, or the next crawl or replay, recovers it."
        yield Finding(path.name, -1, "", Rule.LEFT_OPEN, sentence)

    def _read(self, check: FileCheck, rows: RowCheck | None) -> Iterator[Finding]:
        """Read a file to its end: what is wrong with it, its records' links, and the rows that lead into it."""
        before = 0
        for item in check.run():
            if isinstance(item, Finding):
                yield item
                continue
            self.tally.records += 1
            self.tally.kinds[item.fields["warc-type"]] += 1
            yield from self._links.add(check.name, item, own=check.own)
            if self._removed is not None:
                yield from self._removed.see(check.name, item)
            if rows is not None:
                yield from rows.see(item)
            if item.offset > before:
                self._progress(item.offset - before)
                before = item.offset
        self._progress(max(check.size - before, 0))
        self.tally.files += 1
        self.tally.bytes += max(check.size, 0)
        if rows is not None:
            yield from rows.finish()

    def _elsewhere(
        self, folder: Path, rows: CaptureRows, name: str | None, live: set[str]
    ) -> Iterator[Finding]:
        """Findings about rows that lead into segments that are not there."""
        for file, group in rows.before(name):
            there = file in live or (Path(file).name == file and _is_there(folder, file))
            for row in group:
                self.tally.rows += 1
                if not there:
                    sentence = (
                        f"Row {row.id} of captures leads into it, and it is not in the archive."
                    )
                    yield Finding(
                        file, row.warc_offset, row.record_id, Rule.MISSING_SEGMENT, sentence
                    )


def _compare(check: FileCheck, name: str, entry: ManifestEntry | None) -> Iterator[Finding]:
    if entry is None or not check.sha256:
        return
    if entry.kind is EntryKind.REMOVED:
        yield Finding(
            name, -1, "", Rule.FIXITY, f"It was removed on {entry.at:%Y-%m-%d}, and is there."
        )
    elif check.size != entry.size:
        sentence = (
            f"It has {check.size} bytes; it had {entry.size} on {entry.at:%Y-%m-%d %H:%M:%S} UTC."
        )
        yield Finding(name, -1, "", Rule.FIXITY, sentence)
    elif check.sha256 != entry.sha256:
        sentence = f"Its sha256 is {check.sha256}; it was {entry.sha256} on {entry.at:%Y-%m-%d %H:%M:%S} UTC."
        yield Finding(name, -1, "", Rule.FIXITY, sentence)


def _gone(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    for name, entry in sorted(manifest.entries.items()):
        if entry.kind is not EntryKind.REMOVED and not (folder / name).exists():
            sentence = f"It had {entry.size} bytes on {entry.at:%Y-%m-%d %H:%M:%S} UTC, and is not in the archive."
            yield Finding(name, -1, "", Rule.MISSING_SEGMENT, sentence)


def _open_segments(folder: Path) -> tuple[list[Path], set[str]]:
    """Those that dead writers left, and the final names of those that live ones write."""
    left: list[Path] = []
    live: set[str] = set()
    for path in open_segments(folder):
        try:
            held = is_held(path)
        except FileNotFoundError:  # closed since
            held = True
        if held:
            live.add(final_name(path.name))
        else:
            left.append(path)
    return left, live


def _is_there(folder: Path, file: str) -> bool:
    return (folder / file).is_file() or (folder / open_name(file)).is_file()


def _is_new(path: Path) -> bool:
    try:
        return time() - path.stat().st_mtime < _IN_FLIGHT
    except OSError:
        return False


def _exists(index_url: str) -> bool:
    name = index_url.removeprefix("sqlite:///")
    return name == index_url or Path(name).exists()
