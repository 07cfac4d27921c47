"""Writing of WACZ 1.1.1: WARC records with an index and a list of pages in one zip file.

The WARCs in it have the names of the segments and hold the same gzip members byte for byte, each
checked on the way. The export of a part holds, in each file, the `warcinfo` records that its
records refer to.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from archive.segments.lookup import (
    RecordReader,
    location_in,
    parse_record,
    read_bytes,
    records_in,
)
from archive.segments.store import store_of
from archive.warc.reader import Record
from archive.warc.wacz.cdxj import packed, packed_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import IO

    from archive.export.selection import CaptureSelection
    from archive.model.exchange import Location
    from archive.segments.store import StoreOrFolder

VERSION = "1.1.1"
_CDX = "index.cdx.gz"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class WaczPage:
    """One line of the list of pages: a URL at a time (UTC), and the headline it showed."""

    url: str
    captured_at: datetime
    title: str
    id: str


@dataclass(frozen=True, slots=True)
class PackageInfo:
    """The description of a package. Of equal content and description, packages are equal bytes."""

    title: str
    software: str
    created: datetime


def write_wacz(
    file: IO[bytes],
    selection: CaptureSelection,
    pages: Iterable[WaczPage],
    archive: StoreOrFolder,
    about: PackageInfo,
    scratch: Path,
    step: Callable[[], None] = lambda: None,
) -> int:
    """Write the package; return the number of pages. ``step`` is called after each capture.

    Temporary files are made in the folder ``scratch``.

    :raises RecordError: a record is damaged or not where the index says.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as zipped:
        package = _Package(zipped, about.created)
        number = 0
        for name, captures in groupby(selection.captures(), lambda chosen: chosen.location.file):
            with (
                _Segment(archive, name) as segment,
                package.member(f"archive/{name}", most=segment.size) as out,
            ):
                for chosen in captures:
                    for data in segment.before(chosen.location):
                        out.write(data)
                    selection.add_line(chosen, out.size)
                    for data in segment.record(chosen.location):
                        out.write(data)
                    number += 1
                    step()
        _write_index(package, selection.lines(), scratch)
        number_of_pages, last = _write_pages(package, pages, scratch)
        description = f"{number} captures, {number_of_pages} pages"
        _write_manifest(package, about, description, last)
    return number_of_pages


def _write_index(package: _Package, lines: Iterable[str], scratch: Path) -> None:
    """Write the CDXJ, and the second index, which tells where each part of it lies."""
    second = [packed_head(_CDX)]
    with tempfile.TemporaryFile(dir=scratch) as file:
        for data, place in packed(lines, _CDX):
            file.write(data)
            second.append(place)
        _add_file(package, f"indexes/{_CDX}", file)
    data = "".join(second).encode("ascii")
    with package.member("indexes/index.idx", most=len(data)) as out:
        out.write(data)


def _add_file(package: _Package, name: str, file: IO[bytes], how: int = zipfile.ZIP_STORED) -> None:
    """Add all that was written to a temporary file."""
    most = file.tell()
    file.seek(0)
    with package.member(name, how, most=most) as out:
        shutil.copyfileobj(file, out)


def _write_pages(
    package: _Package, pages: Iterable[WaczPage], scratch: Path
) -> tuple[int, WaczPage | None]:
    """Write the list of pages; return their number and the newest."""
    number, newest = 0, None
    with tempfile.TemporaryFile(dir=scratch) as out:
        out.write(_line({"format": "json-pages-1.0", "id": "pages", "title": "기사"}))
        for page in pages:
            line = {"id": page.id, "url": page.url, "ts": _time(page.captured_at)}
            out.write(_line(line | {"title": page.title}))
            number += 1
            if newest is None or page.captured_at >= newest.captured_at:
                newest = page
        _add_file(package, "pages/pages.jsonl", out, zipfile.ZIP_DEFLATED)
    return number, newest


