"""Removal of secrets from requests before they are archived."""

from __future__ import annotations

import re

_SECRET = re.compile(rb"(?im)^((?:cookie|authorization|proxy-authorization)[ \t]*:)[^\r\n]*")


def redact(request: bytes) -> bytes:
    """Return the request with cookies and credentials replaced, all other bytes as sent.

    The names stay, so that a reader knows the page was served to somebody known. The body is not
    touched.
    """
    head, blank, body = request.partition(b"\r\n\r\n")
    return _SECRET.sub(rb"\1 redacted", head) + blank + body if _SECRET.search(head) else request
