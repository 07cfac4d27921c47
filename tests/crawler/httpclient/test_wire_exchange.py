"""An exchange is stored as it was transferred, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from scrapy import Request

from archive.http.message import parse_head, payload
from tests.support.fault_server.certificates import authority
from tests.support.sites.raw_servers import (
    OUTLET,
    answering,
    handling,
    run,
    serving,
    tunnelling,
)

#: name: (head, body as served, payload, whether the server closes)
CASES = {
    "plain": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"hello", b"hello", False),
    "reason": (
        b"HTTP/1.1 200 \xc1\xc1\xbe\xc6 Fine  \r\nContent-Length: 2\r\n\r\n",
        b"ok",
        b"ok",
        False,
    ),
    "no reason": (b"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\n", b"no", b"no", False),
    "case and order": (
        b"HTTP/1.1 200 OK\r\nx-B: 1\r\ncOnTent-LENGTH:3\r\nX-a:  2 \r\n\r\n",
        b"abc",
        b"abc",
        False,
    ),
    "doubled": (
        b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 1\r\nA: 2\r\nContent-Length: 1\r\n\r\n",
        b"x",
        b"x",
        False,
    ),
    "EUC-KR value": (
        b"HTTP/1.1 200 OK\r\nX-T: \xb4\xba\xbd\xba\r\nContent-Length: 1\r\n\r\n",
        b"x",
        b"x",
        False,
    ),
    "no colon": (
        b"HTTP/1.1 200 OK\r\nthis line has none\r\nContent-Length: 1\r\n\r\n",
        b"x",
        b"x",
        False,
    ),
    "space in name": (b"HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 1\r\n\r\n", b"x", b"x", False),
    "folded": (b"HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length: 1\r\n\r\n", b"x", b"x", False),
    "LF only": (b"HTTP/1.1 200 OK\nX: 1\nContent-Length: 4\n\n", b"\nabc", b"\nabc", False),
    "mixed ends": (b"HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 1\r\n\n", b"x", b"x", False),
    "HTTP/1.0": (
        b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n",
        b"until\r\n\r\nthe end",
        b"until\r\n\r\nthe end",
        True,
    ),
    "until close": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 300_000, b"x" * 300_000, True),
    "empty until close": (b"HTTP/1.1 200 OK\r\n\r\n", b"", b"", True),
    "lengths differ": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n",
        b"abc",
        b"abc",
        True,
    ),
    "no such length": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"abc", b"abc", True),
    "204": (b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n", b"", b"", False),
    "304": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\nETag: x\r\n\r\n",
        b"",
        b"",
        False,
    ),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", b"", False),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5\r\nhello\r\n0006 \r\n\r\nworl\r\n1;a=b;c\r\nd\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"hello\r\nworld",
        False,
    ),
    "chunked LF": (
        b"HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n",
        b"3\n\nab\n0\n\n",
        b"\nab",
        False,
    ),
    "chunked without last line": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n0\r\n",
        b"abc",
        True,
    ),
    "chunked and length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"abc",
        False,
    ),
    "large chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        (b"30d40\r\n" + b"y" * 200_000 + b"\r\n") * 4 + b"0\r\n\r\n",
        b"y" * 800_000,
        False,
    ),
}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    made = authority(tmp_path_factory.mktemp("ca"), [OUTLET])
    return made.ca_file, made.context


@pytest.mark.parametrize("way", ["http", "https", "tunnel", "proxy"])
@pytest.mark.parametrize("case", CASES)
def test_bytes_are_kept_as_served(case, way, certificates, monkeypatch):
    head, body, decoded, closes = CASES[case]
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))

    @run
    async def fetch():
        tls = certificates[1] if way in ("https", "tunnel") else None
        async with serving(answering(head + body, then_close=closes), tls) as server:
            scheme = "https" if tls else "http"
            url = f"{scheme}://{OUTLET}:{server.port}/news/view/1?q=%B4%BA#top"
            meta = {}
            async with handling(RESOLVER_MAP={OUTLET: f"127.0.0.1:{server.port}"}) as handler:
                if way == "tunnel":
                    async with serving(tunnelling(server.port)) as proxy:
                        meta["proxy"] = f"http://127.0.0.1:{proxy.port}"
                        await check(handler, server, url, meta)
                        assert proxy.requests[0].startswith(
                            b"CONNECT %b:%d HTTP/1.1\r\n" % (OUTLET.encode(), server.port)
                        )
                        await handler.close()
                else:
                    if way == "proxy":
                        meta["proxy"] = f"http://127.0.0.1:{server.port}"
                    await check(handler, server, url, meta)

    async def check(handler, server, url, meta):
        before = datetime.now(UTC)
        request = Request(url, headers={"User-Agent": "t", "Accept-Encoding": "gzip"}, meta=meta)
        response = await handler.download_request(request)
        (exchange,) = handler.kept
        assert exchange.head == head
        assert exchange.body == body
        assert exchange.request == server.requests[0]
        target = url.partition("#")[0].encode() if way == "proxy" else b"/news/view/1?q=%B4%BA"
        assert exchange.request == (
            b"GET %b HTTP/1.1\r\nHost: %b:%d\r\nUser-Agent: t\r\nAccept-Encoding: gzip\r\n\r\n"
            % (target, OUTLET.encode(), server.port)
        )
        assert exchange.url == url.partition("#")[0] == response.url
        assert exchange.truncated == ""
        assert exchange.ip_address == ("127.0.0.1" if way in ("http", "https") else "")
        assert before <= exchange.captured_at <= datetime.now(UTC)
        assert response.body == decoded == payload(parse_head(head), body)
        assert response.status == parse_head(head).status
        assert (response.certificate is not None) == (way in ("https", "tunnel"))
        assert response.protocol == head[:8].decode()
        assert 0 < request.meta["download_latency"] < 30

    fetch()


@run
async def test_repeated_header_values_all_reach_the_response():
    head = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=\xb4\xba\xa0\x85\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    async with serving(answering(head)) as server, handling() as handler:
        response = await handler.download_request(Request(f"http://127.0.0.1:{server.port}/"))
        assert response.headers.getlist("Set-Cookie") == [b"a=1", b"b=\xb4\xba\xa0\x85"]


@run
async def test_interim_heads_are_passed_over():
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    async with (
        serving(answering(b"\r\n" + interim + head + b"ok")) as server,
        handling() as handler,
    ):
        for _ in range(2):
            response = await handler.download_request(Request(f"http://127.0.0.1:{server.port}/"))
            assert (response.status, response.body, handler.kept[-1].head) == (200, b"ok", head)
        assert server.connections == 1


@run
async def test_head_requests_have_no_body():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    async with serving(answering(head)) as server, handling() as handler:
        for _ in range(2):
            response = await handler.download_request(
                Request(f"http://127.0.0.1:{server.port}/", method="HEAD")
            )
            assert (response.body, handler.kept[-1].head, handler.kept[-1].body) == (b"", head, b"")
        assert server.connections == 1


@run
async def test_bytes_that_come_one_by_one_are_the_same_bytes():
    head, body, decoded, _ = CASES["chunked"]

    async def drip(peer):
        await peer.request()
        for byte in b"HTTP/1.1 103 E\r\n\r\n" + head + body:
            await peer.send(bytes([byte]))

    async with serving(drip) as server, handling() as handler:
        response = await handler.download_request(Request(f"http://127.0.0.1:{server.port}/"))
        assert (response.body, handler.kept[0].head, handler.kept[0].body) == (decoded, head, body)


@run
async def test_posted_bodies_are_sent_and_kept():
    async with (
        serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server,
        handling() as handler,
    ):
        await handler.download_request(
            Request(f"http://127.0.0.1:{server.port}/", method="POST", body=b"a\r\n\r\nCookie: b")
        )
        assert handler.kept[0].request == server.requests[0]
        assert server.requests[0].endswith(b"\r\nContent-Length: 14\r\n\r\na\r\n\r\nCookie: b")


@run
async def test_secrets_are_sent_and_not_kept():
    headers = {"Cookie": "sid=CANARY", "Authorization": "Basic CANARY", "X-Note": "cookie: kept"}
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: s=served\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(answer)) as server, handling() as handler:
        url = f"http://user:CANARY@127.0.0.1:{server.port}/"
        await handler.download_request(Request(url, headers=headers))
        sent, (exchange,) = server.requests[0], handler.kept
        assert sent.count(b"CANARY") == 2
        assert exchange.request == sent.replace(b"sid=CANARY", b"redacted").replace(
            b"Basic CANARY", b"redacted"
        )
        assert exchange.url == f"http://127.0.0.1:{server.port}/"
        assert exchange.head == answer


@run
async def test_proxy_credentials_go_to_the_proxy_alone():
    async with (
        serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as proxy,
        handling() as handler,
    ):
        meta = {"proxy": f"http://127.0.0.1:{proxy.port}"}
        for headers in ({"Proxy-Authorization": "Basic CANARY"}, {}):
            await handler.download_request(
                Request("http://93.184.215.14/", headers=headers, meta=meta)
            )
        assert b"Proxy-Authorization: Basic CANARY\r\n" in proxy.requests[0]
        assert b"CANARY" not in proxy.requests[1]
        assert b"Proxy-Authorization: redacted\r\n" in handler.kept[0].request
        direct = Request(
            f"http://127.0.0.1:{proxy.port}/", headers={"Proxy-Authorization": "Basic CANARY"}
        )
        await handler.download_request(direct)
        assert b"CANARY" not in proxy.requests[2]


def test_tunnel_credentials_never_reach_the_origin(certificates, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))

    @run
    async def fetch():
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        async with (
            serving(answering(answer), certificates[1]) as server,
            serving(tunnelling(server.port)) as proxy,
            handling() as handler,
        ):
            for _ in range(2):
                request = Request(
                    f"https://{OUTLET}/",
                    meta={"proxy": f"http://u%20ser:CANARY@127.0.0.1:{proxy.port}"},
                )
                await handler.download_request(request)
            assert proxy.requests[0].endswith(
                b"Proxy-Authorization: Basic dSBzZXI6Q0FOQVJZ\r\n\r\n"
            )
            assert len(proxy.requests) == 1  # the second request went through the same tunnel
            assert len(server.requests) == 2
            assert b"Authorization" not in server.requests[0] + handler.kept[0].request
            await handler.close()

    fetch()
