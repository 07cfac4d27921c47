"""What `replay` is given: files and folders, saved pages, text renderings and WARCs, each made an exchange."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.model.exchange import MAX_DOCUMENT, Exchange, content_urn
from archive.model.outcome import Outcome, Reason, Verdict
from archive.warc import http_message as http
from archive.warc import record_writer as warc
from archive.warc.http_repair import repair_head
from crawler.offline.warc_import import Input, documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WARC_ENDINGS = (".warc", ".warc.gz")
ARC_ENDINGS = (".arc", ".arc.gz")
PACKAGE_ENDING = ".wacz"
#: Packages within a package that are named one by one.
_NESTED = 10
PAGE_ENDINGS = {".txt": "text/plain", ".html": "text/html", ".htm": "text/html"}


def find_files(paths: Iterable[str]) -> Iterator[Path | Input]:
    """The files to read, in the order given and by name within a folder; a path that is none as a failed input."""
    for name in paths:
        path = Path(name)
        try:
            if path.is_dir():
                yield from _in_folder(path)
            elif path.exists():
                yield path
            else:
                yield _failed(
                    name, Reason.MISSING, "there is no such file or folder; check the path"
                )
        except OSError as error:
            yield _failed(name, Reason.UNREADABLE, _why(error))


def read_file(path: Path) -> Iterator[Input]:
    """The documents of one file; whatever is wrong with it is said as failed inputs, never raised."""
    try:
        size = path.stat().st_size
        if size == 0:
            yield _failed(path, Reason.EMPTY_FILE, "the file is empty; save the page again")
        elif path.name.endswith((*WARC_ENDINGS, *ARC_ENDINGS)):
            yield from _web_archive(path)
        elif path.name.endswith(PACKAGE_ENDING):
            yield from _package(path)
        elif path.suffix.lower() not in PAGE_ENDINGS:
            known = ", ".join((*PAGE_ENDINGS, *WARC_ENDINGS, *ARC_ENDINGS, PACKAGE_ENDING))
            yield _failed(path, Reason.UNREADABLE, f"only files ending in {known} can be replayed")
        elif size > MAX_DOCUMENT:
            limit = MAX_DOCUMENT // 2**20
            yield _failed(
                path,
                Reason.TOO_LARGE,
                f"it has {size} bytes, more than {limit} MiB: no article page does",
            )
        else:
            yield _page(path)
    except OSError as error:
        yield _failed(path, Reason.UNREADABLE, _why(error))


def _in_folder(folder: Path) -> Iterator[Path | Input]:
    def refused(error: OSError) -> None:
        failures.append(_failed(error.filename or folder, Reason.UNREADABLE, _why(error)))

    failures: list[Input] = []
    found = False
    for place, folders, names in os.walk(folder, onerror=refused):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith((*WARC_ENDINGS, *ARC_ENDINGS, PACKAGE_ENDING, *PAGE_ENDINGS)):
                found = True
                yield Path(place, name)
    yield from failures
    if not found and not failures:
        yield _failed(
            folder,
            Reason.MISSING,
            "nothing in this folder can be replayed (.txt, .html, .warc, .warc.gz, .arc, .arc.gz, .wacz)",
        )


def _page(path: Path) -> Input:
    data = path.read_bytes()
    media_type = PAGE_ENDINGS[path.suffix.lower()]
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _failed(
            path, Reason.BINARY, "it holds NUL bytes, so it is no page; is the name's ending right?"
        )
    try:
        beside = _beside(path)
        head, body = _parts(data)
        url, moment = str(beside.get("url") or ""), beside.get("captured_at")
        captured_at = datetime.fromisoformat(str(moment)) if moment else datetime.now(UTC)
        if captured_at.tzinfo is None:
            raise ValueError("captured_at has no zone")
        url = _web_address(url) if url else content_urn(body)
        captured_at = captured_at.astimezone(UTC)
    except (ValueError, OverflowError, RecursionError) as error:
        return _failed(
            path,
            Reason.BAD_SIDECAR,
            f"the page, or {path.with_suffix('.json').name} beside it: {error}",
        )
    exchange = Exchange(
        url=url,
        captured_at=captured_at,
        body=body,
        head=head,
        media_type="" if head else media_type,
        time_known=bool(moment),
    )
    return Input(source=_shown(path), exchange=exchange, outlet=str(beside.get("outlet") or ""))


def _web_address(url: str) -> str:
    """The stated address as it can be filed; ``ValueError`` for one that is none of the web's."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url[:200]!r}, not an http or https address")
    return warc.safe_url(url)


def _beside(path: Path) -> dict[str, Any]:
    """What the file beside a page states (NAME.json): url, captured_at, outlet."""
    sidecar = path.with_suffix(".json")
    if not sidecar.exists():
        return {}
    stated = json.loads(sidecar.read_bytes())
    if not isinstance(stated, dict):
        raise ValueError("it must hold an object with url, captured_at or outlet")
    return stated


def _parts(data: bytes) -> tuple[bytes, bytes]:
    """The head and body of a page saved with its head (as by ``curl -i``), the head made true of the body."""
    if not data.startswith(b"HTTP/"):
        return b"", data
    head, body = http.split_message(data)
    http.parse_head(head)
    return repair_head(head, body), body


def _web_archive(path: Path) -> Iterator[Input]:
    """Yield the documents of a WARC or ARC file."""
    from archive.warc.warcio_reader import (  # warcio takes a while to import, and pages need none
        iterate_arc_file,
        iterate_with_fallback,
    )

    iterate = iterate_arc_file if path.name.endswith(ARC_ENDINGS) else iterate_with_fallback
    with path.open("rb", buffering=0) as file:
        records = iterate(file, MAX_DOCUMENT)
        yield from documents(records, _shown(path), f"imported from {_shown(path.name)}")


def _package(path: Path) -> Iterator[Input]:
    """The documents of the WARCs in a WACZ."""
    from archive.warc.wacz_reader import (  # zipfile takes a while to import, and few need it
        PackageError,
        open_wacz,
    )
    from archive.warc.warcio_reader import iterate_with_fallback

    try:
        with open_wacz(path) as package:
            origin = f"imported from {_shown(path.name)}"
            about = "; ".join(
                f"{name}: {' '.join(value.split())[:200]}"
                for name, value in package.about().items()
            )
            origin = f"{origin} ({about})" if about else origin
            for name in package.nested()[:_NESTED]:
                yield _failed(
                    f"{_shown(path)}!{name}",
                    Reason.BAD_PACKAGE,
                    "it is a package in a package; unpack it",
                )
            empty = True
            for name, warc_file in package.warcs():
                source, empty = f"{_shown(path)}!{name}", False
                if isinstance(warc_file, PackageError):
                    yield _failed(source, Reason.BAD_PACKAGE, str(warc_file))
                else:
                    yield from documents(
                        iterate_with_fallback(warc_file, MAX_DOCUMENT), source, f"{origin}: {name}"
                    )
            if empty:
                yield _failed(path, Reason.BAD_PACKAGE, "there is no WARC file in it")
    except PackageError as error:
        yield _failed(path, Reason.BAD_PACKAGE, str(error))


def _failed(source: Path | str, reason: Reason, detail: str) -> Input:
    return Input(source=_shown(source), verdict=Verdict(Outcome.FAILED, reason, detail))


def _shown(path: Path | str) -> str:
    """A path as text that can be written anywhere: names are bytes, and not all of them are UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _why(error: OSError) -> str:
    return f"it can't be read ({error.strerror or error}); check its permissions"
