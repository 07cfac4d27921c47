"""Resolve host names to addresses that may be connected to."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING

from scrapy.exceptions import CannotResolveHostError

from crawler.httpclient.address_guard import check_address, check_host, is_loopback
from crawler.httpclient.errors import AddressRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scrapy.settings import BaseSettings

#: Seconds for which an answer is cached. Outlets move, and a crawl of months must notice it.
_CACHED_SECONDS = 300.0


class Resolver:
    """Resolves host names and checks the addresses; exactly what it returns is connected to.

    So a second DNS answer cannot get past the check.

    ``ports`` are those that may be connected to beside ``ALLOWED_PORTS``.

    Settings: ``DNSCACHE_ENABLED``, ``DNSCACHE_SIZE``, ``DNS_TIMEOUT`` (Scrapy's),
    ``ALLOWED_PORTS`` (80 and 443), ``ALLOW_LOOPBACK`` (False: 127/8 and ::1 are refused like all
    private addresses), ``RESOLVER_MAP`` (for tests: ``{"host" or "host:port": "ip:port"}``,
    loopback addresses only, invalid without ``ALLOW_LOOPBACK``). With a map, only its names lead
    to loopback addresses: other links of a mapped outlet's page to them are refused.
    """

    def __init__(self, settings: BaseSettings, ports: Iterable[int] = ()) -> None:
        self._ports = {*_ports(settings), *ports}
        self._timeout = settings.getfloat("DNS_TIMEOUT") or None
        self._size = 0
        if settings.getbool("DNSCACHE_ENABLED"):
            self._size = settings.getint("DNSCACHE_SIZE")
        self._cache: dict[str, tuple[float, list[str]]] = {}
        self._map = _loopback_map(settings.getdict("RESOLVER_MAP"))
        allowed = settings.getbool("ALLOW_LOOPBACK")
        if self._map and not allowed:
            raise ValueError(
                "RESOLVER_MAP leads to loopback addresses and so requires ALLOW_LOOPBACK"
            )
        self.allow_loopback = allowed and not self._map

    async def resolve(self, host: str, port: int) -> list[tuple[str, int]]:
        """Return the addresses and ports to connect to, in order, without those that are refused.

        :raises CannotResolveHostError: the name has no address.
        :raises AddressRefused: none of its addresses, or not the port, may be connected to.
        """
        mapped = self._map.get(f"{host}:{port}") or self._map.get(host)
        if mapped is not None:
            return [mapped]
        self.check_port(host, port)
        check_host(host, allow_loopback=self.allow_loopback)
        allowed: list[tuple[str, int]] = []
        refusal: AddressRefused | None = None
        for address in await self.lookup(host):
            try:
                check_address(address, allow_loopback=self.allow_loopback)
            except AddressRefused as error:
                refusal = error
            else:
                allowed.append((address, port))
        if not allowed:
            raise AddressRefused(f"{host} is not connected to: {refusal}") from refusal
        return allowed

    def check_port(self, host: str, port: int) -> None:
        """Check the port of a URL: other services than web servers listen on the others.

        :raises AddressRefused: it may not be connected to.
        """
        is_mapped = host in self._map or f"{host}:{port}" in self._map
        if port not in self._ports and not is_mapped and not self.allow_loopback:
            raise AddressRefused(f"port {port} of {host} is none of ALLOWED_PORTS")

    async def lookup(self, host: str) -> list[str]:
        """Return all addresses of a name, unchecked; the cache holds them unchecked as well.

        :raises CannotResolveHostError: the name has no address, or none came within
            ``DNS_TIMEOUT``.
        """
        cached = self._cache.get(host)
        if cached is not None and cached[0] > monotonic():
            return cached[1]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise CannotResolveHostError(
                f"no DNS answer for {host} in {self._timeout} s"
            ) from error
        except (OSError, UnicodeError) as error:
            raise CannotResolveHostError(f"{host} does not resolve: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses:
            raise CannotResolveHostError(f"{host} has no address")
        if self._size:
            self._cache.pop(host, None)
            if len(self._cache) >= self._size:
                del self._cache[next(iter(self._cache))]
            self._cache[host] = (monotonic() + _CACHED_SECONDS, addresses)
        return addresses


def _ports(settings: BaseSettings) -> set[int]:
    """Return the ports of ALLOWED_PORTS.

    :raises ValueError: one of them is none.
    """
    given = [str(port).strip() for port in settings.getlist("ALLOWED_PORTS", [80, 443])]
    if not all(port.isdecimal() and 0 < int(port) < 65536 for port in given):
        raise ValueError(f"ALLOWED_PORTS may contain only port numbers, not {', '.join(given)}")
    return set(map(int, given))


def _loopback_map(setting: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    destinations = {}
    for name, destination in setting.items():
        address, _, port = destination.rpartition(":")
        address = address.strip("[]")
        if not is_loopback(ip_address(address)):
            raise ValueError(f"RESOLVER_MAP may contain only loopback addresses, not {destination}")
        destinations[name.lower()] = (address, int(port))
    return destinations
