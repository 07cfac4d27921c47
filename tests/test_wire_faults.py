"""Whatever a server does, a fetch ends in time, in one known way, and what had come of the answer is kept."""

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
from scrapy.http import HtmlResponse

from crawler.wire import HeadTooLargeError, RequestRefused
from tests.wire_kit import answering, handling, run, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"


def silent(first: bytes = b""):
    """A script that reads a request, sends ``first`` and then nothing until the client goes."""

    async def script(peer):
        await peer.request()
        await peer.send(first)
        await peer.reader.read()

    return script


def to(server, **more):
    return Request(f"http://127.0.0.1:{server.port}/", **more)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nA", b"<html>\r\n\r\n", b"220 ftp ready\r\n\r\n"])
@run
async def test_no_answer_is_a_failed_download_and_nothing_is_kept(answer):
    async with serving(answering(answer, then_close=True)) as server, handling() as handler:
        with pytest.raises(DownloadFailedError):
            await handler.download_request(to(server))
        assert handler.kept == []
        assert server.connections == 1


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
                await handler.download_request(Request(f"http://127.0.0.1:{bound.getsockname()[1]}/"))


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
        assert [(e.head, e.body, e.truncated) for e in handler.kept] == [(head, body, "disconnect")] * 2
        assert handler.crawler.stats.get_value("wire/truncated/disconnect") == 2


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
    async with serving(silent(HEAD + b"hello")) as server, handling(DOWNLOAD_TIMEOUT=0.3) as handler:
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
            await handler.download_request(to(server, meta={"download_timeout": 0.4}))
        assert monotonic() - before < 5.4
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
    async with serving(answering(OK)) as server, handling(DOWNLOAD_MAXSIZE=2, DOWNLOAD_WARNSIZE=1) as handler:
        assert (await handler.download_request(to(server))).body == b"ok"


def test_the_warn_size_is_said_once(caplog):
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
        assert monotonic() - before < 5
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


@run
async def test_connections_are_reused():
    async with serving(answering(OK)) as server, handling() as handler:
        for _ in range(3):
            response = await handler.download_request(to(server))
        assert isinstance(response, HtmlResponse)
        assert (len(server.requests), server.connections) == (3, 1)
        assert handler.crawler.stats.get_value("wire/connections") == 1


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
    async with serving(answering(OK)) as server, handling(CONCURRENT_REQUESTS_PER_DOMAIN=2) as handler:
        await asyncio.gather(*(handler.download_request(to(server)) for _ in range(5)))
        assert server.connections == 5
        await asyncio.gather(*(handler.download_request(to(server)) for _ in range(2)))
        assert server.connections == 5
        await handler.close()
        await asyncio.wait(server.tasks)
        await handler.download_request(to(server))
        assert server.connections == 6


def dying(number_of_good: int, last: bytes = b"", reset: bool = False):
    """Answer some requests of the first connection, then close it on reading the next; others are well."""

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
        assert handler.crawler.stats.get_value("wire/stale_retries") == 1


