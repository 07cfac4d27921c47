"""One connection to a server, carrying one exchange at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from crawler.httpclient.transfer import Transfer


class Connection(asyncio.Protocol):
    """Hands what arrives to the transfer under way; bytes nobody asked for end the connection.

    ``ip_address`` is the server's, None behind a proxy; ``certificate`` Twisted's view of its
    certificate, as Scrapy documents it, or None; ``reused`` whether an earlier exchange went over
    it; ``closed`` is done once the socket is.
    """

    def __init__(self, ip_address: IPv4Address | IPv6Address | None) -> None:
        self.ip_address = ip_address
        self.certificate: Any = None
        self.reused = False
        self.idle_since = 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._transfer: Transfer | None = None

    @property
    def usable(self) -> bool:
        """Whether another request may be tried on it."""
        return self._transport is not None and not self._transport.is_closing()

    async def perform(self, message: bytes, transfer: Transfer) -> None:
        """Send a request and wait until the transfer has its response or has failed."""
        assert self._transport is not None
        self._transfer = transfer
        transfer.connection = self
        self._transport.write(message)
        await transfer.done

    def abort(self) -> None:
        """Close at once; ``closed`` tells when that has happened."""
        self._transfer = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's: the socket is up, TLS included."""
        # Not asserted: uvloop's transports are what asyncio.Transport describes without being of
        # that class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Asyncio's: bytes came."""
        transfer = self._transfer
        if transfer is None:
            self.abort()
            return
        transfer.feed(data)
        if transfer.done.done():
            self._transfer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: the socket is closed, by either side."""
        transfer, self._transfer = self._transfer, None
        if transfer is not None:
            transfer.lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)
