"""One connection to a server, carrying one exchange at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


class Receiver(Protocol):
    """What a connection delivers a response to; `crawler.httpclient.transfer.Transfer` is one.

    ``connection`` is set when the request is sent; ``done`` ends when the response is complete or
    has failed.
    """

    connection: Connection | None
    done: asyncio.Future[None]

    def feed(self, data: bytes) -> None:
        """Process the next bytes received."""

    def fail(self, error: Exception) -> None:
        """End the transfer with an exception to raise."""

    def lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection; ``exc`` is None if it was closed properly."""


class Connection(asyncio.Protocol):
    """Delivers received bytes to the current receiver; unexpected bytes close the connection.

    ``ip_address`` is the server's address, None behind a proxy. ``certificate`` is the server's
    certificate as a Twisted object, as Scrapy documents it, or None. ``reused`` tells whether an
    earlier exchange used the connection. ``closed`` is done once the socket is closed.
    """

    def __init__(self, ip_address: IPv4Address | IPv6Address | None) -> None:
        self.ip_address = ip_address
        self.certificate: Any = None
        self.reused = False
        self.idle_since = 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None

    @property
    def usable(self) -> bool:
        """Whether another request may be sent over the connection."""
        return self._transport is not None and not self._transport.is_closing()

    async def perform(self, message: bytes, receiver: Receiver) -> None:
        """Send a request and wait until the receiver has its response or has failed."""
        assert self._transport is not None
        self._receiver = receiver
        receiver.connection = self
        self._transport.write(message)
        await receiver.done

    def abort(self) -> None:
        """Close the connection immediately; ``closed`` is done when the socket is closed."""
        self._receiver = None
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Receive nothing until `resume`; the server has to wait."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Receive again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport; asyncio calls this when the socket, TLS included, is connected."""
        # A cast, not an assertion: uvloop's transports have the methods of asyncio.Transport
        # without being instances of it.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Deliver bytes to the receiver; asyncio calls this when they arrive."""
        receiver = self._receiver
        if receiver is None:
            self.abort()
            return
        try:
            receiver.feed(data)
        except Exception as error:  # noqa: BLE001 - raised where the response is waited for
            receiver.fail(error)
        if receiver.done.done():
            self._receiver = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the closed socket to the receiver; asyncio calls this, whichever side closed."""
        receiver, self._receiver = self._receiver, None
        if not self.closed.done():
            self.closed.set_result(None)
        if receiver is None:
            return
        try:
            receiver.lost(exc)
        except Exception as error:  # noqa: BLE001 - raised where the response is waited for
            receiver.fail(error)
