"""The password of a proxy is in no message, log, archive or index, whatever the proxy does."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import HASTE
from tests.support.processes.cli import Workspace
from tests.support.sites.raw_servers import answering, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "gil-dong-5ecret"
USER = "hong"
#: The forms that it takes in an address, decoded, and in a request.
FORMS = (
    SECRET.encode(),
    base64.b64encode(f"{USER}:{SECRET}".encode()),
    SECRET.replace("-", "%2D").encode(),
)
DENIED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
    b"Content-Length: 0\r\n\r\n"
)


@contextmanager
def proxy(answer: bytes) -> Iterator[int]:
    """Serve an answer to every request, in a thread; give the port."""
    loop = asyncio.new_event_loop()
    ready, ended = threading.Event(), asyncio.Event()
    port = 0

    async def serve() -> None:
        nonlocal port
        async with serving(answering(answer, then_close=True)) as server:
            port = server.port
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def check(folder: Path, address: str) -> str:
    """Crawl through a proxy of this address; return what was said, in which no secret may be."""
    names = ("http_proxy", "https_proxy")
    workspace = Workspace(folder, dict.fromkeys(names, address) | {"CONTACT": "desk@example.org"})
    settings = HASTE | {"RETRY_TIMES": "0", "DOWNLOAD_TIMEOUT": "5", "LOG_LEVEL": "DEBUG"}
    words = [word for pair in settings.items() for word in ("-s", "=".join(pair))]
    result = workspace.run("crawl", "etoday", *words)
    assert result.code != 0
    kept = [path for path in folder.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in kept]
    texts += [gzip.decompress(path.read_bytes()) for path in kept if ".warc.gz" in path.name]
    for text in (result.out.encode(), result.err.encode(), *texts):
        assert not any(form in text for form in FORMS), text[:2000]
    return result.err


@pytest.mark.parametrize("answer", [DENIED, b"junk\r\n\r\n", b""], ids=["407", "junk", "nothing"])
def test_a_proxy_that_does_not_serve(tmp_path: Path, answer: bytes) -> None:
    with proxy(answer) as port:
        said = check(tmp_path, f"http://{USER}:{SECRET}@127.0.0.1:{port}")
    assert "proxy" in said or "407" in said


def test_a_proxy_that_refuses(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        said = check(tmp_path, f"http://{USER}:{SECRET}@127.0.0.1:{bound.getsockname()[1]}")
    assert "refuses connections" in said


@pytest.mark.parametrize(
    "address",
    [
        f"http://{USER}:{SECRET}@no-such-proxy.invalid:3128",
        f"http://{USER}:{SECRET.replace('-', '%2D')}@no-such-proxy.invalid",
        f"{USER}:{SECRET}@no-such-proxy.invalid:3128",
        f"socks5://{USER}:{SECRET}@127.0.0.1:1080",
        f"http://{USER}:{SECRET}@127.0.0.1:99999",
        f"http://{USER}:{SECRET}",
        f"http:{USER}:{SECRET}@127.0.0.1",
        f"http:/{USER}:{SECRET}@127.0.0.1",
        f"http://{USER}:{SECRET}@[::1",
    ],
)
def test_a_proxy_that_cannot_be_one(tmp_path: Path, address: str) -> None:
    check(tmp_path, address)
