"""Shared by the tests of middlewares: hosts that record requests, and crawls of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any

from tests.support.processes.forked_verbs import ForkedVerb, own_environment
from tests.support.sites.raw_servers import serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

#: No waiting between requests: what a test of waiting measures against.
BRISK = {
    "DOWNLOAD_DELAY": 0,
    "AUTOTHROTTLE_START_DELAY": 0,
    "AUTOTHROTTLE_MAX_DELAY": 0,
    "RETRY_BACKOFF": 0.05,
}


class Cut(bytes):
    """An answer after which the connection is closed, whatever it says itself."""


class Hang(bytes):
    """An answer after which nothing comes until the client goes."""


def response(body: bytes = b"", status: str = "200 OK", *fields: str) -> bytes:
    """An answer with its length; HTML unless a field says otherwise."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    if not any(one.lower().startswith("content-type") for one in fields):
        lines.append("Content-Type: text/html; charset=utf-8")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


#: Where the milliseconds since the last bytes came stand in what Linux tells of a connection: in
#: tcpi_last_data_recv of struct tcp_info (linux/tcp.h).
_SINCE_LAST = 8 + 11 * 4


def arrival(writer: asyncio.StreamWriter) -> float:
    """Return when (monotonic) the last bytes of a connection came: a busy machine reads them later."""
    connection = writer.get_extra_info("socket")
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SINCE_LAST + 4)
    (since,) = struct.unpack_from("=I", told, _SINCE_LAST)
    return monotonic() - since / 1000


@dataclass
class Site:
    """A host: ``answers`` by path: bytes, or what makes them of how often it was asked for.

    ``*`` is for the others, which answer 200 with themselves if it is missing. ``log`` is when
    (monotonic) the request for each path came; ``most`` how many requests were under way at once, of those
    that took ``seconds`` each.
    """

    answers: dict[str, bytes | Callable[[int], bytes]] = field(default_factory=dict)
    seconds: float = 0.0
    log: list[tuple[float, str]] = field(default_factory=list)
    port: int = 0
    most: int = 0
    now: int = 0

    def times(self, *paths: str) -> list[float]:
        return [when for when, path in self.log if not paths or path in paths]

    def paths(self) -> list[str]:
        return [path for _, path in self.log]

    def pages(self) -> list[str]:
        return [path for path in self.paths() if path != "/robots.txt"]

    def gaps(self) -> list[float]:
        times = self.times()
        return [round(after - before, 3) for before, after in pairwise(times)]

    def span(self) -> float:
        """Return the seconds from the first request to the last: each may be sent a little late."""
        times = self.times()
        return times[-1] - times[0]

    async def script(self, peer: Any) -> None:
        while True:
            path = re.sub("^https?://[^/]*", "", (await peer.request()).split()[1].decode())
            self.log.append((arrival(peer.writer), path))
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                if self.seconds:
                    await asyncio.sleep(self.seconds)
            finally:
                self.now -= 1
            key = path if path in self.answers else "*"
            answer = self.answers.get(key, response(path.encode()))
            if callable(answer):
                answer = answer(self.paths().count(path) if key == path else len(self.pages()))
            await peer.send(answer)
            if isinstance(answer, Hang):
                await peer.reader.read()
            if isinstance(answer, Cut | Hang):
                return


@contextlib.asynccontextmanager
async def serve(
    answers: Any = None, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[Site]:
    """A host that serves until the block ends; without a robots.txt unless ``answers`` has one."""
    made = Site({"/robots.txt": response(b"", "404 Not Found"), **(answers or {})}, **more)
    async with serving(made.script, tls) as server:
        made.port = server.port
        yield made


async def crawl(
    urls: list[str],
    sites: dict[str, Site],
    *,
    meta: Any = None,
    methods: Any = None,
    chain: bool = False,
    interrupt: str = "",
    **settings: Any,
) -> dict[str, Any]:
    """Crawl with the project's settings without delays; ``sites`` maps hosts to loopback.

    ``interrupt`` sends a SIGINT once that text is logged; the answer then has ``ended_after``, in
    seconds.
    """
    mapped = {host: f"127.0.0.1:{one.port}" for host, one in sites.items()}
    settings = {"ALLOW_LOOPBACK": True, "RESOLVER_MAP": mapped, **BRISK, **settings}
    given = {
        "settings": settings,
        "urls": urls,
        "meta": meta or {},
        "methods": methods or {},
        "chain": chain,
    }
    return await asyncio.to_thread(_crawled, json.dumps(given).encode(), interrupt.encode())


def _crawled(given: bytes, interrupt: bytes) -> dict[str, Any]:
    """Crawl in a process of its own; see `crawl`."""
    with ForkedVerb(
        [],
        module="tests.support.processes.scrapy_process",
        env=own_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(given + b"\n")
        process.stdin.flush()
        seen = b""
        interrupted = 0.0
        while interrupt and not interrupted:
            line = process.stderr.readline()
            assert line, seen.decode()
            seen += line
            if interrupt in line:
                process.send_signal(signal.SIGINT)
                interrupted = monotonic()
        out, err = process.communicate()
    log = (seen + err).decode()
    assert process.returncode == 0, log
    return json.loads(out) | {"log": log, "ended_after": monotonic() - interrupted}
