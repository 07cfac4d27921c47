"""Compare warcio's reading of a WARC file with this project's: `verify --witness`.

Compared are each record's offset and length, type, id, fields, block and payload bytes (by sha256),
and whether its digests agree. warcio computes payload digests over the chunk framing, as ISO 28500
can be read, and this project without it; so both are asked of the framed body here.
"""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from archive.http.message import HEAD_END
from archive.verify.warc_file.findings import Finding, Rule
from archive.warc.digests import DigestCheck
from archive.warc.reader import open_pieces
from archive.warc.record_header import without_brackets
from archive.warc.record_iterator import BrokenSpan, RecordIterator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archive.warc.record_header import HeaderFields
    from archive.warc.record_iterator import RawRecord

_ANY_LENGTH = 2**63
_MAX_HEAD = 2**20
_PIECE = 2**16
#: What warcio raises where it cannot read on; an AttributeError at records without an address.
_FAILURES = (
    ArchiveLoadFailed,
    StatusAndHeadersParserException,
    EOFError,
    ValueError,
    AttributeError,
)
_SPACE = re.compile(r"\s+")
#: Their HTTP head is not part of the payload.
_HTTP_TYPES = frozenset({"response", "request", "revisit"})


@dataclass(frozen=True, slots=True)
class _Reading:
    """One record as one of the two readers reads it; ``length`` is 0 where it is not compared."""

    offset: int
    length: int
    kind: str
    record_id: str
    fields: tuple[tuple[str, str], ...]
    block: str
    payload: str
    digests_agree: bool


class _HashedBlock:
    """A block as it is read: sha256 of it and of its payload, and whether its digests agree."""

    def __init__(self, fields: HeaderFields) -> None:
        self._block = hashlib.sha256()
        self._payload = hashlib.sha256()
        # A revisit's digests are of the record that it refers to, for warcio.
        is_compared = fields["warc-type"] != "revisit"
        self._block_check = DigestCheck(fields["warc-block-digest"] if is_compared else "")
        self._payload_check = DigestCheck(fields["warc-payload-digest"] if is_compared else "")
        is_http = fields["warc-type"] in _HTTP_TYPES
        is_web = fields["warc-target-uri"].startswith(("http:", "https:"))
        self._head: bytes | None = b"" if is_http and is_web else None

    def kept(self) -> bytes:
        return b""

    def feed(self, data: bytes | memoryview) -> None:
        self._block.update(data)
        self._block_check.feed(data)
        if self._head is None:
            self._feed_payload(data)
            return
        self._head += bytes(data)
        end = HEAD_END.search(self._head)
        if end is not None:
            rest, self._head = self._head[end.end() :], None
            self._feed_payload(rest)
        elif len(self._head) > _MAX_HEAD:
            self._head = None

    def _feed_payload(self, data: bytes | memoryview) -> None:
        self._payload.update(data)
        self._payload_check.feed(data)

    def reading(self, raw: RawRecord[_HashedBlock], *, packed: bool) -> _Reading:
        fields = raw.fields
        return _Reading(
            offset=raw.offset,
            length=raw.length if packed else 0,
            kind=fields["warc-type"],
            record_id=fields["warc-record-id"],
            fields=_comparable(fields.pairs),
            block=self._block.hexdigest(),
            payload=self._payload.hexdigest(),
            digests_agree=self._block_check.agrees() and self._payload_check.agrees(),
        )


def compare_with_warcio(reopen: Callable[[], Any], name: str) -> Iterator[Finding]:
    """Yield a finding for each difference between warcio's reading of a file and ours.

    ``reopen`` opens the file anew, ``name`` is what findings call it. Damage that our reader
    reports is not reported again; what lies behind it is compared where both find a record at the
    same offset.

    :raises OSError: the file cannot be read.
    """
    with reopen() as file, io.BufferedReader(reopen()) as other:
        witness = _Witness(other)
        theirs = next(witness, None)
        for ours in _our_readings(file):
            while theirs is not None and theirs.offset < ours.offset:
                yield _read_by_warcio_only(name, theirs)
                theirs = next(witness, None)
            if theirs is None and witness.failure:
                break
            if theirs is None or theirs.offset > ours.offset:
                yield _finding(name, ours, f"warcio does not read this {ours.kind} record.")
                continue
            yield from _findings_of(name, ours, theirs)
            theirs = next(witness, None)
        if witness.failure:
            sentence = f"warcio reads no further than here: {witness.failure}"
            yield Finding(name, witness.offset, "", Rule.WITNESS, sentence)
        elif theirs is not None:
            yield _read_by_warcio_only(name, theirs)


