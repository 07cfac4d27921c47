"""Good WARC files and their designed mutations: each breaks one thing that a WARC must be, and nothing else."""

from __future__ import annotations

import functools
import gc
import gzip
import io
import re
import tempfile
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from fastwarc.stream_io import GzipWriter
from fastwarc.warc import WarcRecord, WarcRecordType
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.model.exchange import digest
from archive.warc.compression.gzip_member import member
from archive.warc.record_writer import RevisitOf, payload_digest
from tests.support.archives.warc_samples import HEAD, exchange, resource, the_segment, writer

if TYPE_CHECKING:
    from collections.abc import Callable

    Mutation = Callable[[list[bytes]], bytes]

CHUNKED = HEAD.replace(b"Server", b"Transfer-Encoding: chunked\r\nServer")
FRAMED = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
#: The record that a mutation changes: the first of its type, or the first with chunked framing.
INFO, RESPONSE, REQUEST, RESOURCE, REVISIT = (
    b"warcinfo",
    b"response",
    b"request",
    b"resource",
    b"revisit",
)
FRAMED_RESPONSE = b"chunked"


@functools.cache
def ours() -> bytes:
    """A closed segment of ours: response, request, resource, revisit, request, and a chunked response, request."""
    with tempfile.TemporaryDirectory() as folder:
        with writer(Path(folder), software={"software": "Sacho/0.1.0"}) as out:
            page = exchange(body=b"<html>" + b"<p>\xb0\xa1 text</p>" * 40)
            place = out.write(page)
            out.write(resource())
            again = RevisitOf(page.url, page.captured_at, payload_digest(page), place.record_id)
            out.write_revisit(page, again)
            out.write(
                exchange(url="https://www.etoday.co.kr/news/view/2", head=CHUNKED, body=FRAMED)
            )
        return the_segment(Path(folder)).read_bytes()


@functools.cache
def by_warcio(version: str = "1.0", *, packed: bool = True) -> bytes:
    """What `_by_warcio` gives; warcio leaves its temporary files to the garbage collector, which warns of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        data = _by_warcio(version, packed=packed)
        gc.collect()
    return data


def _by_warcio(version: str, *, packed: bool) -> bytes:
    """What warcio writes: a pair, a revisit, metadata, a resource; its digests over framing and metadata with them."""
    file = io.BytesIO()
    out = WARCWriter(file, gzip=packed, warc_version=version)
    out.write_record(
        out.create_warcinfo_record("x.warc.gz", {"software": "warcio", "format": "WARC"})
    )
    head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    framed = StatusAndHeaders("200 OK", [("Transfer-Encoding", "chunked")], protocol="HTTP/1.1")
    asked = StatusAndHeaders("GET /1 HTTP/1.1", [("Host", "a.kr")])
    first = out.create_warc_record(
        "http://a.kr/1", "response", io.BytesIO(b"<p>" * 300), http_headers=head
    )
    second = out.create_warc_record("http://a.kr/1", "request", io.BytesIO(), http_headers=asked)
    out.write_request_response_pair(second, first)
    out.write_record(
        out.create_warc_record("http://a.kr/2", "response", io.BytesIO(FRAMED), http_headers=framed)
    )
    known = first.rec_headers.get_header
    out.write_record(
        out.create_revisit_record(
            "http://a.kr/1",
            known("WARC-Payload-Digest"),
            "http://a.kr/1",
            known("WARC-Date"),
            http_headers=head,
        )
    )
    for kind in ("metadata", "resource", "conversion"):
        content = io.BytesIO(kind.encode())
        out.write_record(
            out.create_warc_record(f"urn:x:{kind}", kind, content, warc_content_type="text/plain")
        )
    return file.getvalue()


def by_fastwarc(*, packed: bool = True) -> bytes:
    """What FastWARC writes."""
    file = io.BytesIO()
    blocks = (
        (WarcRecordType.warcinfo, b"software: FastWARC\r\n", "application/warc-fields"),
        (WarcRecordType.response, HEAD + b"<p>" * 99, "application/http;msgtype=response"),
        (WarcRecordType.resource, b"text", "text/plain"),
    )
    for kind, block, media_type in blocks:
        record = WarcRecord()
        record.init_headers(record_type=kind)
        if kind != WarcRecordType.warcinfo:
            record.headers["WARC-Target-URI"] = "http://a.kr/"
        record.headers["Content-Type"] = media_type
        record.set_bytes_content(block)
        if packed:
            stream = GzipWriter(file)
            record.write(stream, checksum_data=True)
            stream.finish()
        else:
            record.write(file, checksum_data=True)
    return file.getvalue()


def split(data: bytes) -> list[bytes]:
    """The records of a file with one member each."""
    found = []
    while data:
        stream = zlib.decompressobj(31)
        found.append(stream.decompress(data))
        data = stream.unused_data
    return found


def joined(records: list[bytes]) -> bytes:
    return b"".join(map(member, records))


class NotApplicable(Exception):  # noqa: N818  (it says what the mutation is; no fault)
    """The file has nothing that the mutation could break."""


def at_of(records: list[bytes], which: bytes) -> int:
    mark = (
        b"Transfer-Encoding: chunked"
        if which == FRAMED_RESPONSE
        else b"WARC-Type: " + which + b"\r\n"
    )
    return next(number for number, record in enumerate(records) if mark in record)


def field(which: bytes, name: str, value: str | None) -> Mutation:
    """Give a record's field another value, or take it out."""

    def change(record: bytes) -> bytes:
        line = f"{name}: {value}\r\n".encode() if value is not None else b""
        pattern = rb"(?m)^" + name.encode() + rb": [^\r\n]*\r\n"
        return re.sub(pattern, lambda _: line, record, count=1)

    return edited(which, change)


