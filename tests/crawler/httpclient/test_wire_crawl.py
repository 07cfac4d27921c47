"""The handler in a real Scrapy crawl: robots.txt, retries, redirects and compression."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import subprocess

import pytest

from tests.support.processes.forked_verbs import ForkedVerb, own_environment
from tests.support.sites.raw_servers import OUTLET, answering, run, serving


async def crawl(urls, **settings):
    """Run `tests.support.crawling.recorded_crawl`; the settings allow loopback unless told otherwise."""
    proxy = {name: value for name, value in os.environ.items() if name == "http_proxy"}
    process = ForkedVerb(
        [],
        module="tests.support.crawling.recorded_crawl",
        env=own_environment() | proxy,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # The servers are of this loop: it must not wait.
    asked = json.dumps({"settings": settings, "urls": urls}).encode()
    out, err = await asyncio.to_thread(process.communicate, asked)
    assert process.returncode == 0, err.decode()
    return json.loads(out) | {"log": err.decode()}


def response(body=b"", status=b"200 OK", *fields):
    lines = [
        b"HTTP/1.1 " + status,
        b"Content-Type: text/html; charset=utf-8",
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join([*lines, *fields, b"", body])


def outlet(canary_port):
    """Serve robots.txt, a gzipped article, redirects, a page that fails twice, a missing one."""
    tries = {}

    async def script(peer):
        while True:
            path = re.sub("^http://[^/]*", "", (await peer.request()).split()[1].decode())
            tries[path] = tries.get(path, 0) + 1
            if path == "/robots.txt":
                answer = response(b"User-agent: *\nDisallow: /private")
            elif path in ("/article", "/article?moved"):
                answer = response(
                    gzip.compress("러시아 미사일".encode()), b"200 OK", b"Content-Encoding: gzip"
                )
            elif path == "/moved":
                answer = response(b"", b"301 Moved", b"Location: /article?moved")
            elif path == "/flaky" and tries[path] < 3:
                answer = response(b"later", b"503 Busy")
            elif path == "/dying":
                return
            elif path.startswith("/inward"):
                hosts = {
                    "name": "localhost",
                    "int": "2130706433",
                    "mapped": "[::ffff:127.0.0.1]",
                    "link": "169.254.169.254",
                }
                host = hosts[path.partition("-")[2]]
                answer = response(
                    b"", b"302 Found", b"Location: http://%b:%d/" % (host.encode(), canary_port)
                )
            else:
                answer = response(path.encode())
            await peer.send(answer)

    return script


def test_a_crawl_keeps_everything_it_was_served_and_ends_every_url():
    @run
    async def go():
        async with (
            serving(answering(response(b"canary"))) as canary,
            serving(outlet(canary.port)) as server,
        ):
            base = f"http://{OUTLET}:{server.port}"
            paths = ["/article?1", "/article", "/moved", "/flaky", "/private/x", "/dying"]
            seen = await crawl(
                [base + path for path in paths],
                ALLOW_LOOPBACK=True,
                RESOLVER_MAP={OUTLET: f"127.0.0.1:{server.port}"},
                # One at a time: Scrapy 2.19's robots middleware tells only the first of those that
                # wait for a robots.txt what it says, and lets the others through.
                CONCURRENT_REQUESTS=1,
            )
            text = "러시아 미사일"
            assert seen["outcomes"] == {
                base + "/article?1": [200, base + "/article?1", "/article?1"],
                base + "/article": [200, base + "/article", text],
                base + "/moved": [200, base + "/article?moved", text],
                base + "/flaky": [200, base + "/flaky", "/flaky"],
                base + "/private/x": "IgnoreRequest",
                base + "/dying": "DownloadFailedError",
            }
            kept = [url.removeprefix(base) for url, *_ in seen["kept"]]
            assert kept[0] == "/robots.txt"
            assert sorted(kept) == sorted(
                [
                    "/robots.txt",
                    "/article?1",
                    "/article",
                    "/moved",
                    "/article?moved",
                    *["/flaky"] * 3,
                ]
            )
            assert all(head.startswith("HTTP/1.1 ") and not cut for _, head, _, cut in seen["kept"])
            assert seen["stats"]["retry/reason_count/scrapy.exceptions.DownloadFailedError"] == 2
            assert seen["stats"]["finish_reason"] == "finished"
            assert canary.connections == 0

    go()


@pytest.mark.parametrize(
    ("way", "proxied"),
    [
        ("mapped", False),
        ("link", False),
        *((way, True) for way in ("name", "int", "mapped", "link")),
    ],
)
def test_a_redirect_inward_reaches_nothing(way, proxied, monkeypatch):
    """Loopback is allowed for the outlet itself, by a map or an operator's proxy."""

    @run
    async def go():
        async with (
            serving(answering(response(b"canary"))) as canary,
            serving(outlet(canary.port)) as server,
        ):
            base = f"http://{OUTLET}:{server.port}"
            settings = {"ROBOTSTXT_OBEY": False}
            if proxied:
                base = f"http://{OUTLET}"
                monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
            else:
                settings |= {
                    "ALLOW_LOOPBACK": True,
                    "RESOLVER_MAP": {OUTLET: f"127.0.0.1:{server.port}"},
                }
            url = f"{base}/inward-{way}"
            seen = await crawl([url], **settings)
            assert len(server.requests) == 1
            assert [kept[0] for kept in seen["kept"]] == [url]
            assert seen["outcomes"] == {url: "AddressRefused"}
            assert canary.connections == 0

    go()