def _write_manifest(
    package: _Package,
    about: PackageInfo,
    description: str,
    main: WaczPage | None,
) -> None:
    manifest: dict[str, Any] = {
        "profile": "data-package",
        "wacz_version": VERSION,
        "title": about.title,
        "description": description,
        "created": _time(about.created),
        "modified": _time(about.created),
        "software": about.software,
        "resources": package.resources,
    }
    if main is not None:
        manifest |= {"mainPageUrl": main.url, "mainPageDate": _time(main.captured_at)}
    data = json.dumps(manifest, ensure_ascii=False, indent=2).encode()
    digest = {"path": "datapackage.json", "hash": "sha256:" + hashlib.sha256(data).hexdigest()}
    for name, content in (
        ("datapackage.json", data),
        ("datapackage-digest.json", json.dumps(digest).encode()),
    ):
        with package.member(name, zipfile.ZIP_DEFLATED, most=len(content)) as out:
            out.write(content)


class _Package:
    """The zip file, and the resources that are in it so far. All its files are of one moment."""

    def __init__(self, zipped: zipfile.ZipFile, created: datetime) -> None:
        self._zipped = zipped
        # A zip knows no earlier one.
        self._moment = max(created, datetime(1980, 1, 1, tzinfo=UTC)).astimezone(UTC)
        self.resources: list[dict[str, Any]] = []

    def member(self, name: str, how: int = zipfile.ZIP_STORED, *, most: int) -> _Member:
        """Begin a file; at its end it is one of the resources.

        ``most`` is the most bytes that it can have. Only a size that a zip's 32 bits cannot hold
        gets a ZIP64 field before the data: at the end, zipfile gives it to no other size, and
        players take the length of the one header for that of the other.
        """
        entry = zipfile.ZipInfo(name, self._moment.timetuple()[:6])
        entry.compress_type = how
        entry.external_attr = 0o644 << 16
        out = self._zipped.open(entry, "w", force_zip64=most > zipfile.ZIP64_LIMIT)
        return _Member(name, out, self.resources)


class _Member:
    """A file of the package while it is written; at its end it is added to the resources."""

    def __init__(self, name: str, out: IO[bytes], resources: list[dict[str, Any]]) -> None:
        self._name, self._out, self._resources = name, out, resources
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._out.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def __enter__(self) -> _Member:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.close()
        path = Path(self._name)
        self._resources.append(
            {
                # Frictionless allows no capitals and no plus in a name; segments can have both
                "name": _NOT_IN_NAMES.sub("-", path.name.lower()),
                "path": self._name,
                "hash": "sha256:" + self._hash.hexdigest(),
                "bytes": self.size,
            }
        )


class _Segment:
    """A segment, read for the records that are exported from it."""

    def __init__(self, archive: StoreOrFolder, name: str) -> None:
        self._store, self._name = store_of(archive), name
        self._reader = RecordReader(self._store)
        self._written: set[str] = set()
        self._infos: dict[str, Location] = {}
        self._records: Iterator[Record] | None = None
        self._found: Record | None = None
        self._data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    @property
    def size(self) -> int:
        """The segment's bytes, of which each is exported once at most; 0 if it is not there."""
        found = self._store.find(self._name)
        return 0 if found is None else found.size  # reading its first record says so

    def before(self, location: Location) -> Iterator[bytes]:
        """Yield the `warcinfo` that a record refers to, unless it was yielded before."""
        self._data = self._reader.read_bytes(location)
        self._found = parse_record(self._data, location)
        info = self._found.fields["warc-warcinfo-id"]
        if info and info not in self._written:
            place = self._info(info, location.offset)
            if place is not None:
                self._written.add(info)
                yield read_bytes(self._store, place)

    def record(self, location: Location) -> Iterator[bytes]:
        """Yield the record of `before`, and the request that it answers."""
        yield self._data
        following = self._reader.request_after(location)
        if following is not None:
            request, data = following
            if location.record_id in request.fields["warc-concurrent-to"]:
                yield data

    def _info(self, record_id: str, before: int) -> Location | None:
        """Return where a `warcinfo` before an offset lies: most often it is the first record."""
        if self._records is None:
            self._records = self._read_records()
        while record_id not in self._infos:
            found = next(self._records, None)
            if found is not None and found.kind == "warcinfo":
                self._infos[found.record_id] = location_in(self._name, found)
            if found is None or found.offset >= before:
                break
        return self._infos.get(record_id)

    def _read_records(self) -> Iterator[Record]:
        found = records_in(self._store, self._name)
        return (one for one in found if isinstance(one, Record))


def _line(values: dict[str, str]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
