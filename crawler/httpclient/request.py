"""Where a request goes, and the bytes it goes as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING

from crawler.httpclient.errors import RequestRefused

if TYPE_CHECKING:
    from scrapy import Request

_URL = re.compile(r"(https?)://([^/?#\\]*)([^#]*)", re.I)
_HOST = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
#: Fields that only the wire itself may set.
_OURS = frozenset({b"content-length", b"transfer-encoding", b"proxy-authorization"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, ASCII, without brackets) and port of the server that shall answer."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port``, the port always given: what CONNECT takes."""
        return f"{self.bracketed}:{self.port}"

    @property
    def netloc(self) -> str:
        """The Host header's value: the port only where it is not the scheme's own."""
        return self.bracketed if self.port == _DEFAULT_PORTS[self.scheme] else self.authority

    @property
    def bracketed(self) -> str:
        """The host as URLs write it."""
        return f"[{self.host}]" if ":" in self.host else self.host


def split_url(url: str) -> tuple[Origin, str]:
    """Split a URL into its origin and its request target (path and query; userinfo and fragment go).

    :raises RequestRefused: it is not http(s), its host is none, or it has control or non-ASCII
        characters.
    """
    parts = _URL.match(url)
    if parts is None:
        raise RequestRefused(f"only http and https URLs are fetched, not {url!r}")
    scheme, authority, target = parts.groups()
    if _UNPRINTABLE.search(target):
        raise RequestRefused(f"the URL {url!r} has spaces, control or non-ASCII characters")
    if not target.startswith("/"):
        if target.startswith("\\"):
            raise RequestRefused(f"the URL {url!r} has a backslash where its path begins")
        target = "/" + target
    return _origin(scheme.lower(), authority), target


@lru_cache(maxsize=1024)
def _origin(scheme: str, authority: str) -> Origin:
    hostport = authority.rpartition("@")[2]
    if hostport.startswith("["):
        host, _, port = hostport[1:].partition("]")
        try:
            IPv6Address(host)
        except AddressValueError as error:
            raise RequestRefused(f"{authority!r} names no host") from error
        if (port and not port.startswith(":")) or "%" in host:
            raise RequestRefused(f"{authority!r} names no host")
        port = port[1:]
    else:
        host, _, port = hostport.partition(":")
        try:
            host = host.lower() if host.isascii() else host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise RequestRefused(f"{authority!r} names no host") from error
        if not _HOST.fullmatch(host):
            raise RequestRefused(f"{authority!r} names no host")
    number = _DEFAULT_PORTS[scheme]
    if port:
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
            raise RequestRefused(f"{authority!r} has no port number")
        number = int(port)
    return Origin(scheme, host.lower(), number)


def clean_url(url: str) -> str:
    """The target URI to keep: without fragment, and without userinfo, which is a secret and never sent."""
    url = url.partition("#")[0]
    if "@" not in url:
        return url
    scheme, authority, target = _URL.match(url).groups()  # type: ignore[union-attr]  # split_url has matched it
    return f"{scheme}://{authority.rpartition('@')[2]}{target}"


def request_bytes(
    request: Request, origin: Origin, target: str, proxy_authorization: bytes | None
) -> bytes:
    """The whole request message; ``target`` is the path or, for a plain proxy, the absolute URL.

    :raises RequestRefused: the method, a header's name or a value would not arrive as what it is.
    """
    method = request.method.encode("latin-1", "replace")
    if not _TOKEN.fullmatch(method):
        raise RequestRefused(f"{request.method!r} is no HTTP method")
    lines = [b"%b %b HTTP/1.1" % (method, target.encode("ascii"))]
    headers = request.headers
    if b"Host" not in headers:
        lines.append(b"Host: " + origin.netloc.encode("ascii"))
    for name, values in headers.items():
        if name.lower() in _OURS:
            continue
        if not _TOKEN.fullmatch(name):
            raise RequestRefused(f"{name!r} is no header name")
        for value in values:
            if _CONTROL.search(value):
                raise RequestRefused(f"the header {name!r} has control characters in its value")
            lines.append(b"%b: %b" % (name, value))
    if proxy_authorization is not None:
        lines.append(b"Proxy-Authorization: " + proxy_authorization)
    body = request.body
    if body or method in (b"POST", b"PUT", b"PATCH"):
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"\r\n" + body)
    return b"\r\n".join(lines)
