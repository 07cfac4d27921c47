"""Read the inputs of `replay`: saved pages, text renderings, WARC, ARC and WACZ files."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.http import message as http
from archive.http.repair import repair_head
from archive.model.exchange import MAX_DOCUMENT, Exchange, content_urn
from archive.model.files import NOT_REGULAR, check_regular, is_odd, open_regular, read_regular
from archive.model.outcome import Outcome, Reason, Verdict, internal_error
from archive.model.program import PROGRAM
from archive.model.times import is_capture_time
from archive.warc import record_writer as warc
from crawler.extraction.charset import charset_label
from crawler.offline.warc_import import Input, documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.warc.wacz.reader import WaczFile
    from crawler.offline.record_tally import RecordTally

#: Common Crawl's texts (WET) and metadata (WAT) are WARC files as well.
WARC_ENDINGS = (".warc", ".warc.gz", ".warc.wet.gz", ".warc.wat.gz", ".warc.wet", ".warc.wat")
ARC_ENDINGS = (".arc", ".arc.gz")
ZSTD_ENDING = ".warc.zst"
PACKAGE_ENDING = ".wacz"
PAGE_ENDINGS = {".txt": "text/plain", ".html": "text/html", ".htm": "text/html"}
_ENDINGS = (*PAGE_ENDINGS, *WARC_ENDINGS, ZSTD_ENDING, *ARC_ENDINGS, PACKAGE_ENDING)
#: Segments of an archive that a process has not closed: it writes them, or it died.
_OPEN_ENDINGS = (".warc.gz.open", ".warc.open")
#: Packages within a package that are reported one by one.
_MAX_NESTED = 10
#: Bytes of a sidecar.
_LONGEST_SIDECAR = 2**20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def find_files(paths: Iterable[str]) -> Iterator[Path | Input]:
    """Yield the files to read, in the order given and sorted by name within a folder.

    A path that cannot be read is yielded as a failed input.
    """
    for name in paths:
        path = Path(name)
        try:
            if path.is_dir():
                yield from _in_folder(path)
            elif path.exists():
                yield path
            else:
                detail = "there is no such file or folder; check the path"
                yield _failed(name, Reason.MISSING, detail)
        except OSError as error:
            yield _failed(name, Reason.UNREADABLE, _describe(error))


def read_file(path: Path, tally: RecordTally | None = None) -> Iterator[Input]:
    """Yield the documents of one file; what is wrong with it becomes failed inputs.

    What becomes of a web archive's records is added to ``tally``.
    """
    try:
        status = path.stat()
        check_regular(status, path)
        if status.st_size == 0:
            yield _failed(path, Reason.EMPTY_FILE, "the file is empty; save the page again")
        elif path.name.lower().endswith((*WARC_ENDINGS, *ARC_ENDINGS)):
            yield from _web_archive(path, tally)
        elif path.name.lower().endswith(ZSTD_ENDING):
            yield from _zstd_archive(path, tally)
        elif path.name.lower().endswith(PACKAGE_ENDING):
            yield from _package(path, tally)
        elif path.name.lower().endswith(_OPEN_ENDINGS):
            detail = (
                f"its writer has not closed it; if none runs, {PROGRAM} recover of its archive does"
            )
            yield _failed(path, Reason.UNREADABLE, detail)
        elif path.suffix.lower() in PAGE_ENDINGS:
            yield _page(path)
        else:
            detail = f"only files ending in {', '.join(_ENDINGS)} can be replayed"
            yield _failed(path, Reason.UNREADABLE, detail)
    except OSError as error:
        yield _failed(path, Reason.UNREADABLE, _describe(error))
    except Exception as error:  # noqa: BLE001  (a bug at one file: reported, the run fails)
        yield Input(source=_shown(path), verdict=internal_error(error))


def _in_folder(folder: Path) -> Iterator[Path | Input]:
    """Yield the files under a folder whose ending is known, and folders that cannot be read."""
    failures: list[Input] = []

    def add_failure(error: OSError) -> None:
        failed = _failed(error.filename or folder, Reason.UNREADABLE, _describe(error))
        failures.append(failed)

    found = False
    for place, folders, names in os.walk(folder, onerror=add_failure):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith((*_ENDINGS, *_OPEN_ENDINGS)):
                found = True
                path = Path(place, name)
                yield _refused(path) or path
    yield from failures
    if not found and not failures:
        detail = f"nothing in this folder can be replayed ({', '.join(_ENDINGS)})"
        yield _failed(folder, Reason.MISSING, detail)


def _refused(path: Path) -> Input | None:
    """Return a failed input if what was found in a folder is no regular file there."""
    try:
        check_regular(path.lstat(), path)
    except OSError as error:
        return _failed(path, Reason.UNREADABLE, _describe(error))
    return None


def _page(path: Path) -> Input:
    """Return a saved page, with what its sidecar states."""
    with open_regular(path, follow=True) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_DOCUMENT:
            limit = MAX_DOCUMENT // 2**20
            detail = f"it has {size} bytes; an article's page never has more than {limit} MiB"
            return _failed(path, Reason.TOO_LARGE, detail)
        data = file.read()
    if b"\0" in data and not data.startswith(_UTF16_MARKS):
        detail = "it holds NUL bytes, so it is not a page; is the ending of its name right?"
        return _failed(path, Reason.BINARY, detail)
    try:
        return _read_page(path, data)
    except (ValueError, OverflowError, RecursionError) as error:
        detail = f"the page, or {path.with_suffix('.json').name} next to it: {error}"
        return _failed(path, Reason.BAD_SIDECAR, detail)


def _read_page(path: Path, data: bytes) -> Input:
    """Return the page with that content.

    :raises ValueError: its HTTP header or its sidecar is invalid. `OverflowError` and
        `RecursionError` mean the same of a sidecar.
    """
    stated = _read_sidecar(path)
    head, body = _split_page(data)
    now = datetime.now(UTC)
    written = str(stated.get("captured_at") or "")
    moment = _capture_time(written, now) if written else None
    url = str(stated.get("url") or "")
    exchange = Exchange(
        url=_web_address(url) if url else content_urn(body),
        captured_at=moment or now,
        body=body,
        head=head,
        media_type="" if head else _media_type(path, body),
        time_known=moment is not None,
        stated_time="" if moment else written,
    )
    return Input(source=_shown(path), exchange=exchange, outlet=str(stated.get("outlet") or ""))


def _media_type(path: Path, body: bytes) -> str:
    """Return a saved page's media type, with its charset.

    A player puts so much before a page's own <meta> that a browser does not find it there.
    """
    return f"{PAGE_ENDINGS[path.suffix.lower()]}; charset={charset_label(body)}"


def _capture_time(text: str, now: datetime) -> datetime | None:
    """Return a time in UTC, None if nothing can have been captured then.

    :raises ValueError: it is not ISO 8601, or has no time zone.
    """
    captured_at = datetime.fromisoformat(text)
    if captured_at.tzinfo is None:
        raise ValueError("captured_at has no zone")
    return captured_at.astimezone(UTC) if is_capture_time(captured_at, now) else None


def _web_address(url: str) -> str:
    """Return the stated address in the form that a record can hold.

    :raises ValueError: it is not an http or https address.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url[:200]!r}, not an http or https address")
    return warc.safe_url(url)


