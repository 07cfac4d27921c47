"""Raw servers on loopback, and a handler to fetch from them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.utils.test import get_crawler

from crawler.httpclient import ArchivingDownloadHandler
from tests.support.fault_server.scripts import reset

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from archive.model.exchange import Exchange

OUTLET = "www.etoday.co.kr"
#: The head of an answer of ten bytes, and a whole answer of two.
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
#: Seconds after which a test hangs: those that read bombs take 10 on an idle machine.
_PATIENCE = 300


class Sink:
    """Keeps in memory what it is handed."""

    def __init__(self) -> None:
        self.kept: list[Exchange] = []

    def store(self, request: Request, exchange: Exchange) -> None:
        assert request.meta["exchange"] is exchange
        self.kept.append(exchange)


class Peer:
    """One accepted connection, from the server's side."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: Server
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.server = server

    async def request(self) -> bytes:
        """The next request, byte for byte; IncompleteReadError once the client has gone."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        body = b""
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                body = await self.reader.readexactly(int(line.split(b":")[1]))
        self.server.requests.append(head + body)
        return head + body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with a RST rather than a FIN."""
        reset(self.writer)


class Server:
    """A listening server; ``requests`` are those read, ``connections`` counts those accepted."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        self.tasks: set[asyncio.Task[None]] = set()


@contextlib.asynccontextmanager
async def serving(
    script: Any, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Server]:
    """Run ``script`` for each connection, then close it."""
    state = Server()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        task = asyncio.current_task()
        assert task is not None
        state.tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            await script(Peer(reader, writer, state))
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    server = await asyncio.start_server(accepted, host, 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in state.tasks:
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await server.wait_closed()


def answering(*answers: bytes, then_close: bool = False) -> Any:
    """Give the n-th answer to the n-th request of a connection, the last one for ever."""

    async def script(peer: Peer) -> None:
        number = 0
        while True:
            await peer.request()
            await peer.send(answers[min(number, len(answers) - 1)])
            number += 1
            if then_close:
                return

    return script


def silent(first: bytes = b"") -> Any:
    """A script that reads a request, sends ``first`` and then nothing until the client goes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(first)
        await peer.reader.read()

    return script


def to(server: Server, **more: Any) -> Request:
    """A request to a server."""
    return Request(f"http://127.0.0.1:{server.port}/", **more)


def tunnelling(port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Any:
    """A script of a proxy that leads every CONNECT to a loopback port."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

        back = asyncio.ensure_future(pump(reader, peer.writer))
        try:
            await pump(peer.reader, writer)
        finally:
            back.cancel()
            writer.close()
            await asyncio.gather(back, writer.wait_closed(), return_exceptions=True)

    return script


@contextlib.asynccontextmanager
async def handling(**settings: Any) -> AsyncIterator[ArchivingDownloadHandler]:
    """A handler with a memory sink (``handler.kept``) that may dial loopback; closed at the end."""
    defaults = {
        "ALLOW_LOOPBACK": True,
        "EXCHANGE_SINK": Sink,
        "DOWNLOAD_TIMEOUT": 20,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
    }
    crawler = get_crawler(settings_dict={**defaults, **settings})
    crawler.spider = crawler._create_spider("test")
    handler = ArchivingDownloadHandler.from_crawler(crawler)
    handler.kept = getattr(handler._sink, "kept", [])  # type: ignore[attr-defined]
    try:
        yield handler
    finally:
        await handler.close()


def run(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make an async test function one that pytest runs."""

    @functools.wraps(test)
    def sync(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(_PATIENCE):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return sync