@pytest.mark.parametrize(
    ("good", "last", "method"), [(0, b"", "GET"), (1, b"", "POST"), (1, b"H", "GET")], ids=["new", "POST", "answered"]
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
        return [(socket.AF_INET6, 1, 6, "", ("::1", 0, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]

    async with serving(answering(OK)) as server, handling() as handler:
        asyncio.get_running_loop().getaddrinfo = getaddrinfo
        response = await handler.download_request(Request(f"http://two.example:{server.port}/"))
        assert str(response.ip_address) == handler.kept[0].ip_address == "127.0.0.1"


@pytest.mark.parametrize(("setting", "meta"), [("127.0.0.2", None), (None, "127.0.0.3"), (("127.0.0.2", 0), None)])
@run
async def test_the_local_address_is_bound(setting, meta):
    peers = []

    async def script(peer):
        peers.append(peer.writer.get_extra_info("peername")[0])
        await answering(OK)(peer)

    async with serving(script) as server, handling(DOWNLOAD_BIND_ADDRESS=setting) as handler:
        await handler.download_request(to(server, meta={"bindaddress": meta} if meta else {}))
        assert peers == [meta or ("127.0.0.2")]


REFUSED = {
    "scheme": {"url": "ftp://127.0.0.1/"},
    "file": {"url": "file:///etc/passwd"},
    "CR LF in URL": {"url": "http://127.0.0.1/\r\nX: y", "meta": {"verbatim_url": True}},
    "space in URL": {"url": "http://127.0.0.1/a b", "meta": {"verbatim_url": True}},
    "Hangul in URL": {"url": "http://127.0.0.1/뉴스", "meta": {"verbatim_url": True}},
    "CR LF in host": {"url": "http://a\r\nb/", "meta": {"verbatim_url": True}},
    "no host": {"url": "http:///a", "meta": {"verbatim_url": True}},
    "port": {"url": "http://127.0.0.1:99999/", "meta": {"verbatim_url": True}},
    "backslash": {"url": "http://8.8.8.8\\@127.0.0.1/", "meta": {"verbatim_url": True}},
    "empty label": {"url": "https://.a.example/", "meta": {"verbatim_url": True, "proxy": "http://127.0.0.1:1"}},
    "long label": {"url": f"https://{'a' * 64}.example/", "meta": {"verbatim_url": True}},
    "percent": {"url": "http://%31%32%37.0.0.1/", "meta": {"verbatim_url": True}},
    "zone": {"url": "http://[fe80::1%25lo]/", "meta": {"verbatim_url": True}},
    "header value": {"url": "http://127.0.0.1/", "headers": {"X": "a\r\nCookie: b"}},
    "header NUL": {"url": "http://127.0.0.1/", "headers": {"X": "a\0b"}},
    "header name": {"url": "http://127.0.0.1/", "headers": {"X: y\r\nZ": "a"}},
    "method": {"url": "http://127.0.0.1/", "method": "GET / HTTP/1.1\r\nX:"},
    "TLS proxy": {"url": "http://8.8.8.8/", "meta": {"proxy": "https://127.0.0.1:1"}},
    "proxy secret": {
        "url": "https://8.8.8.8/",
        "meta": {"proxy": "http://127.0.0.1:1"},
        "headers": {"Proxy-Authorization": "a\r\nX: y"},
    },
}


@pytest.mark.parametrize("case", REFUSED)
@run
async def test_requests_that_would_not_arrive_as_they_are_are_refused(case):
    async with handling() as handler:
        with pytest.raises(RequestRefused):
            await handler.download_request(Request(**REFUSED[case]))
        assert handler.crawler.stats.get_value("wire/refused/request_refused") == 1
        assert handler.crawler.stats.get_value("wire/connections") is None


@run
async def test_a_copied_request_does_not_keep_the_exchange_of_another():
    async with serving(answering(OK, b"", then_close=False)) as server, handling() as handler:
        first = to(server)
        await handler.download_request(first)
        assert "exchange" in first.meta
        second = first.replace(meta={**first.meta, "download_timeout": 0.2})
        with pytest.raises(DownloadTimeoutError):
            await handler.download_request(second)
        assert "exchange" not in second.meta


class BrokenSink:
    def keep(self, *_):
        raise OSError(28, "no space left on device")


@run
async def test_what_cannot_be_kept_is_not_returned():
    async with serving(answering(OK)) as server, handling(EXCHANGE_SINK=BrokenSink) as handler:
        with pytest.raises(OSError, match="no space"):
            await handler.download_request(to(server))


@run
async def test_both_schemes_share_one_handler_and_no_sink_is_needed():
    async with serving(answering(OK)) as server, handling(EXCHANGE_SINK=None) as handler:
        assert type(handler).from_crawler(handler.crawler) is handler
        request = to(server)
        await handler.download_request(request)
        assert request.meta["exchange"].body == b"ok"
