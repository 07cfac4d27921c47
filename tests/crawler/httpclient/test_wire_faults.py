"""Faults of a server: a fetch ends in time, with a known error and what was received."""

from __future__ import annotations

import asyncio
import logging
import socket
from time import monotonic

import pytest
from scrapy import Request, signals
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
)

from archive.model.exchange import digest
from crawler.httpclient import HeadTooLargeError
from tests.support.sites.raw_servers import HEAD, OK, answering, handling, run, serving, silent, to

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("answer", [b"", b"\r\n", b"ht", b"HTTP/1.1", b"HTTP/1.1 200 OK\r\nA"])
@run
async def test_no_answer_is_a_failed_download_and_nothing_is_kept(answer):
    async with serving(answering(answer, then_close=True)) as server, handling() as handler:
        with pytest.raises(DownloadFailedError):
            await handler.download_request(to(server))
        assert handler.kept == []
        assert server.connections == 1


@pytest.mark.parametrize("answer", [b"<html>\r\n", b"220 ftp ready\r\n", b"<", b"\0" * 9000])
@run
async def test_an_answer_without_any_head_is_a_failed_download_and_is_kept(answer):
    """As HTTP/0.9 answers: what came is kept, though nothing shows that it is whole."""
    async with serving(answering(answer, then_close=True)) as server, handling() as handler:
        request = to(server)
        with pytest.raises(DownloadFailedError, match="does not answer with HTTP: it sent no head"):
            await handler.download_request(request)
        (kept,) = handler.kept
        assert (kept.head, kept.body, kept.truncated) == (b"", answer, "disconnect")
        assert kept.payload_digest == digest(answer)
        assert request.meta["exchange"] == kept
        assert server.connections == 1


@pytest.mark.parametrize("first", [b"<html>", b"220 ftp ready", b"ICY 200 OK", b"200 OK"])
@run
async def test_an_answer_that_is_not_http_is_a_failed_download_and_is_kept(first):
    head = first + b"\r\nA: 1\r\n\r\n"
    async with serving(answering(head + b"what came with it")) as server, handling() as handler:
        request = to(server)
        with pytest.raises(DownloadFailedError, match="does not answer with HTTP"):
            await handler.download_request(request)
        (kept,) = handler.kept
        assert (kept.head, kept.body) == (head, b"what came with it")
        assert kept.truncated == "disconnect"
        assert request.meta["exchange"] == kept


@pytest.mark.parametrize("line", [b"0 OK", b"000 OK", b"099", b"2000 OK", b"OK", b""])
@run
async def test_an_answer_of_no_valid_status_is_received_whole_and_is_kept(line):
    head = b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n" % line
    body = b"5\r\nhello\r\n0\r\n\r\n"
    async with serving(answering(head + body)) as server, handling() as handler:
        response = await handler.download_request(to(server))
        assert (response.status, response.body) == (0, b"hello")
        (kept,) = handler.kept
        assert (kept.head, kept.body, kept.truncated) == (head, body, "")
        # Nothing in the head is sure, the framing neither: it is digested as it is stored.
        assert kept.payload_digest == digest(body)


@run
async def test_a_reset_is_a_failed_download():
    async def script(peer):
        await peer.request()
        peer.reset()

    async with serving(script) as server, handling() as handler:
        with pytest.raises(DownloadFailedError):
            await handler.download_request(to(server))


@run
async def test_a_closed_port_refuses():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        async with handling() as handler:
            with pytest.raises(DownloadConnectionRefusedError):
                await handler.download_request(
                    Request(f"http://127.0.0.1:{bound.getsockname()[1]}/")
                )


SHORT = {
    "length": (HEAD, b"hello", b"hello"),
    "chunk": (CHUNKED, b"5\r\nhel", b"hel"),
    "no last chunk": (CHUNKED, b"5\r\nhello\r\n", b"hello"),
    "broken chunk": (CHUNKED, b"5\r\nhello\r\nzz\r\n", b""),
}


@pytest.mark.parametrize("case", SHORT)
@run
async def test_a_short_body_is_data_loss_and_is_kept(case):
    head, body, payload = SHORT[case]
    async with serving(answering(head + body, then_close=True)) as server, handling() as handler:
        with pytest.raises(ResponseDataLossError):
            await handler.download_request(to(server))
        request = to(server, meta={"download_fail_on_dataloss": False})
        response = await handler.download_request(request)
        assert (response.body, response.flags) == (payload, ["dataloss"])
        assert [(e.head, e.body, e.truncated) for e in handler.kept] == [
            (head, body, "disconnect")
        ] * 2
        assert handler.crawler.stats.get_value("httpclient/truncated/disconnect") == 2


