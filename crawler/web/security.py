"""Headers that keep a page's content to itself, who may ask, and how often."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import logging
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from crawler.cli.output.printable import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("crawler.web")

#: For every answer of the reading room. It has no script; pictures of articles come from playback.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:{playback}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "X-Frame-Options": "DENY",
}
#: Where a request keeps the address that sent it.
_SENDER = "sacho_sender"
#: Clients whose pace is remembered at once.
_CLIENTS = 10_000


def headers_with(playback: str) -> dict[str, str]:
    """Return the headers of the reading room, whose pictures may come from that origin."""
    policy = POLICY.format(playback=f" {playback}" if playback else "")
    return {**HEADERS, "Content-Security-Policy": policy}


class SafeHeaders:
    """Middleware that adds headers to every answer that does not have them."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app, self._headers = app, dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may read: whoever has the token, whom a proxy names in a header, or everybody.

    ``proxies`` are the addresses that a header with a user's name is believed from. ``hosts`` are
    the values of Host that are answered, without a port; empty: any. A page of another site must
    not be able to read the archive by a name of its own for this machine's address.
    """

    token: str = ""
    user_header: str = ""
    proxies: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    def allows(self, headers: Headers, client: str) -> bool:
        """Whether a request with these headers from that address is answered."""
        if self.user_header and client in self.proxies and headers.get(self.user_header, ""):
            return True
        if self.token:
            return hmac.compare_digest(_token_of(headers).encode(), self.token.encode())
        return not self.user_header

    def knows(self, host: str) -> bool:
        """Whether requests for that host are answered."""
        return not self.hosts or _without_port(host).lower() in self.hosts


def _without_port(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name if separator and port.isdigit() and not host.endswith("]") else host


def _token_of(headers: Headers) -> str:
    """Return the token of a request: as bearer, or as the password that a browser asks for."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return decoded.partition(":")[2]


def is_loopback(host: str) -> bool:
    """Whether a name or address to listen at is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Middleware that answers only requests that `Access` allows."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 400 or 401."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._access.knows(headers.get("host", "")):
            refused = PlainTextResponse("This host is not served here.\n", 400)
            await refused(scope, receive, send)
            return
        if not self._access.allows(headers, _sender_of(scope)):
            ask = {"WWW-Authenticate": 'Basic realm="Sacho", charset="UTF-8"'}
            refused = PlainTextResponse("The token is needed, as password.\n", 401, ask)
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)


def client_of(scope: Scope) -> str:
    """Return the address that a request came from, ``""`` if it is not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def through_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Return an application that takes a client's address from the X-Forwarded headers of proxies.

    Whose connection it is stays known: a proxy that names the user names the client, too.
    """
    believing = ProxyHeadersMiddleware(app, trusted_hosts=list(proxies))  # type: ignore[arg-type]  # ASGI in other words

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[_SENDER] = client_of(scope)
        await believing(scope, receive, send)  # type: ignore[arg-type]  # as above

    return answer


def _sender_of(scope: Scope) -> str:
    """Return the address whose connection a request came by: a proxy's, if there is one."""
    return str(scope.get("state", {}).get(_SENDER, "")) or client_of(scope)


class Pace:
    """How many searches a client may ask for: ``rate`` a second in the long run, some at once."""

    def __init__(self, rate: float, at_once: int = 20) -> None:
        self._rate, self._at_once = rate, at_once
        #: By client, what is left of the searches at once, and when that was so.
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> float:
        """Count a search of a client; return after how many seconds it may be asked for, or 0."""
        if not self._rate:
            return 0.0
        now = monotonic()
        left, at = self._left.pop(client, (float(self._at_once), now))
        left = min(float(self._at_once), left + (now - at) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._left[client] = (left if wait else left - 1, now)
        if len(self._left) > _CLIENTS:
            del self._left[next(iter(self._left))]  # the one that has not asked for longest
        return wait


class PacedSearch:
    """Middleware that answers 429 to a client that searches too often."""

    def __init__(self, app: ASGIApp, pace: Pace, paths: Collection[str]) -> None:
        self._app, self._pace, self._paths = app, pace, tuple(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say when to ask again."""
        if scope["type"] == "http" and scope["path"].startswith(self._paths):
            wait = self._pace.wait(client_of(scope))
            if wait:
                seconds = str(int(wait) + 1)
                sentence = f"Too many searches at once; ask again in {seconds} s.\n"
                refused = PlainTextResponse(sentence, 429, {"Retry-After": seconds})
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


class RequestLog:
    """Middleware that logs every request: without its query, which says what a reader looks for."""

    def __init__(self, app: ASGIApp, *, with_queries: bool = False) -> None:
        self._app, self._with_queries = app, with_queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        begin = perf_counter()

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            query = scope.get("query_string", b"").decode("latin-1")
            asked = scope["path"] + (f"?{query}" if query and self._with_queries else "")
            milliseconds = (perf_counter() - begin) * 1000
            _log.info(
                "%s %s %s %d %.0f ms",
                client_of(scope),
                scope["method"],
                printable(asked),
                status,
                milliseconds,
            )
