"""WARC writing and reading against warcio and FastWARC, CPU time, rounds alternating within one run.

Run ``python -m bench.warc [rounds]``. Quote the ratios: the machine's own speed wanders. An
exchange is a response of 16 KB gzipped HTML with its request, so two records. Two files of the same
exchanges are read: ours, where what arrived gzipped is stored, and warcio's, where it is deflated
once more, as most WARCs are. ``read ours`` always compares both digests; the others do where they
are called verified.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import io
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.model.exchange import Exchange
from archive.segments.writer import SegmentWriter
from archive.warc.reader import Record, iterate

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 1000
FIELDS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Encoding", "gzip"),
    ("Server", "nginx"),
]
HEAD = b"HTTP/1.1 200 OK\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in FIELDS) + b"\r\n"
REQUEST = (
    b"GET /news/view/1 HTTP/1.1\r\nHost: a.kr\r\nUser-Agent: bench\r\nAccept-Encoding: gzip\r\n\r\n"
)
MOMENT = datetime(2023, 9, 1, tzinfo=UTC)


def exchanges() -> list[Exchange]:
    dice = random.Random(1)
    syllables = [chr(0xAC00 + dice.randrange(11172)) for _ in range(400)]
    words = ["".join(dice.choices(syllables, k=dice.randint(1, 5))) for _ in range(4000)]
    pages = ["<p>".join(" ".join(dice.choices(words, k=12)) for _ in range(260)) for _ in range(50)]
    bodies = [gzip.compress(page.encode(), 6) for page in pages]
    print(f"bodies: {statistics.mean(map(len, bodies)):,.0f} bytes as served")
    return [
        Exchange(
            f"https://a.kr/news/view/{n}",
            MOMENT,
            bodies[n % 50],
            HEAD,
            REQUEST,
            ip_address="192.0.2.1",
        )
        for n in range(COUNT)
    ]


def write_ours(folder: Path, sample: list[Exchange]) -> None:
    with SegmentWriter(folder) as out:
        for n, exchange in enumerate(sample):
            out.write(exchange)
            if n % 100 == 99:
                out.sync()


def write_warcio(folder: Path, sample: list[Exchange]) -> None:
    with (folder / "a.warc.gz").open("wb") as file:
        out = WARCWriter(file, gzip=True, warc_version="1.1")
        for one in sample:
            head = StatusAndHeaders("200 OK", FIELDS, protocol="HTTP/1.1")
            asked = StatusAndHeaders(
                "GET /news/view/1 HTTP/1.1", [("Host", "a.kr"), ("User-Agent", "bench")]
            )
            page, length = io.BytesIO(one.body), len(one.body)
            first = out.create_warc_record(
                one.url, "response", payload=page, length=length, http_headers=head
            )
            second = out.create_warc_record(
                one.url, "request", payload=io.BytesIO(), length=0, http_headers=asked
            )
            out.write_request_response_pair(second, first)


def read_ours(path: Path) -> int:
    return sum(isinstance(found, Record) for found in iterate(path))


def read_fastwarc(path: Path) -> int:
    with path.open("rb") as file:
        return sum(
            record.reader.read() is not None for record in ArchiveIterator(file, parse_http=False)
        )


def read_fastwarc_verified(path: Path) -> int:
    """Read by FastWARC what `iterate` must read: fields, block, head and body, both digests."""
    count = 0
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=False):
            fields = record.headers.to_dict()
            block = record.reader.read()
            assert agrees(fields["WARC-Block-Digest"], block)
            if fields["WARC-Type"] == "response":
                body = block[block.index(b"\r\n\r\n") + 4 :]
                assert agrees(fields["WARC-Payload-Digest"], body)
            count += 1
    return count


def agrees(claim: str, data: bytes) -> bool:
    name, _, value = claim.partition(":")
    found = hashlib.new(name, data, usedforsecurity=False)
    return value == (
        found.hexdigest() if name == "sha256" else base64.b32encode(found.digest()).decode()
    )


def read_warcio(path: Path) -> int:
    with path.open("rb") as file:
        return sum(
            record.raw_stream.read() is not None
            for record in WarcioIterator(file, no_record_parse=True)
        )


def read_warcio_verified(path: Path) -> int:
    """Read by warcio with digests compared, as `iterate` always does; it parses HTTP heads too."""
    with path.open("rb") as file:
        records = WarcioIterator(file, check_digests="raise")
        return sum(record.raw_stream.read() is not None for record in records)


READERS = [read_ours, read_fastwarc, read_fastwarc_verified, read_warcio, read_warcio_verified]


def measure(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def main() -> None:
    """Print exchanges per CPU second and the ratios paired within each round."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    sample = exchanges()
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            step = 1 if number % 2 else -1
            ours, theirs = Path(folder, f"ours{number}"), Path(folder, f"theirs{number}")
            theirs.mkdir()
            actions: list[tuple[str, Callable[[], object]]] = [
                ("write: ours", lambda to=ours: write_ours(to, sample)),
                ("write: warcio", lambda to=theirs: write_warcio(to, sample)),
            ]
            for name, action in actions[::step]:
                times.setdefault(name, []).append(measure(action))
            for file, folder_of in (("our file", ours), ("warcio's file", theirs)):
                (path,) = folder_of.glob("*.warc.gz")
                for reader in READERS[::step]:
                    name = f"read {file}: {reader.__name__.removeprefix('read_').replace('_', ' ')}"
                    times.setdefault(name, []).append(measure(lambda one=reader, at=path: one(at)))
                assert (
                    read_ours(path)
                    == read_fastwarc_verified(path)
                    == 2 * COUNT + (folder_of is ours)
                )
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(
            f"{name:40} {COUNT / middle:9,.0f} exchanges  {2 * COUNT / middle:9,.0f} records per CPU s"
        )
    for name in times:
        ours_of = name.partition(":")[0] + ": ours"
        if name != ours_of:
            ratios = [a / b for a, b in zip(times[name], times[ours_of], strict=True)]
            most = f"({min(ratios):.2f}-{max(ratios):.2f})"
            print(f"{name:40} takes {statistics.median(ratios):.2f} times as long as ours {most}")


if __name__ == "__main__":
    main()