@run
async def test_a_reset_within_a_body_that_lasts_until_close_is_data_loss():
    arrived = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(OPEN + b"half")
        await arrived.wait()
        peer.reset()

    async with serving(script) as server, handling() as handler:

        def note(**_):
            arrived.set()

        handler.crawler.signals.connect(note, signals.bytes_received)
        with pytest.raises(ResponseDataLossError):
            await handler.download_request(to(server))
        assert (handler.kept[0].body, handler.kept[0].truncated) == (b"half", "disconnect")


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX"])
@run
async def test_time_is_up_before_the_head(first):
    async with serving(silent(first)) as server, handling() as handler:
        with pytest.raises(DownloadTimeoutError):
            await handler.download_request(to(server, meta={"download_timeout": 0.2}))
        assert handler.kept == []


@run
async def test_time_is_up_within_the_body():
    async with (
        serving(silent(HEAD + b"hello")) as server,
        handling(DOWNLOAD_TIMEOUT=2) as handler,
    ):
        with pytest.raises(DownloadTimeoutError):
            await handler.download_request(to(server))
        (exchange,) = handler.kept
        assert (exchange.head, exchange.body, exchange.truncated) == (HEAD, b"hello", "time")
        assert exchange.ip_address == "127.0.0.1"


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX: ", OPEN, CHUNKED + b"ffff\r\n"], ids=["head", "body", "chunk"]
)
@run
async def test_a_slow_drip_ends_in_time(start):
    async def drip(peer):
        await peer.request()
        await peer.send(start)
        while True:
            await peer.send(b"a")
            await asyncio.sleep(0.01)

    async with serving(drip) as server, handling() as handler:
        before = monotonic()
        with pytest.raises(DownloadTimeoutError):
            await handler.download_request(to(server, meta={"download_timeout": 2}))
        assert monotonic() - before < 60
        assert [e.truncated for e in handler.kept] == (["time"] if b"\r\n\r\n" in start else [])


@run
async def test_a_handshake_that_never_comes_ends_in_time():
    async with serving(silent()) as server, handling(CONNECT_TIMEOUT=0.2) as handler:
        with pytest.raises(DownloadTimeoutError):
            await handler.download_request(Request(f"https://127.0.0.1:{server.port}/"))


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", b"x" * 101),
        (CHUNKED, b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n"),
        (OPEN, b"x" * 1_000_000),
    ],
    ids=["announced", "chunked", "until close"],
)
@run
async def test_what_is_too_large_is_cut_and_kept(head, body):
    async with serving(answering(head + body, then_close=True)) as server, handling() as handler:
        with pytest.raises(DownloadCancelledError):
            await handler.download_request(to(server, meta={"download_maxsize": 100}))
        (exchange,) = handler.kept
        assert (exchange.head, exchange.truncated) == (head, "length")
        assert body.startswith(exchange.body)
        assert len(exchange.body) <= 100


@run
async def test_what_is_just_not_too_large_is_whole():
    async with (
        serving(answering(OK)) as server,
        handling(DOWNLOAD_MAXSIZE=2, DOWNLOAD_WARNSIZE=1) as handler,
    ):
        assert (await handler.download_request(to(server))).body == b"ok"


def test_the_warn_size_is_logged_once(caplog):
    @run
    async def fetch():
        async with serving(answering(OK)) as server, handling(DOWNLOAD_WARNSIZE=1) as handler:
            await handler.download_request(to(server))

    with caplog.at_level(logging.WARNING):
        fetch()
    assert [r.message.count("DOWNLOAD_WARNSIZE (1)") for r in caplog.records] == [1]


@run
async def test_half_a_million_headers_cost_nothing():
    async def flood(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(500):
            await peer.send(b"X-Flood: y\r\n" * 1000)
        await peer.send(b"\r\n")

    async with serving(flood) as server, handling() as handler:
        before = monotonic()
        with pytest.raises(HeadTooLargeError):
            await handler.download_request(to(server))
        assert monotonic() - before < 60
        assert handler.kept == []


@pytest.mark.parametrize("signal", ["headers_received", "bytes_received"])
@pytest.mark.parametrize("fail", [True, False])
@run
async def test_a_signal_handler_may_stop_the_download(signal, fail):
    seen = {}

    def stop(**arguments):
        seen.update(arguments)
        raise StopDownload(fail=fail)

    async with serving(silent(HEAD + b"hello")) as server, handling() as handler:
        handler.crawler.signals.connect(stop, getattr(signals, signal))
        if fail:
            with pytest.raises(StopDownload) as stopped:
                await handler.download_request(to(server))
            response = stopped.value.response
        else:
            response = await handler.download_request(to(server))
        assert (response.flags, response.body) == (["download_stopped"], b"hello")
        assert (handler.kept[0].body, handler.kept[0].truncated) == (b"hello", "length")
        assert seen["spider"] is handler.crawler.spider
        assert (seen.get("body_length"), seen.get("data")) in ((10, None), (None, b"hello"))
