"""Removal of secrets from requests before they are archived."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.http.message import HEAD_END

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Fields whose values are secrets: by name, and by a part of it (``X-Api-Key``, ``X-Auth-Token``).
_SECRET_NAME = re.compile(
    rb"(?:set-)?cookie2?|(?:proxy-)?authorization|(?:www|proxy)-authenticate|authentication-info"
    rb"|.*(?:api-?key|token|secret|passw(?:or)?d|session-?id|credential|private-?key).*",
    re.IGNORECASE | re.DOTALL,
)
#: Each such name holds one of these; most requests hold none, and need not be taken apart.
_MARKS = (
    b"cookie", b"authorization", b"authenticat", b"key", b"token", b"secret", b"passw", b"session",
    b"credential",
)  # fmt: skip
#: A line; a lone carriage return ends one for some readers.
_LINE = re.compile(rb"[^\r\n]*(?:\r?\n|\r|\Z)")
#: What is no part of a name: a reader may skip it, or a sender have hidden a name with it.
_NO_NAME = bytes(range(33)) + b"\x7f"


def redact(request: bytes) -> bytes:
    """Return the request with cookies, credentials and tokens replaced, all other bytes as sent.

    The names stay, so that a reader knows the page was served to somebody known. A folded field
    (RFC 9112 section 5.2) is one field, and control characters hide none. The body is not touched.
    """
    end = HEAD_END.search(request)
    size = end.end() if end else len(request)
    plain = request[:size].translate(None, _NO_NAME).lower()
    if not any(mark in plain for mark in _MARKS):
        return request
    return b"".join(_redacted(request[:size])) + request[size:]


def _redacted(head: bytes) -> Iterator[bytes]:
    """Yield the lines of a head, those of secrets replaced; the first one is no field."""
    is_secret = False
    begins = False  # whether the line begins one by every reader's rules
    for found in _LINE.finditer(head):
        line = found[0]
        name, colon, _ = line.partition(b":")
        goes_on = not begins or line.startswith((b" ", b"\t")) or not colon
        if is_secret and line.strip(b"\r\n") and goes_on:
            begins = line.endswith(b"\n")
            continue
        is_first = not found.start()
        is_secret = bool(
            colon and not is_first and _SECRET_NAME.fullmatch(name.translate(None, _NO_NAME))
        )
        begins = line.endswith(b"\n")
        yield name + b": redacted\r\n" if is_secret else line
