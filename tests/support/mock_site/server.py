"""The loopback outlet: an outlet's hosts, served over HTTP and HTTPS on free ports of this machine.

Run for itself it prints where it is, one line of JSON, and serves until its input ends::

    python -m tests.support.mock_site.server etoday --articles 1000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.support.fault_server.certificates import Issuer
from tests.support.fault_server.scripts import says
from tests.support.mock_site import wire
from tests.support.mock_site.catalogue import BETWEEN, CLOCK, Catalogue
from tests.support.mock_site.faults import Fault, Faults, apply
from tests.support.mock_site.routes import HOSTS, PLAIN, Answer, Routes

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine, Iterable, Mapping
    from datetime import datetime, timedelta

    from tests.support.mock_site.story import Story
    from tests.support.mock_site.wire import Entry

#: What a server without TLS does when a client expects it.
_NO_TLS = {
    "plain": says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "reset": says(then="reset"),
    "stall": says(then="stall"),
    "garbage": says(b"\x16\x03\x01" + b"\xff" * 1000),
}


class LoopbackSite(ABC):
    """Hosts that are served on free ports of this machine; use as a context manager.

    What they answer is the subclass's. They are reached by mapping their names to 127.0.0.1 and the
    ports ``http_port`` and ``https_port`` (trusting ``ca_file``), or through the proxy at
    ``proxy_url``, which takes absolute-form requests and CONNECT. A name that is none of the hosts
    answers 421, a CONNECT to one 403; ``strays()`` lists them. The hosts of ``broken_tls`` are
    served by servers with one of `TLS_FAULTS`.
    """

    def __init__(
        self,
        outlet: str,
        hosts: Iterable[str],
        *,
        chunked: bool = False,
        latency: float = 0.0,
        certificate: str = "good",
        broken_tls: Mapping[str, str] | None = None,
    ) -> None:
        self.outlet = outlet
        self._broken_tls = dict(broken_tls or {})
        self.hosts = (*hosts, *self._broken_tls)
        self.log: list[Entry] = []
        self.chunked = chunked
        self.latency = latency
        self.http_port = self.https_port = 0
        self._faults = Faults()
        self._folder = tempfile.TemporaryDirectory(prefix="twin-")
        self._issuer = Issuer(Path(self._folder.name))
        self._context = self._issuer.context(self.hosts, certificate)
        self.ca_file = self._issuer.ca_file
        self._broken_ports: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name=f"twin-{outlet}", daemon=True)

    @abstractmethod
    def answer(self, host: str, target: str) -> Answer:
        """Answer a GET of ``target`` (path and query) on one of the hosts."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; open connections are cut. A fault of the mock site's own that a request met is raised."""
        self._wait(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()
        if self._errors:
            raise self._errors[0]

    @property
    def proxy_url(self) -> str:
        """Where the mock site is an HTTP proxy."""
        return f"http://127.0.0.1:{self.http_port}"

    def port(self, scheme: str) -> int:
        """Give the port that serves ``http`` or ``https``."""
        return self.https_port if scheme == "https" else self.http_port

    def endpoints(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Tell where each (host, port) of the outlet really is: what a client's resolver map needs."""
        return {
            (host, port): ("127.0.0.1", real)
            for host in self.hosts
            for port, real in (
                (80, self.http_port),
                (443, self._broken_ports.get(host, self.https_port)),
            )
        }

    def fault(
        self,
        pattern: str,
        kind: str,
        *,
        share: float = 1.0,
        times: int | None = None,
        **options: Any,
    ) -> Fault:
        """Put a fault (see faults) in force for addresses, ``host/path?query``, with the pattern in them."""
        fault = Fault(pattern, kind, share, times, options)
        self._faults.add(fault)
        return fault

    def heal(self) -> None:
        """End all faults."""
        self._faults.clear()

    def requests(self, path: str = "") -> list[Entry]:
        """Give the logged requests to this path (and query), CONNECTs left out; all without one."""
        return [
            entry for entry in list(self.log) if entry.via != "connect" and path in ("", entry.path)
        ]

    def strays(self) -> list[Entry]:
        """Give the requests for names that are not the outlet's."""
        return [entry for entry in list(self.log) if entry.host.partition(":")[0] not in self.hosts]

    def peak(self) -> int:
        """Tell how many requests were being answered at once, at most."""
        steps = [(entry.started, 1) for entry in self.requests()]
        steps += [(entry.ended, -1) for entry in self.requests() if entry.ended]
        now = most = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most

    def _reply(self, entry: Entry) -> Answer:
        self.log.append(entry)
        if entry.method == "CONNECT":
            return Answer(200)
        if entry.host not in self.hosts:
            return Answer(421, PLAIN, b"not a host of this outlet\n")
        if entry.method not in ("GET", "HEAD"):
            return Answer(405, PLAIN, b"method not allowed\n")
        answer = self.answer(entry.host, entry.path)
        answer.chunked = self.chunked
        url = entry.host + entry.path
        fault = self._faults.meeting(url)
        if fault is None:
            return answer
        entry.fault = fault.kind
        return apply(fault, self.outlet, url, answer)

    def _tunnel(self, target: str) -> int | None:
        host, _, port = target.partition(":")
        if host not in self.hosts or port not in ("80", "443"):
            return None
        return self.https_port if port == "443" else self.http_port

    async def _open(self) -> None:
        self.http_port = await self._listen("http", None)
        self.https_port = await self._listen("https", self._context)
        for host, fault in self._broken_tls.items():
            context = self._issuer.faulty([host], fault)
            scheme = fault if context is None else "https"
            self._broken_ports[host] = await self._listen(scheme, context)

    async def _listen(self, scheme: str, context: ssl.SSLContext | None) -> int:
        """Serve on a free port; return it. ``scheme`` is also a TLS fault of a server without TLS."""
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        server = await asyncio.start_server(
            partial(self._spawn, scheme), sock=sock, limit=wire.HEAD_LIMIT, ssl=context
        )
        self._servers.append(server)
        port: int = sock.getsockname()[1]
        return port

    def _spawn(
        self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = self._loop.create_task(self._connection(reader, writer, scheme))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._errors.append(error)

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, scheme: str
    ) -> None:
        try:
            if scheme in _NO_TLS:
                await _NO_TLS[scheme](writer)
                return
            await wire.serve(
                reader, writer, scheme, self._reply, self._tunnel, latency=self.latency
            )
        finally:
            writer.close()

    async def _shut(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0.05)
        await self._loop.shutdown_asyncgens()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(120)


class MockSite(LoopbackSite):
    """An outlet of our own making.

    ``outlet`` is ``etoday`` or ``newspim``; everything it says follows from outlet, ``articles``,
    ``seed``, ``clock`` and what is done to it since. ``more_hosts`` are served as the outlet's.
    """

    def __init__(
        self,
        outlet: str,
        articles: int = 100,
        seed: int = 1,
        *,
        clock: datetime = CLOCK,
        between: timedelta = BETWEEN,
        feed_size: int = 30,
        robots: str | None = "User-agent: *\nAllow: /\nCrawl-delay: 1\n",
        soft_404: bool = False,
        more_hosts: Iterable[str] = (),
        **served: Any,
    ) -> None:
        super().__init__(outlet, (*HOSTS[outlet], *more_hosts), **served)
        self.catalogue = Catalogue(outlet, articles, seed, clock, between)
        self.routes = Routes(outlet, self.catalogue, feed_size, robots, soft_404)

    def answer(self, host: str, target: str) -> Answer:
        """Answer as the outlet does."""
        return self.routes.answer(host, target)

    def ids(self) -> list[str]:
        """Give the ids of all articles that are up, oldest first."""
        return self.catalogue.ids()

    def story(self, article_id: str) -> Story:
        """Give an article as it reads now.

        :raises KeyError: no such article is up.
        """
        story = self.catalogue.story(article_id)
        if story is None:
            raise KeyError(article_id)
        return story

    def address(self, article_id: str) -> str:
        """Give an article's address on the main host."""
        return self.routes.address(self.story(article_id))

    def edit(self, article_id: str, **fields: Any) -> Story:
        """Change an article, by default headline and text; change time, ETag, Last-Modified follow."""
        return self.catalogue.edit(article_id, **fields)

    def publish(self, count: int = 1) -> list[str]:
        """Put up new articles; gives their ids."""
        return self.catalogue.publish(count)

    def delete(self, article_id: str, status: int = 404) -> None:
        """Take an article down; its address then answers with the status, 200 with a page that says so."""
        self.catalogue.delete(article_id, status)

    def restore(self, article_id: str) -> None:
        """Put an article up again."""
        self.catalogue.restore(article_id)

    def plant(self, *urls: str) -> None:
        """Put addresses into every feed and list that has articles, as they are."""
        self.routes.planted.extend(urls)


def main() -> None:
    """Serve until the input ends; prints ports, proxy, CA file and hosts as one line of JSON."""
    parser = argparse.ArgumentParser(
        description="Serve an outlet's mock site on loopback until standard input ends."
    )
    parser.add_argument("outlet", choices=sorted(HOSTS))
    parser.add_argument("--articles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--feed-size", type=int, default=30)
    options = parser.parse_args()
    with MockSite(
        options.outlet, options.articles, options.seed, feed_size=options.feed_size
    ) as site:
        where = {
            "http_port": site.http_port,
            "https_port": site.https_port,
            "proxy": site.proxy_url,
            "ca_file": str(site.ca_file),
            "hosts": site.hosts,
        }
        print(json.dumps(where), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