def _read_sidecar(path: Path) -> dict[str, Any]:
    """Return what the file next to a page states (NAME.json): url, captured_at, outlet.

    :raises ValueError: it is not a JSON object, or no regular file of at most 1 MiB.
    """
    try:
        stated = json.loads(read_regular(path.with_suffix(".json"), _LONGEST_SIDECAR))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ValueError(_describe(error)) from error
    if not isinstance(stated, dict):
        raise ValueError("it must hold an object with url, captured_at or outlet")
    return stated


def _split_page(data: bytes) -> tuple[bytes, bytes]:
    """Return head and body of a page saved with its head (as by ``curl -i``).

    The head is repaired so that it fits the body. Of a page saved without a head it is empty.
    """
    if not data.startswith(b"HTTP/"):
        return b"", data
    head, body = http.split_message(data)
    http.parse_head(head)
    return repair_head(head, body), body


def _web_archive(path: Path, tally: RecordTally | None) -> Iterator[Input]:
    """Yield the documents of a WARC or ARC file."""
    from archive.warc.warcio_reader import (  # warcio takes a while to import, and pages need none
        iterate_arc_file,
        iterate_with_fallback,
    )

    iterate = iterate_arc_file if path.name.lower().endswith(ARC_ENDINGS) else iterate_with_fallback
    with open_regular(path, follow=True) as file:
        records = iterate(file, MAX_DOCUMENT)
        origin = f"imported from {_shown(path.name)}"
        yield from documents(records, _shown(path), origin, tally)


