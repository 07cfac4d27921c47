"""Open a connection: TCP to a checked address, a tunnel through a proxy, TLS for https."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
)
from twisted.internet.ssl import Certificate

from crawler.httpclient.address_guard import check_host
from crawler.httpclient.connection import Connection
from crawler.httpclient.errors import CertificateError
from crawler.httpclient.proxy import open_tunnel

if TYPE_CHECKING:
    from crawler.httpclient.dns import Resolver
    from crawler.httpclient.proxy import Proxy
    from crawler.httpclient.request import Origin

#: The failures after which the host's next address is tried.
_CONNECT_ERRORS = (OSError, DownloadFailedError)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection leads to; equal routes may share one.

    ``bind`` is the local (address, port) or None.
    """

    origin: Origin
    proxy: Proxy | None
    bind: tuple[str, int] | None


class Connector:
    """Opens connections to addresses that ``resolver`` has checked.

    A proxy may have any address: the operator chose it. ``timeout`` is the limit for one address,
    in seconds: TCP, tunnel and TLS together.
    """

    def __init__(self, resolver: Resolver, tls: ssl.SSLContext, timeout: float) -> None:
        self._resolver = resolver
        self._tls = tls
        self._timeout = timeout

    async def connect(self, route: Route) -> Connection:
        """Connect to the first of the host's addresses that accepts, and return the connection.

        :raises AddressRefused: no address may be connected to.
        :raises CannotResolveHostError: the host has no address.
        :raises CertificateError: the server's certificate does not verify.
        :raises DownloadConnectionRefusedError: the last address tried refuses.
        :raises DownloadTimeoutError: the last address tried does not answer.
        :raises DownloadFailedError: any other failure of TCP, TLS or the tunnel.
        """
        failure: Exception = CannotResolveHostError(f"{route.origin.host} has no address")
        for address, port in await self._addresses(route):
            try:
                async with asyncio.timeout(self._timeout or None):
                    return await self._open(route, address, port)
            except _CONNECT_ERRORS as error:
                failure = _translate(error, f"{route.origin.host} at {address} port {port}")
                if isinstance(failure, CertificateError):
                    break
        raise failure

    async def _addresses(self, route: Route) -> list[tuple[str, int]]:
        proxy = route.proxy
        if proxy is None:
            return await self._resolver.resolve(route.origin.host, route.origin.port)
        self._resolver.check_port(route.origin.host, route.origin.port)
        check_host(route.origin.host, allow_loopback=self._resolver.allow_loopback)
        return [(address, proxy.port) for address in await self._resolver.lookup(proxy.host)]

    async def _open(self, route: Route, address: str, port: int) -> Connection:
        loop = asyncio.get_running_loop()
        peer = ip_address(address)
        secure = route.origin.scheme == "https"
        sock = await _connect(peer, port, route.bind)
        if route.proxy is not None and secure:
            try:
                await open_tunnel(sock, route.proxy, route.origin)
            except BaseException:
                sock.close()
                raise
        # From here on asyncio owns the socket and closes it when the handshake fails. It must not
        # be closed here as well, while the event loop uses it.
        tls: dict[str, Any] = {}
        if secure:
            tls = {"ssl": self._tls, "server_hostname": route.origin.host.rstrip(".")}
        ip_address_of_server = peer if route.proxy is None else None
        transport, connection = await loop.create_connection(
            lambda: Connection(ip_address_of_server), sock=sock, **tls
        )
        session = transport.get_extra_info("ssl_object")
        if session is not None:
            certificate = session.getpeercert(binary_form=True)
            connection.certificate = Certificate.load(certificate) if certificate else None
        return connection


async def _connect(
    peer: IPv4Address | IPv6Address, port: int, bind: tuple[str, int] | None
) -> socket.socket:
    family = socket.AF_INET if peer.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if bind is not None:
            sock.bind(bind)
        await asyncio.get_running_loop().sock_connect(sock, (str(peer), port))
    except BaseException:
        sock.close()
        raise
    return sock


def _translate(error: OSError | DownloadFailedError, where: str) -> Exception:
    """Return Scrapy's exception for an error while connecting to ``where``."""
    if isinstance(error, DownloadFailedError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        failure: Exception = CertificateError(f"{where}: {error.verify_message}")
    elif isinstance(error, TimeoutError):
        failure = DownloadTimeoutError(f"no connection to {where} in time")
    elif error.errno == errno.ECONNREFUSED:
        failure = DownloadConnectionRefusedError(f"{where} refuses connections")
    else:
        failure = DownloadFailedError(f"no connection to {where}: {error}")
    failure.__cause__ = error
    return failure