def added(which: bytes, line: bytes) -> Mutation:
    """Add a line to a record's head."""
    return edited(
        which,
        lambda record: record.replace(
            b"\r\nContent-Length", b"\r\n" + line + b"\r\nContent-Length", 1
        ),
    )


def edited(which: bytes, change: Callable[[bytes], bytes]) -> Mutation:
    """Change the bytes of a record and leave everything else."""

    def mutate(records: list[bytes]) -> bytes:
        at = at_of(records, which)
        changed = change(records[at])
        if changed == records[at]:
            raise NotApplicable
        return joined([*records[:at], changed, *records[at + 1 :]])

    return mutate


def block(which: bytes, change: Callable[[bytes], bytes]) -> Mutation:
    """Change a record's block, its length set right and its block digest too, so that only the rest can tell."""

    def of(record: bytes) -> bytes:
        head, _, rest = record.partition(b"\r\n\r\n")
        new = change(rest[:-4])
        if new == rest[:-4]:
            raise NotApplicable
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(new), head)
        head = re.sub(rb"Block-Digest: \S+", b"Block-Digest: " + digest(new).encode(), head)
        return head + b"\r\n\r\n" + new + b"\r\n\r\n"

    return edited(which, of)


_ID = "urn:uuid:00000000-0000-4000-8000-%012d"
_NOBODY = f"<{_ID % 999}>"

