"""Connections: reuse, a new one after a close, the next address, and closing at the end."""

from __future__ import annotations

import asyncio
import socket

import pytest
from scrapy import Request, signals
from scrapy.exceptions import DownloadFailedError
from scrapy.http import HtmlResponse

from tests.support.sites.raw_servers import HEAD, OK, answering, handling, run, serving, silent, to


@run
async def test_connections_are_reused():
    async with serving(answering(OK)) as server, handling() as handler:
        for _ in range(3):
            response = await handler.download_request(to(server))
        assert isinstance(response, HtmlResponse)
        assert (len(server.requests), server.connections) == (3, 1)
        assert handler.crawler.stats.get_value("httpclient/connections") == 1


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK + b"HTTP/1.1 200 OK\r\n\r\npoison",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["close", "excess", "1.0"],
)
@run
async def test_connections_are_not_reused_when_either_end_may_be_elsewhere(answer):
    async with serving(answering(answer)) as server, handling() as handler:
        for _ in range(3):
            assert (await handler.download_request(to(server))).body == b"ok"
        assert server.connections == 3


@run
async def test_idle_connections_are_bounded_and_closed():
    async with (
        serving(answering(OK)) as server,
        handling(CONCURRENT_REQUESTS_PER_DOMAIN=2) as handler,
    ):
        await asyncio.gather(*(handler.download_request(to(server)) for _ in range(5)))
        assert server.connections == 5
        await asyncio.gather(*(handler.download_request(to(server)) for _ in range(2)))
        assert server.connections == 5
        await handler.close()
        await asyncio.wait(server.tasks)
        await handler.download_request(to(server))
        assert server.connections == 6


def dying(number_of_good: int, last: bytes = b"", reset: bool = False):
    """Answer some requests of the first connection and close it at the next; serve all others."""

    async def script(peer):
        if peer.server.connections > 1:
            await answering(OK)(peer)
        for _ in range(number_of_good):
            await peer.request()
            await peer.send(OK)
        await peer.request()
        await peer.send(last)
        if reset:
            peer.reset()

    return script


@pytest.mark.parametrize("reset", [False, True])
@run
async def test_a_reused_connection_that_dies_unanswered_is_replaced_once(reset):
    async with serving(dying(2, reset=reset)) as server, handling() as handler:
        for _ in range(3):
            assert (await handler.download_request(to(server))).body == b"ok"
        assert (server.connections, len(server.requests), len(handler.kept)) == (2, 4, 3)
        assert handler.crawler.stats.get_value("httpclient/stale_retries") == 1


@pytest.mark.parametrize(
    ("good", "last", "method"),
    [(0, b"", "GET"), (1, b"", "POST"), (1, b"H", "GET")],
    ids=["new", "POST", "answered"],
)
@run
async def test_no_other_death_is_retried(good, last, method):
    async with serving(dying(good, last)) as server, handling() as handler:
        for _ in range(good):
            await handler.download_request(to(server))
        with pytest.raises(DownloadFailedError):
            await handler.download_request(to(server, method=method))
        assert server.connections == 1


@run
async def test_a_cancelled_fetch_leaves_no_connection():
    async with serving(silent(HEAD)) as server, handling() as handler:
        came = asyncio.Event()

        def note(**_):
            came.set()

        handler.crawler.signals.connect(note, signals.headers_received)
        task = asyncio.ensure_future(handler.download_request(to(server)))
        await came.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await asyncio.wait(server.tasks)  # the server has seen it close


@run
async def test_the_next_address_is_tried():
    async def getaddrinfo(*_, **__):
        return [
            (socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)),
            (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0)),
        ]

    async with serving(answering(OK)) as server, handling() as handler:
        asyncio.get_running_loop().getaddrinfo = getaddrinfo
        response = await handler.download_request(Request(f"http://two.example:{server.port}/"))
        assert str(response.ip_address) == handler.kept[0].ip_address == "127.0.0.1"


@pytest.mark.parametrize(
    ("setting", "meta"), [("127.0.0.2", None), (None, "127.0.0.3"), (("127.0.0.2", 0), None)]
)
@run
async def test_the_local_address_is_bound(setting, meta):
    peers = []

    async def script(peer):
        peers.append(peer.writer.get_extra_info("peername")[0])
        await answering(OK)(peer)

    async with serving(script) as server, handling(DOWNLOAD_BIND_ADDRESS=setting) as handler:
        await handler.download_request(to(server, meta={"bindaddress": meta} if meta else {}))
        assert peers == [meta or ("127.0.0.2")]