def _findings_of(name: str, ours: _Reading, theirs: _Reading) -> Iterator[Finding]:
    for sentence in _differences(ours, theirs):
        yield _finding(name, ours, sentence)


def _read_by_warcio_only(name: str, theirs: _Reading) -> Finding:
    sentence = f"warcio reads a {theirs.kind} record here, which this project does not."
    return _finding(name, theirs, sentence)


def _finding(name: str, reading: _Reading, sentence: str) -> Finding:
    return Finding(name, reading.offset, reading.record_id, Rule.WITNESS, sentence)


def _our_readings(file: Any) -> Iterator[_Reading]:
    pieces = open_pieces(file)
    for item in RecordIterator(pieces, _HashedBlock, _ANY_LENGTH).run():
        if not isinstance(item, BrokenSpan) and item.complete:
            yield item.block.reading(item, packed=pieces.packed)


class _Witness:
    """warcio's readings of a file; ``failure`` says why they ended, if not with the file."""

    def __init__(self, file: Any) -> None:
        self.failure = ""
        self.offset = 0
        self._records: Any = ArchiveIterator(file, check_digests=True)

    def __iter__(self) -> _Witness:
        return self

    def __next__(self) -> _Reading:
        if self.failure:
            raise StopIteration
        printed = io.StringIO()
        try:
            with redirect_stderr(printed):  # warcio prints what it finds wrong
                record = next(self._records)
                reading = self._read(record)
        except _FAILURES as error:
            self.failure = _one_line(str(error) or type(error).__name__)
            raise StopIteration from error
        if printed.getvalue().strip():
            self.failure = _one_line(printed.getvalue())
            raise StopIteration
        return reading

    def _read(self, record: Any) -> _Reading:
        block, payload = hashlib.sha256(), hashlib.sha256()
        if record.http_headers is not None:
            block.update(record.http_headers.to_bytes())
        while piece := record.raw_stream.read(_PIECE):
            block.update(piece)
            payload.update(piece)
        self.offset = self._records.get_record_offset()
        is_packed = self._records.reader is not None and self._records.reader.decompressor
        pairs = record.rec_headers.headers
        record_id = record.rec_headers.get_header("WARC-Record-ID") or ""
        return _Reading(
            offset=self.offset,
            length=self._records.get_record_length() if is_packed else 0,
            kind=record.rec_type or "",
            record_id=without_brackets(record_id),
            fields=_comparable([(name.lower(), value) for name, value in pairs]),
            block=block.hexdigest(),
            payload=payload.hexdigest(),
            digests_agree=record.digest_checker.passed is not False,
        )


def _comparable(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return fields as both readers agree on them: white space folded, no brackets round URIs."""
    return tuple((name.strip(), without_brackets(_one_line(value))) for name, value in pairs)


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()[:500]


def _differing_fields(ours: _Reading, theirs: _Reading) -> str:
    names = sorted({name for name, _ in {*ours.fields} ^ {*theirs.fields}})
    return ", ".join(names)[:200] or "another order"


def _differences(ours: _Reading, theirs: _Reading) -> Iterator[str]:
    if ours.length and ours.length != theirs.length:
        yield f"warcio finds {theirs.length} bytes in its gzip member, not {ours.length}."
    if ours.kind != theirs.kind:
        yield f"warcio reads the type {theirs.kind[:40]!r}, not {ours.kind[:40]!r}."
    if ours.record_id != theirs.record_id:
        yield f"warcio reads the id {theirs.record_id[:120]}, not {ours.record_id[:120]}."
    if ours.fields != theirs.fields:
        yield f"warcio reads other fields: {_differing_fields(ours, theirs)}."
    if ours.payload != theirs.payload:
        yield "warcio reads another payload."
    if ours.digests_agree != theirs.digests_agree:
        verdict = "agree" if theirs.digests_agree else "do not agree"
        yield f"For warcio the record's digests {verdict}."
