"""Making the head of a saved page true again where the tool that saved it undid what the head says.

``curl -i`` keeps ``Transfer-Encoding: chunked`` above a body without chunks, and with
``--compressed`` ``Content-Encoding: gzip`` above plain HTML. Stored like that, no reader could open
the record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.http.content_coding import decode_content
from archive.http.message import ChunkedDecoder, MessageError, parse_head, payload

if TYPE_CHECKING:
    from archive.http.message import Head

_FIELD = re.compile(rb"(?im)^(Transfer-Encoding|Content-Encoding|Content-Length)(?=[ \t]*:)")
_LENGTH_LINE = re.compile(rb"(?im)^Content-Length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(\r?\n)")
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*[<{\[]")
_ORIGINAL = b"X-Archive-Orig-"
_MOST = 2**26


def repair_head(head: bytes, body: bytes) -> bytes:
    """Return the head as it has to be above this body, unchanged where it is already true.

    ``Transfer-Encoding: chunked`` above a body without chunks and ``Content-Encoding`` above a body
    plainly not so encoded get the prefix ``X-Archive-Orig-``; ``Content-Length`` is then set, the
    old one kept with the prefix if it differs. A Content-Length smaller than the body is corrected
    too; a larger one alone is left: it may be the evidence of a cut. A head without a status line
    is returned as it is.
    """
    try:
        fields = parse_head(head)
    except MessageError:
        return head
    is_framed = fields.get("Transfer-Encoding").lower().endswith("chunked")
    still_framed = is_framed and _begins_chunked(body)
    wrong = set() if is_framed == still_framed else {b"transfer-encoding"}
    content = payload(fields, body) if still_framed else body
    if _is_plainly_not(fields, content):
        wrong.add(b"content-encoding")
    if not wrong and (still_framed or not _is_too_short(fields, body)):
        return head
    renamed = _rename(head, wrong)
    return renamed if still_framed else _with_length(renamed, len(body))


def _is_too_short(fields: Head, body: bytes) -> bool:
    """Return whether Content-Length is a number smaller than the body."""
    length = fields.get("Content-Length")
    is_number = length.isascii() and length.isdigit() and len(length) < 16
    return is_number and int(length) < len(body)


def _rename(head: bytes, names: set[bytes]) -> bytes:
    """Put the prefix before the fields of these names (in lower case)."""

    def renamed(name: re.Match[bytes]) -> bytes:
        return _ORIGINAL + name[0] if name[0].lower() in names else name[0]

    return _FIELD.sub(renamed, head)


def _with_length(head: bytes, length: int) -> bytes:
    true = str(length).encode()
    lines = list(_LENGTH_LINE.finditer(head))
    if lines and all(line[1] == true for line in lines):
        return head
    head = _LENGTH_LINE.sub(lambda line: _ORIGINAL + line[0], head)
    end = re.search(rb"\r?\n\Z", head)  # the blank line
    newline = end[0] if end is not None else b"\r\n"
    at = end.start() if end is not None else len(head)
    return head[:at] + b"Content-Length: " + true + newline + head[at:]


def _begins_chunked(body: bytes) -> bool:
    """Return whether the body begins in chunked framing, be it cut short or damaged further on."""
    decoder = ChunkedDecoder()
    try:
        decoder.feed(body)
    except MessageError:
        return decoder.ended or decoder.chunks > 1
    return decoder.chunks > 1 or (decoder.chunks == 1 and not decoder.pending)


def _is_plainly_not(fields: Head, data: bytes) -> bool:
    """Return whether the data cannot be in the content-encoding that the head names."""
    coding = fields.get("Content-Encoding").lower().rpartition(",")[2].strip()
    if not coding or coding == "identity" or not data:
        return False
    if coding in ("gzip", "x-gzip"):
        return not b"\x1f\x8b".startswith(data[:2])
    if not _TEXT.match(data):
        return False
    try:
        decode_content(fields, data, _MOST)
    except MessageError:
        return True
    return False