def _zstd_archive(path: Path, tally: RecordTally | None) -> Iterator[Input]:
    """Yield the documents of a WARC file that is packed with Zstandard."""
    from archive.warc.compression.zstd_file import ZstdFileError, unpack
    from archive.warc.warcio_reader import iterate_with_fallback

    damage = ""
    with tempfile.TemporaryFile() as file:
        try:
            with open_regular(path, follow=True) as packed:
                unpack(packed, file)
        except ZstdFileError as error:  # what precedes the damage is read
            damage = str(error)
        if file.tell():
            file.seek(0)
            records = iterate_with_fallback(file, MAX_DOCUMENT)
            origin = f"imported from {_shown(path.name)}"
            yield from documents(records, _shown(path), origin, tally)
    if damage:
        yield _failed(path, Reason.BAD_PACKAGE, damage)


def _package(path: Path, tally: RecordTally | None) -> Iterator[Input]:
    """Yield the documents of the WARC files in a WACZ."""
    from archive.warc.wacz.reader import (  # zipfile takes a while to import, and few need it
        PackageError,
        open_wacz,
    )

    try:
        with open_wacz(path) as package:
            for name in package.nested()[:_MAX_NESTED]:
                detail = "it is a package in a package; unpack it"
                yield _failed(f"{_shown(path)}!{name}", Reason.BAD_PACKAGE, detail)
            yield from _packed_archives(path, package, tally)
    except PackageError as error:
        yield _failed(path, Reason.BAD_PACKAGE, str(error))


def _packed_archives(path: Path, package: WaczFile, tally: RecordTally | None) -> Iterator[Input]:
    """Yield the documents of the WARC files in an open WACZ; a failed input if it has none."""
    from archive.warc.wacz.reader import PackageError
    from archive.warc.warcio_reader import iterate_with_fallback

    origin = f"imported from {_shown(path.name)}"
    stated = [f"{name}: {_one_line(value)}" for name, value in package.about().items()]
    if stated:
        origin = f"{origin} ({'; '.join(stated)})"
    empty = True
    for name, warc_file in package.warcs():
        empty = False
        source = f"{_shown(path)}!{name}"
        if isinstance(warc_file, PackageError):
            yield _failed(source, Reason.BAD_PACKAGE, str(warc_file))
        else:
            records = iterate_with_fallback(warc_file, MAX_DOCUMENT)
            yield from documents(records, source, f"{origin}: {name}", tally)
    if empty:
        yield _failed(path, Reason.BAD_PACKAGE, "there is no WARC file in it")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


def _failed(source: Path | str, reason: Reason, detail: str) -> Input:
    return Input(source=_shown(source), verdict=Verdict(Outcome.FAILED, reason, detail))


def _shown(path: Path | str) -> str:
    """Return a path as valid text; bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def _describe(error: OSError) -> str:
    if is_odd(error):
        return f"{NOT_REGULAR}, but a link, a pipe, a device or the like"
    if error.errno == errno.EFBIG:
        return str(error.strerror)
    return f"it cannot be read ({error.strerror or error}); check its permissions"
