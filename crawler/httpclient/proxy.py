"""The proxy of a request, and opening a tunnel through it."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from archive.http.message import HEAD_END, MessageError, parse_head
from crawler.httpclient.errors import RequestRefused, TunnelError

if TYPE_CHECKING:
    import socket
    from urllib.parse import SplitResult

    from scrapy import Request

    from crawler.httpclient.request import Origin

_ANSWER_BYTES = 64 * 1024
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: host, port and the Proxy-Authorization value to send to it, or None."""

    host: str
    port: int
    authorization: bytes | None


def proxy_of(request: Request) -> Proxy | None:
    """Return the proxy in ``request.meta["proxy"]``, None without one.

    Scrapy's HttpProxyMiddleware or the operator has set it.

    :raises RequestRefused: it is not an ``http://`` proxy; no other kind is supported.
    """
    url = request.meta.get("proxy")
    if not url:
        return None
    if "://" not in url:
        url = f"http://{url}"
    parts = urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError as error:
        raise RequestRefused("the proxy has no valid port") from error
    if parts.scheme != "http" or not parts.hostname:
        raise RequestRefused(
            f"only http:// proxies are supported, not {parts.scheme}://{parts.hostname}"
        )
    authorization = request.headers.get(b"Proxy-Authorization")
    if authorization is None:
        authorization = _basic_authorization(parts)
    if authorization is not None and _CONTROL.search(authorization):
        raise RequestRefused("the header Proxy-Authorization has control characters in its value")
    return Proxy(parts.hostname, port, authorization)


def _basic_authorization(parts: SplitResult) -> bytes | None:
    """Return the Proxy-Authorization value of a URL's user name and password, None without."""
    if parts.username is None:
        return None
    secret = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
    return b"Basic " + base64.b64encode(secret)


async def open_tunnel(sock: socket.socket, proxy: Proxy, origin: Origin) -> None:
    """Ask the proxy that a socket is connected to for a tunnel; the exchange is not archived.

    :raises TunnelError: the proxy answers with a status other than 2xx, or not with HTTP.
    """
    loop = asyncio.get_running_loop()
    authority = origin.authority.encode("ascii")
    lines = [b"CONNECT %b HTTP/1.1" % authority, b"Host: " + authority]
    if proxy.authorization is not None:
        lines.append(b"Proxy-Authorization: " + proxy.authorization)
    await loop.sock_sendall(sock, b"\r\n".join(lines) + b"\r\n\r\n")
    answer = bytearray()
    while (end := HEAD_END.search(answer)) is None:
        data = await loop.sock_recv(sock, 4096)
        answer += data
        if not data or len(answer) > _ANSWER_BYTES:
            raise TunnelError(f"the proxy {proxy.host}:{proxy.port} did not answer CONNECT")
    try:
        head = parse_head(bytes(answer[: end.end()]))
    except MessageError as error:
        raise TunnelError(
            f"the proxy {proxy.host}:{proxy.port} did not answer with HTTP"
        ) from error
    if not 200 <= head.status < 300:
        raise TunnelError(
            f"the proxy {proxy.host}:{proxy.port} answered {head.status} {head.reason}"
        )
    if len(answer) > end.end():
        # In TLS the client sends first, so these bytes are not from the origin.
        raise TunnelError(f"the proxy {proxy.host}:{proxy.port} sent bytes through the tunnel")
