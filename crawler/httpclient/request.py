"""The server of a request, and the bytes that are sent to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING

from w3lib.url import safe_url_string

from crawler.httpclient.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy import Request

_URL = re.compile(r"(https?)://([^/?#\\]*)([^#]*)", re.I)
_HOST = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
#: Fields that only this package may set.
_OWN_FIELDS = frozenset({b"content-length", b"transfer-encoding", b"proxy-authorization"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: The longest URL that is requested: few servers take more characters (RFC 9110 section 4.1).
MAX_URL = 8192
#: The longest part of a URL or a host that a message quotes.
_QUOTED = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, ASCII, without brackets) and port of a server."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port`` for CONNECT, which needs the port even if it is the scheme's default."""
        return f"{self.bracketed}:{self.port}"

    @property
    def netloc(self) -> str:
        """The value of the Host header: without the port if it is the scheme's default."""
        if self.port == _DEFAULT_PORTS[self.scheme]:
            return self.bracketed
        return self.authority

    @property
    def bracketed(self) -> str:
        """The host as it is written in URLs, an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host


def shortened(text: str) -> str:
    """Return a text of a stranger's, quoted, for a message."""
    return repr(text) if len(text) <= _QUOTED else f"{text[:_QUOTED]!r}…"


def check_url(url: str) -> None:
    """Check that Scrapy can make a request of a URL, and that `split_url` takes it.

    :raises RequestRefused: it can't be requested.
    """
    try:
        split_url(safe_url_string(url))  # what Request makes of it
    except ValueError as error:
        raise RequestRefused(f"the URL {shortened(url)} is not valid: {error}") from error


def split_url(url: str) -> tuple[Origin, str]:
    """Split a URL into its origin and its request target: path and query.

    User name, password and fragment are dropped.

    :raises RequestRefused: it is not http(s), its host is not valid, or it is too long or has
        control or non-ASCII characters.
    """
    parts = _URL.match(url)
    if parts is None:
        raise RequestRefused(f"only http and https URLs are fetched, not {shortened(url)}")
    if len(url) > MAX_URL:
        raise RequestRefused(f"the URL {shortened(url)} has {len(url)} characters")
    scheme, authority, target = parts.groups()
    if _UNPRINTABLE.search(target):
        raise RequestRefused(
            f"the URL {shortened(url)} has spaces, control or non-ASCII characters"
        )
    if not target.startswith("/"):
        if target.startswith("\\"):
            raise RequestRefused(
                f"the URL {shortened(url)} has a backslash at the start of its path"
            )
        target = "/" + target
    return _origin(scheme.lower(), authority), target


@lru_cache(maxsize=1024)
def _origin(scheme: str, authority: str) -> Origin:
    hostport = authority.rpartition("@")[2]
    if hostport.startswith("["):
        host, port = _split_ipv6(hostport, authority)
    else:
        host, port = _split_name(hostport, authority)
    return Origin(scheme, host, _port_number(port, scheme, authority))


def _split_ipv6(hostport: str, authority: str) -> tuple[str, str]:
    """Split ``[address]:port``; the address is in lower case, the port may be empty."""
    host, _, port = hostport[1:].partition("]")
    try:
        IPv6Address(host)
    except AddressValueError as error:
        raise RequestRefused(f"{shortened(authority)} has no valid host") from error
    if (port and not port.startswith(":")) or "%" in host:
        raise RequestRefused(f"{shortened(authority)} has no valid host")
    return host.lower(), port[1:]


def _split_name(hostport: str, authority: str) -> tuple[str, str]:
    """Split ``name:port``; the name is in ASCII and lower case, the port may be empty."""
    host, _, port = hostport.partition(":")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise RequestRefused(f"{shortened(authority)} has no valid host") from error
    host = host.lower()
    if not _HOST.fullmatch(host):
        raise RequestRefused(f"{shortened(authority)} has no valid host")
    return host, port


def _port_number(port: str, scheme: str, authority: str) -> int:
    """Return a port as a number, the scheme's default if it is empty."""
    if not port:
        return _DEFAULT_PORTS[scheme]
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise RequestRefused(f"{shortened(authority)} has no valid port")
    return int(port)


def clean_url(url: str) -> str:
    """Return the target URI to archive: without fragment and without user name and password.

    ``url`` must have passed `split_url`.
    """
    url = url.partition("#")[0]
    if "@" not in url:
        return url
    parts = _URL.match(url)
    assert parts is not None, "split_url has matched the URL"
    scheme, authority, target = parts.groups()
    return f"{scheme}://{authority.rpartition('@')[2]}{target}"


def request_bytes(
    request: Request, origin: Origin, target: str, proxy_authorization: bytes | None
) -> bytes:
    """Return the whole request message.

    ``target`` is the path or, for a proxy without a tunnel, the absolute URL.

    :raises RequestRefused: the method, a header's name or its value is not valid.
    """
    method = request.method.encode("latin-1", "replace")
    if not _TOKEN.fullmatch(method):
        raise RequestRefused(f"{request.method!r} is not a valid HTTP method")
    lines = [b"%b %b HTTP/1.1" % (method, target.encode("ascii"))]
    if b"Host" not in request.headers:
        lines.append(b"Host: " + origin.netloc.encode("ascii"))
    lines += _header_lines(request)
    if proxy_authorization is not None:
        lines.append(b"Proxy-Authorization: " + proxy_authorization)
    body = request.body
    if body or method in (b"POST", b"PUT", b"PATCH"):
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"\r\n" + body)
    return b"\r\n".join(lines)


def _header_lines(request: Request) -> Iterator[bytes]:
    """Yield a line for each value of the request's headers."""
    for name, values in request.headers.items():
        if name.lower() in _OWN_FIELDS:
            continue
        if not _TOKEN.fullmatch(name):
            raise RequestRefused(f"{name!r} is not a valid header name")
        for value in values:
            if _CONTROL.search(value):
                raise RequestRefused(f"the header {name!r} has control characters in its value")
            yield b"%b: %b" % (name, value)
