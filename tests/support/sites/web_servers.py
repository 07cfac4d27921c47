"""Applications served on loopback by the server that serves them in earnest, and raw requests."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from crawler.web.server import config_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.types import ASGIApp

_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came over the wire; header names are in lower case."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def get(self, name: str) -> str:
        """The values of a field, joined."""
        return ", ".join(value for key, value in self.fields if key == name)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


@contextmanager
def served_at(make: Callable[[str], ASGIApp], proxies: Sequence[str] = ()) -> Iterator[str]:
    """Serve the application that is made for an address, which is yielded, on a free port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as place:
        url = f"http://127.0.0.1:{place.getsockname()[1]}"
        server = uvicorn.Server(config_of(make(url), proxies))
        thread = threading.Thread(target=server.run, args=([place],), daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


def ask(base: str, path: str, *fields: str, method: str = "GET", host: str = "") -> Answer:
    """Send a request with exactly this path, and return the answer to the end."""
    name, _, port = base.removeprefix("http://").partition(":")
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host or name}:{port}",
        "Connection: close",
        *fields,
    ]
    with socket.create_connection((name, int(port)), timeout=_PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("utf-8"))
        message = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = message.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":")[::2] for line in rest]
    found = [(name.lower(), value.strip()) for name, value in pairs]
    if ("transfer-encoding", "chunked") in found:
        from archive.http.message import dechunk

        body = dechunk(body)
    return Answer(int(first.split()[1]), found, body)
