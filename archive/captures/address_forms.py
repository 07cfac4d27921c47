"""The forms in which tools write one address."""

from __future__ import annotations

import re
from itertools import product
from urllib.parse import urlsplit, urlunsplit

from archive.warc.wacz.surt import url_key

_ESCAPE = re.compile(r"%[0-9a-f]{2}", re.I)
_PORTS = {"http": ":80", "https": ":443"}


def forms(url: str) -> list[str]:
    """Return the forms in which tools write an address, itself first.

    They differ in what the keys of CDX files do not tell apart and people write either way: scheme,
    ``www.``, the default port, a trailing question mark, escapes in small letters. A key also sorts
    the query and leaves out case; an index of addresses as they were served cannot be asked so.
    """
    if url.startswith("urn:"):
        return [url]
    key = url_key(url)
    written = dict.fromkeys((url, *_varied(url)))
    return [one for one in written if one == url or url_key(one) == key]


def _varied(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # of a port
        return []
    bare = host.removeprefix("www.")
    own_port = f":{port}" if port is not None and f":{port}" != _PORTS.get(parts.scheme) else ""
    upper = _ESCAPE.sub(lambda found: found[0].upper(), url)
    path, query = urlsplit(upper).path or "/", urlsplit(upper).query
    found: list[str] = []
    for scheme, name in product(("https", "http"), (host, bare, f"www.{bare}")):
        one = urlunsplit((scheme, name + own_port, path, query, ""))
        found += [one] if query else [one, f"{one}?"]
    return found
