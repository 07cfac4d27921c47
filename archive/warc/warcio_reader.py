"""Reading by warcio of what our reader refuses: ARC files, and malformed WARC records.

warcio parses; reading and inflating stays with `archive.warc.compression.gzip_reader`, because
warcio's own gzip reader ends quietly at damage. Its result is checked: a record must be whole,
and its digests must agree.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader

from archive.model.exchange import MAX_DOCUMENT
from archive.model.outcome import Reason
from archive.warc.compression.gzip_reader import Corrupt, Torn
from archive.warc.reader import iterate_file, open_pieces
from archive.warc.record_header import HeaderFields, MalformedRecordError
from archive.warc.record_parser import Damage, Record, build_record
from archive.warc.record_writer import format_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archive.warc.compression.gzip_reader import Pieces

#: The line before each record of an ARC file (version 1): URL, IP address, time, type, length.
_ARC_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*:\S.* \S+ \d{12,17} \S+ \d{1,15}\s*")
#: How gzip members of ARC files begin, to find the next one behind damage.
_ARC_MARKS = (b"http://", b"https://", b"filedesc", b"dns:")
_MAX_LINE = 2**16
_MAX_FAULTS = 1000
#: Longest record that is read again by warcio, while the file's own reader holds its data as well.
_MAX_REREAD = 2**22
#: Most bytes of lines that a file's records may take up which warcio refuses, too: a header can
#: hold the beginnings of many.
_MAX_REFUSED = 2**22
_FOURTEEN_DIGITS = re.compile(r"\d{14}", re.A)
_CLOSING = b"\r\n\r\n"


class _Stream:
    """The pieces of a file as warcio wants them: `read` and `readline`; ``b""`` is the end.

    With ``one_member`` it ends where the gzip member ends that it begins in. ``lines`` is how many
    bytes of lines it gave; behind ``most_lines`` of them it gives none.
    """

    def __init__(
        self, pieces: Pieces, *, one_member: bool = False, most_lines: float = math.inf
    ) -> None:
        self.pieces = pieces
        self.lines = 0
        self._most_lines = most_lines
        self._one_member = one_member
        self._data = b""
        self._at = 0

    def place(self) -> int:
        """Return the file offset of the next byte, or of the gzip member that it is of."""
        self._fill()
        return self.pieces.place(len(self._data) - self._at)

    def tell(self) -> int:
        """Return 0: warcio calls this to measure HTTP heads, which it does not parse here."""
        return 0

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, at least one before the end."""
        if not self._fill():
            return b""
        part = self._data[self._at : self._at + size]
        self._at += len(part)
        return part

    def readline(self, size: int | None = None) -> bytes:
        """Return one line, or the beginning of a very long one."""
        most = min(size or _MAX_LINE, _MAX_LINE)
        line = b""
        while len(line) < most and not line.endswith(b"\n") and self._fill():
            end = self._data.find(b"\n", self._at) + 1 or len(self._data)
            end = min(end, self._at + most - len(line))
            line += self._data[self._at : end]
            self._at = end
        self.lines += len(line)
        return line if self.lines <= self._most_lines else b""

    def forget(self) -> None:
        """Drop what was read ahead, after the pieces went to another place."""
        self._data, self._at = b"", 0

    def _fill(self) -> bool:
        if self._at < len(self._data):
            return True
        if self._one_member and self._data and self.pieces.between:
            return False
        self._data, self._at = self.pieces.next(), 0
        return bool(self._data)


def iterate_arc_file(file: BinaryIO, limit: int = MAX_DOCUMENT) -> Iterator[Record | Damage]:
    """Yield the records of an ARC file, plain or gzipped, as `archive.warc.reader.iterate` does.

    Records are given as WARC records of the same content, without a record id: documents as
    `response` (with an HTTP head) or `resource`, the file's description as `warcinfo`. The length
    is 0: they cannot be read alone.
    """
    yield from _ArcReader(open_pieces(file, marks=_ARC_MARKS), limit).run()