MUTATIONS: dict[str, Mutation] = {
    # the file and its members
    "cut inside the last member": lambda r: joined(r)[:-20],
    "cut inside the last checksum": lambda r: joined(r)[:-3],
    "a checksum that is wrong": lambda r: (
        joined(r)[:-6] + bytes([joined(r)[-6] ^ 1]) + joined(r)[-5:]
    ),
    "a member without its end": lambda r: joined(r[:2])[:-9] + joined(r[2:]),
    "a byte of compressed data": lambda r: joined(r[:1]) + _flipped(joined(r[1:2])) + joined(r[2:]),
    "bytes behind the last member": lambda r: joined(r) + b"x" * 64,
    "zero bytes behind the last member": lambda r: joined(r) + b"\0" * 64,
    "bytes between two members": lambda r: joined(r[:1]) + b"\0" * 8 + joined(r[1:]),
    "two records in one member": lambda r: member(r[0] + r[1]) + joined(r[2:]),
    "a record over two members": lambda r: joined([r[0], r[1][:99], r[1][99:], *r[2:]]),
    "no warcinfo in front": lambda r: joined([*r[1:3], r[0], *r[3:]]),
    "a record twice": lambda r: joined([*r, r[at_of(r, RESOURCE)]]),
    "no gzip at all, half-way": lambda r: joined(r[:3]) + b"".join(r[3:]),
    # a head
    "another version": edited(RESPONSE, lambda r: r.replace(b"WARC/1.1", b"WARC/2.0", 1)),
    "bare line feeds": edited(RESPONSE, lambda r: r.replace(b"\r\nWARC-Date", b"\nWARC-Date", 1)),
    "a line without a colon": added(RESPONSE, b"no field at all"),
    "a space before the colon": edited(
        RESPONSE, lambda r: r.replace(b"WARC-Date:", b"WARC-Date :", 1)
    ),
    "raw bytes in the head": added(RESPONSE, b"WARC-Identified-Payload-Type: \xb0\xa1"),
    "an injected field": added(RESPONSE, b"X-Injected: yes"),
    "a field twice": added(RESPONSE, b"WARC-Date: 2023-09-01T03:04:05Z"),
    # fields
    "no record id": field(RESPONSE, "WARC-Record-ID", None),
    "no date": field(RESPONSE, "WARC-Date", None),
    "no type": field(RESPONSE, "WARC-Type", None),
    "no length": field(RESPONSE, "Content-Length", None),
    "no address": field(RESPONSE, "WARC-Target-URI", None),
    "an unknown type": field(RESPONSE, "WARC-Type", "respomse"),
    "a type in capitals": field(RESPONSE, "WARC-Type", "RESPONSE"),
    "a date without its T": field(RESPONSE, "WARC-Date", "2023-09-01 03:04:05"),
    "a date that is none": field(RESOURCE, "WARC-Date", "2023-02-30T03:04:05Z"),
    "an id without brackets": field(RESOURCE, "WARC-Record-ID", _ID % 3),
    "an address with a space": field(RESOURCE, "WARC-Target-URI", "https://www.etoday.co.kr/a b"),
    "an address without a scheme": field(RESOURCE, "WARC-Target-URI", "www.etoday.co.kr"),
    "no IP address": field(RESPONSE, "WARC-IP-Address", "203.0.113.700"),
    "a length that is none": field(RESPONSE, "Content-Length", "many"),
    "an address on a warcinfo": added(INFO, b"WARC-Target-URI: https://a.kr/"),
    "a file name on a response": added(RESPONSE, b"WARC-Filename: a.warc.gz"),
    "a refers-to on a response": added(RESPONSE, b"WARC-Refers-To: <" + (_ID % 1).encode() + b">"),
    "a revisit without a profile": field(REVISIT, "WARC-Profile", None),
    "a revisit without a digest": field(REVISIT, "WARC-Payload-Digest", None),
    "a reason of truncation nobody knows": added(RESPONSE, b"WARC-Truncated: boredom"),
    "a request that says it is a response": field(
        REQUEST, "Content-Type", "application/http;msgtype=response"
    ),
    # blocks
    "a length too short": edited(RESPONSE, lambda r: _length(r, -1)),
    "a length too long": edited(RESPONSE, lambda r: _length(r, 1)),
    "a byte of the block": edited(RESPONSE, lambda r: r.replace(b"<p>", b"<q>", 1)),
    "another payload, block digest set right": block(
        RESPONSE, lambda b: b.replace(b"<p>", b"<q>", 1)
    ),
    "another chunk, block digest set right": block(
        FRAMED_RESPONSE, lambda b: b.replace(b"hello", b"hallo")
    ),
    "a block digest of another length": field(RESOURCE, "WARC-Block-Digest", "sha256:00ff"),
    "a block digest of no algorithm": field(RESOURCE, "WARC-Block-Digest", "sha9:" + "0" * 64),
    "one closing line": edited(RESOURCE, lambda r: r[:-2]),
    "no closing lines": edited(RESOURCE, lambda r: r[:-4]),
    "six closing lines": edited(RESOURCE, lambda r: r + b"\r\n\r\n"),
    "no HTTP head": block(RESPONSE, lambda b: b.replace(b"\r\n\r\n", b"\r\n", 1)),
    # links
    "an id used twice": lambda r: field(
        RESOURCE, "WARC-Record-ID", _value(r, RESPONSE, "WARC-Record-ID")
    )(r),
    "a request concurrent to nobody": field(REQUEST, "WARC-Concurrent-To", _NOBODY),
    "a request of another date": field(REQUEST, "WARC-Date", "2023-09-02T03:04:05Z"),
    "a warcinfo id of nobody": field(RESPONSE, "WARC-Warcinfo-ID", _NOBODY),
    "a warcinfo id of a response": field(RESOURCE, "WARC-Warcinfo-ID", f"<{_ID % 1}>"),
    "a revisit of nobody": field(REVISIT, "WARC-Refers-To", _NOBODY),
    "a revisit of another date": field(REVISIT, "WARC-Refers-To-Date", "2020-01-01T00:00:00Z"),
    "a revisit of another address": field(
        REVISIT, "WARC-Refers-To-Target-URI", "https://www.etoday.co.kr/"
    ),
    "a revisit of other content": lambda r: field(
        REVISIT, "WARC-Payload-Digest", _value(r, INFO, "WARC-Block-Digest")
    )(r),
    "a revisit of a request": field(REVISIT, "WARC-Refers-To", f"<{_ID % 3}>"),
}


#: What is legal in others' files, or cannot be told there: notes.
HOUSE = frozenset(
    {
        "two records in one member",
        "a record over two members",
        "no warcinfo in front",
        "an injected field",
        "zero bytes behind the last member",
    }
    | {"a reason of truncation nobody knows", "a request of another date"}
)


def _value(records: list[bytes], which: bytes, name: str) -> str:
    found = re.search(name.encode() + rb": ([^\r\n]*)", records[at_of(records, which)])
    assert found is not None
    return found[1].decode()


def _flipped(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 16]) + data[len(data) // 2 + 1 :]


def _length(record: bytes, by: int) -> bytes:
    return re.sub(
        rb"Content-Length: (\d+)",
        lambda m: b"Content-Length: %d" % (int(m[1]) + by),
        record,
        count=1,
    )


def unpacked(data: bytes) -> bytes:
    return gzip.decompress(data)
