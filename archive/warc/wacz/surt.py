"""The sort key of an address in CDX files: SURT, with the host reversed.

The rules are those of the Internet Archive's canonicaliser, which pywb and wabac.js follow. The
library ``surt`` is AGPL, last released in 2019, and looks up hosts that look like numbers in DNS;
`bench.playback` compares these keys with its keys.
"""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote_from_bytes, unquote_to_bytes

_URL = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.S)
_WWW = re.compile(rb"www\d*\.")
_PORTS = {b"http": b"80", b"https": b"443"}
#: What an escape may not stand for: everything else that prints is written plainly.
_PLAIN = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
#: Session ids that servers put into addresses, and that are no part of what an address names.
_SESSIONS = (
    re.compile(rb"^(.*)jsessionid=[0-9a-z]{32}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)phpsessid=[0-9a-z]{32}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)sid=[0-9a-z]{32}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)aspsessionid[a-z]{8}=[a-z]{24}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)cfid=[^&]+&cftoken=[^&]+(?:&(.*))?$", re.I | re.S),
)
#: Most layers of escapes that are undone, and the longest query that is searched for session ids.
_LAYERS, _LONGEST_QUERY = 100, 4096


def url_key(url: str) -> str:
    """Return the ASCII key of an absolute URI; one without a host (``urn:…``) is not reversed.

    Of anything else the key is the text itself, escaped: a key never holds a blank or a control.
    """
    data = url.encode("utf-8", "surrogatepass")
    found = _URL.match(data)
    if found is None:
        return _escaped(data).decode("ascii")
    scheme, authority, path, query = found[1].lower(), found[2], found[3], found[4]
    host = _host(scheme, authority) if authority else b""
    path = _unescaped(path)
    if host:
        path = _resolved(path)
    path = _escaped(path).lower()
    if path.endswith(b"/") and len(path) > 1:
        path = path[:-1]
    key = host + b")" + path if host else scheme + b":" + path
    if query:
        query = _query(query)
        key += b"?" + query if query else b""
    return key.decode("ascii")


def _host(scheme: bytes, authority: bytes) -> bytes:
    """Return the host's labels from the top downwards, with a port that is not the default."""
    name, _, port = authority.rpartition(b"@")[2].partition(b":")
    name = _unescaped(name)
    if not name.isascii():
        with suppress(UnicodeError):  # it stays as it is then
            name = name.decode("utf-8", "ignore").encode("idna")
    name = _escaped(name.lower().replace(b"..", b".").strip(b".")).lower()
    name = _WWW.sub(b"", name, count=1) if _WWW.match(name) else name
    turned = b",".join(reversed(name.split(b".")))
    port = _escaped(port)
    return turned + b":" + port if port and port != _PORTS.get(scheme) else turned


def _resolved(path: bytes) -> bytes:
    """Return the path without ``.``, ``..`` and empty segments."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            kept = kept[:-1] if kept else [segment]
        elif segment != b".":
            kept.append(segment)
    if not kept:
        return b"/"
    return b"/" + b"".join(segment + b"/" for segment in kept[:-1] if segment) + kept[-1]


def _query(query: bytes) -> bytes:
    """Return the arguments sorted, without session ids."""
    query = _escaped(_unescaped(query))
    for pattern in _SESSIONS if len(query) <= _LONGEST_QUERY else ():
        found = pattern.match(query)
        if found is not None:
            query = found[1] + (found[2] or b"")
    arguments = sorted(tuple(argument.split(b"=", 1)) for argument in query.lower().split(b"&"))
    return b"&".join(b"=".join(argument) for argument in arguments)


def _unescaped(text: bytes) -> bytes:
    """Return the text with its escapes undone, layer by layer up to a bound."""
    for _ in range(_LAYERS):
        plain = unquote_to_bytes(text)
        if plain == text:
            break
        text = plain
    return text


def _escaped(text: bytes) -> bytes:
    return quote_from_bytes(text, safe=_PLAIN).encode()
