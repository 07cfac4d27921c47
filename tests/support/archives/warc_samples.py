"""Exchanges, pinned clocks and ids, and what other WARC libraries read, for the tests of the archive."""

from __future__ import annotations

import functools
import gzip
import itertools
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from archive.model.exchange import Exchange
from archive.segments.writer import SegmentWriter
from archive.warc.reader import Damage, Record, iterate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOMENT = datetime(2023, 9, 1, 3, 4, 5, tzinfo=UTC)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=euc-kr\r\nServer: \xb0\xa1\r\n\r\n"
REQUEST = b"GET /news/view/1 HTTP/1.1\r\nHost: www.etoday.co.kr\r\n\r\n"


def exchange(**parts: Any) -> Exchange:
    facts: dict[str, Any] = {
        "url": "https://www.etoday.co.kr/news/view/1",
        "captured_at": MOMENT,
        "body": b"<html>\xb0\xa1</html>",
        "head": HEAD,
        "request": REQUEST,
        "ip_address": "203.0.113.7",
    }
    return Exchange(**(facts | parts))


def resource(body: bytes = b"saved page", **parts: Any) -> Exchange:
    return exchange(
        **(
            {
                "body": body,
                "head": b"",
                "request": b"",
                "ip_address": "",
                "media_type": "text/plain",
            }
            | parts
        )
    )


def ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012d}"


def writer(folder: Path, **options: Any) -> SegmentWriter:
    facts: dict[str, Any] = {"clock": lambda: MOMENT, "new_id": ids(), "host": "test"}
    return SegmentWriter(folder, **(facts | options))


def by_warcio(path: Path) -> list[tuple[str, dict[str, str], bytes, bytes]]:
    """Type, WARC fields, payload as stored (no decoding), and what warcio takes for the head's status line."""
    read = []
    with path.open("rb") as file:
        for record in WarcioIterator(file):
            status = record.http_headers.statusline if record.http_headers else ""
            read.append(
                (
                    record.rec_type,
                    dict(record.rec_headers.headers),
                    record.raw_stream.read(),
                    status.encode(),
                )
            )
    return read


def by_fastwarc(path: Path) -> list[tuple[str, dict[str, str], bytes]]:
    """Type, WARC fields and block, its digest found right by FastWARC."""
    read = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=False):
            # before read(): it is taken of what is left of the block
            assert record.verify_block_digest()
            fields = dict(record.headers.to_dict())
            read.append((fields["WARC-Type"], fields, record.reader.read()))
    return read


def check(path: Path) -> subprocess.CompletedProcess[str]:
    """``warcio check``."""
    command = [str(Path(sys.executable).with_name("warcio")), "check", "-v", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def gzip_is_whole(path: Path) -> bool:
    gzip = shutil.which("gzip")
    assert gzip is not None
    return subprocess.run([gzip, "-t", str(path)], check=False).returncode == 0


def the_segment(folder: Path) -> Path:
    (path,) = folder.glob("*.warc.gz*")
    return path


KINDS = ["warcinfo", "response", "request", "resource", "response", "request"]


def read(path: Path, data: bytes, limit: int = 2**20) -> list[Record | Damage]:
    path.write_bytes(data)
    return list(iterate(path, limit))


def kinds(items: Iterable[Record | Damage]) -> list[str]:
    """Kinds of records and, in capitals, reasons of damage."""
    return [item.kind if isinstance(item, Record) else item.reason.name for item in items]


def plain(data: bytes) -> bytes:
    return gzip.decompress(data)


def record(
    block: bytes = HEAD + b"body", version: str = "WARC/1.0", drop: str = "", **fields: str
) -> bytes:
    facts = {
        "WARC-Type": "response",
        "WARC-Record-ID": "<urn:uuid:1>",
        "WARC-Date": "2019-01-02T03:04:05Z",
        "WARC-Target-URI": "http://a.kr/",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in facts.items() if name != drop)
    return f"{version}\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


@functools.cache
def a_segment() -> bytes:
    """A closed segment of `KINDS`."""
    with tempfile.TemporaryDirectory() as folder:
        with writer(Path(folder)) as out:
            out.write(exchange())
            out.write(resource())
            out.write(exchange(body=b"<p>" * 50, url="https://www.etoday.co.kr/news/view/2"))
        return the_segment(Path(folder)).read_bytes()