class _ArcReader:
    """One pass over an ARC file."""

    def __init__(self, pieces: Pieces, limit: int) -> None:
        self._pieces = pieces
        self._stream = _Stream(pieces)
        self._limit = limit
        self._loader: Any = ArcWarcRecordLoader(arc2warc=False)
        self._start = 0
        self._is_arc = False  # whether any record was found

    def run(self) -> Iterator[Record | Damage]:
        """Yield every record and every damaged place, in file order."""
        faults = 0
        while faults < _MAX_FAULTS:
            try:
                line, skipped = self._next_line()
                if skipped >= 0:
                    faults += 1
                    yield self._skipped(skipped)
                if not line:
                    return
                yield self._record(line)
            except MalformedRecordError as error:
                faults += 1
                yield Damage(self._start, error.reason, error.sentence)
            except (Torn, Corrupt) as error:
                faults += 1
                damage, found_next = self._recover(error)
                yield damage
                if not found_next:
                    return
        sentence = f"After {_MAX_FAULTS} damaged places the rest of the file is not read."
        yield Damage(self._start, Reason.BAD_RECORD, sentence)

    def _next_line(self) -> tuple[bytes, int]:
        """Return the line before the next record, and where other lines began, -1 if none did.

        The line is ``b""`` at the end of the file.
        """
        skipped = -1
        while True:
            self._start = self._stream.place()
            line = self._stream.readline()
            if not line or _ARC_LINE.fullmatch(line):
                break
            if line.strip() and skipped < 0:
                skipped = self._start
        if not line and not self._is_arc:
            skipped = max(skipped, 0)
        return line, skipped

    def _skipped(self, offset: int) -> Damage:
        if not self._is_arc:
            return Damage(offset, Reason.NOT_A_WARC, "The file does not begin as an ARC file.")
        return Damage(offset, Reason.BAD_RECORD, "There is no ARC record here.")

    def _record(self, line: bytes) -> Record:
        try:
            read = self._loader.parse_record_stream(self._stream, line, "arc", no_record_parse=True)
        except (ArchiveLoadFailed, EOFError, UnicodeError) as error:
            raise MalformedRecordError(Reason.BAD_RECORD, f"warcio: {error}.") from error
        self._is_arc = True
        content = _content(read.raw_stream, read.length, self._limit)
        return build_record(_arc_fields(read, content), content, self._start, 0)

    def _recover(self, error: Torn | Corrupt) -> tuple[Damage, bool]:
        """Go to the next gzip member that begins a record; return the damage and whether one is."""
        offset = self._pieces.offset
        self._stream.forget()
        found_next = self._pieces.resync()
        if isinstance(error, Corrupt):
            sentence = f"The gzip data is damaged ({error})."
            return Damage(offset, Reason.BAD_RECORD, sentence), found_next
        sentence = "The file ends inside its gzip data."
        return Damage(offset, Reason.TRUNCATED, sentence), found_next


def _content(stream: Any, length: int, limit: int) -> bytes:
    """Return a record's content.

    :raises MalformedRecordError: the file ends before, or it is longer than ``limit`` bytes.
    """
    parts: list[bytes] = []
    missing = length
    while missing > 0:
        part = stream.read(min(missing, _MAX_LINE))
        if not part:
            sentence = "The file ends inside a record."
            raise MalformedRecordError(Reason.TRUNCATED, sentence)
        missing -= len(part)
        if length <= limit:
            parts.append(part)
    if length > limit:
        sentence = f"The record has {length} bytes; the limit is {limit}."
        raise MalformedRecordError(Reason.TOO_LARGE, sentence)
    return b"".join(parts)


def _arc_fields(read: Any, content: bytes) -> HeaderFields:
    """Return the fields that a WARC record of this ARC record would have."""
    stated = dict(read.rec_headers.headers)
    kind, media_type = "resource", stated["content-type"]
    if read.rec_type == "arc_header":
        kind, media_type = "warcinfo", "text/plain"
    elif content.startswith(b"HTTP/"):
        kind, media_type = "response", "application/http; msgtype=response"
    pairs = [
        ("warc-type", kind),
        ("warc-target-uri", stated["uri"]),
        ("warc-date", _date(stated["archive-date"])),
        ("content-type", media_type),
        ("content-length", str(len(content))),
    ]
    if kind == "warcinfo":
        pairs.append(("warc-filename", stated["uri"].removeprefix("filedesc://")))
    elif stated["ip-address"] != "0.0.0.0":  # noqa: S104  (how ARC says that it is not known)
        pairs.append(("warc-ip-address", stated["ip-address"]))
    return HeaderFields.from_lines(["WARC/1.0", *(f"{name}: {value}" for name, value in pairs)])


