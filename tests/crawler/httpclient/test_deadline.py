"""The time that we hold a response back is not the server's; the time that it stalls is."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from scrapy.exceptions import DownloadTimeoutError

from crawler.httpclient.budget import ByteBudget
from crawler.httpclient.deadline import Deadline
from tests.support.sites.raw_servers import handling, run, serving, to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy.http import Response

    from tests.support.sites.raw_servers import Peer

HALF = b"x" * 300_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n"
#: Seconds that a request may take, and more than that.
TIMEOUT = 10
LONGER = 12


def pass_time(seconds: float) -> None:
    """Put the clock of the event loop forward."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]


class HeldFetch:
    """A fetch that was held back for longer than its timeout, and goes on.

    ``rest`` lets the server send the second half of the body.
    """

    def __init__(self) -> None:
        self.rest = asyncio.Event()
        self.response: asyncio.Task[Response]
        self.longest_held: float | None = None


@asynccontextmanager
async def held_fetch() -> AsyncIterator[HeldFetch]:
    fetch = HeldFetch()
    unprocessed = len(HALF)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + HALF)
        await fetch.rest.wait()
        await peer.send(HALF)

    async with serving(script) as server, handling(DOWNLOAD_TIMEOUT=TIMEOUT) as handler:
        handler._budget = ByteBudget(lambda: unprocessed, most=len(HALF) - 1)
        fetch.response = asyncio.create_task(handler.download_request(to(server)))
        while not any(handler._budget._transfers.values()):
            await asyncio.sleep(0)
        pass_time(LONGER)
        unprocessed = 0
        while not fetch.response.done() and any(handler._budget._transfers.values()):
            await asyncio.sleep(0)
        yield fetch
        assert handler.crawler.stats is not None
        assert handler.crawler.stats.get_value("httpclient/longest_held") >= LONGER


@run
async def test_a_response_held_back_for_longer_than_its_timeout_is_received():
    async with held_fetch() as fetch:
        fetch.rest.set()
        response = await fetch.response
        assert response.body == HALF + HALF


@run
async def test_a_server_that_stalls_after_that_has_no_more_time_than_any():
    async with held_fetch() as fetch:
        await asyncio.sleep(0)
        assert not fetch.response.done()
        pass_time(LONGER)
        with pytest.raises(DownloadTimeoutError):
            await fetch.response


@run
async def test_what_is_never_let_go_on_ends_all_the_same():
    async def hold_for_ever() -> None:
        async with asyncio.timeout(TIMEOUT) as limit:
            Deadline(limit, most=LONGER).hold()
            pass_time(TIMEOUT + LONGER)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await hold_for_ever()


@run
async def test_no_more_than_the_most_is_given_back():
    async with asyncio.timeout(TIMEOUT) as limit:
        end = limit.when()
        deadline = Deadline(limit, most=LONGER)
        for _ in range(2):
            deadline.hold()
            pass_time(LONGER - 1)
            deadline.go_on()
        assert (limit.when(), deadline.held >= 2 * (LONGER - 1)) == (end + LONGER, True)


@run
async def test_a_request_without_a_timeout_has_none_after_it_was_held_back():
    async with asyncio.timeout(None) as limit:
        deadline = Deadline(limit)
        deadline.hold()
        deadline.go_on()
        assert limit.when() is None