def _date(text: str) -> str:
    """Return the 14 digits of a time in ARC and CDX files as WARC-Date, anything else unchanged."""
    if not _FOURTEEN_DIGITS.fullmatch(text):
        return text
    try:
        return format_date(datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC))
    except ValueError:
        return text


def iterate_with_fallback(file: BinaryIO, limit: int = MAX_DOCUMENT) -> Iterator[Record | Damage]:
    """Yield the records of a WARC file; those that our reader refuses as warcio reads them.

    Only what is whole is taken: a header that our reader is too strict for (a date of 14 digits,
    a missing Content-Length in a gzip member of its own, a very long header, ``warc/1.0``), never a
    record that is cut or whose digest does not agree.
    """
    left = _MAX_REFUSED
    for item in iterate_file(file, limit):
        if isinstance(item, Damage) and item.reason is Reason.BAD_RECORD and left > 0:
            place = file.tell()
            stream = _stream_at(file, item.offset, left)
            again = _read_again(stream, item.offset, min(limit, _MAX_REREAD))
            left -= 0 if again else stream.lines
            file.seek(place)
            yield again or item
        else:
            yield item
        del item  # a document may have 20 MB: none is kept while the next one is read


def _stream_at(file: BinaryIO, offset: int, most_lines: int) -> _Stream:
    file.seek(0)
    pieces = open_pieces(file)
    pieces.begin(offset, guessed=False)
    return _Stream(pieces, one_member=pieces.packed, most_lines=most_lines)


def _read_again(stream: _Stream, offset: int, limit: int) -> Record | None:
    """Return the record at an offset as warcio reads it; None if it is damaged for warcio, too."""
    loader: Any = ArcWarcRecordLoader(arc2warc=False)
    try:
        read = loader.parse_record_stream(stream, known_format="warc", no_record_parse=True)
        block = _refused_block(read, stream, limit, packed=stream.pieces.packed)
        stated = [(name.lower(), value.strip()) for name, value in read.rec_headers.headers]
        pairs = [pair for pair in stated if pair[0] not in ("content-length", "warc-date")]
        date = next((value for name, value in stated if name == "warc-date"), "")
        pairs += [("content-length", str(len(block))), ("warc-date", _date(date))]
        lines = [read.rec_headers.protocol, *(f"{name}: {value}" for name, value in pairs)]
        fields = HeaderFields.from_lines(lines)
        return build_record(fields, block, offset, 0)
    except (ArchiveLoadFailed, EOFError, UnicodeError, MalformedRecordError, Torn, Corrupt):
        return None


def _refused_block(read: Any, stream: _Stream, limit: int, *, packed: bool) -> bytes:
    """Return a record's block, if it ends as a record does.

    :raises MalformedRecordError: it does not.
    """
    if read.rec_headers.get_header("Content-Length") and read.length <= limit:
        block = _content(read.raw_stream, read.length, limit)
        rest = stream.read(len(_CLOSING))
        if rest == _CLOSING:
            return block
    elif packed and read.length is None:  # the member's end is the record's
        block = _rest(stream, limit + len(_CLOSING))
        if block.endswith(_CLOSING):
            return block[: -len(_CLOSING)]
    raise MalformedRecordError(Reason.BAD_RECORD, "The record has no certain end.")


def _rest(stream: _Stream, limit: int) -> bytes:
    """Return what is left of a stream, ``b""`` if that is more than ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    while part := stream.read(_MAX_LINE):
        parts.append(part)
        size += len(part)
        if size > limit:
            return b""
    return b"".join(parts)
