"""One connection of the mock site: read requests, answer them, put faults on the wire; the proxy's tunnel."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.fault_server.scripts import reset
from tests.support.mock_site.faults import gzipped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.mock_site.routes import Answer

HEAD_LIMIT = 2**20


@dataclass(slots=True)
class Entry:
    """One request as received. ``status`` is 0 until answered, and stays so when the connection is dropped.

    ``started`` and ``ended`` are ``time.monotonic()``; ``via`` is ``direct``, ``proxy`` (absolute
    form) or ``connect`` (the tunnel's own request; what goes through it is logged as ``direct``).
    ``fault`` is the kind that met it.
    """

    raw: bytes
    started: float
    scheme: str
    method: str
    host: str
    path: str
    via: str = "direct"
    status: int = 0
    fault: str = ""
    ended: float = 0.0

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.host}{self.path}"

    def header(self, name: str) -> str:
        """Give the first value of a request header, or ``""``."""
        for line in self.raw.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return ""


class Dropped(Exception):  # noqa: N818 - an event, not an error
    """The connection ends here, as the fault wants it."""


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    scheme: str,
    reply: Callable[[Entry], Answer],
    tunnel: Callable[[str], int | None],
    *,
    latency: float,
) -> None:
    """Answer requests until the peer or a fault ends it. ``tunnel`` gives the port a CONNECT leads to."""
    with contextlib.suppress(
        Dropped, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
    ):
        while True:
            raw = await reader.readuntil(b"\r\n\r\n")
            entry = _entry(raw, scheme)
            length = entry.header("Content-Length")
            if length.isdecimal():
                await reader.readexactly(int(length))
            answer = reply(entry)
            try:
                if latency:
                    await asyncio.sleep(latency)
                if entry.method == "CONNECT":
                    await _tunnel(reader, writer, entry, tunnel(entry.host))
                await _send(writer, entry, answer)
            finally:
                entry.ended = time.monotonic()
            if not _keeps_alive(entry):
                break


def _entry(raw: bytes, scheme: str) -> Entry:
    line = raw.split(b"\r\n", 1)[0].decode("latin-1")
    method, _, rest = line.partition(" ")
    target = rest.rpartition(" ")[0] or rest
    entry = Entry(raw, time.monotonic(), scheme, method, "", target)
    if method == "CONNECT":
        entry.host, entry.path, entry.via = target.lower(), "", "connect"
    elif target.startswith(("http://", "https://")):
        parts = urlsplit(target)
        entry.scheme, entry.host, entry.via = parts.scheme, (parts.hostname or ""), "proxy"
        entry.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    else:
        entry.host = entry.header("Host").partition(":")[0].lower()
    return entry


def _keeps_alive(entry: Entry) -> bool:
    if entry.raw.split(b"\r\n", 1)[0].endswith(b"HTTP/1.0"):
        return False
    return entry.header("Connection").lower() != "close"


async def _tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, entry: Entry, port: int | None
) -> None:
    """Answer a CONNECT and carry bytes both ways until either side ends."""
    if port is None:
        entry.status = 403
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        raise Dropped
    there, back = await asyncio.open_connection("127.0.0.1", port)
    entry.status = 200
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        await asyncio.gather(_carry(reader, back), _carry(there, writer))
    finally:
        back.close()
        with contextlib.suppress(ConnectionError):
            await back.wait_closed()
    raise Dropped


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def _run_until_closed(script: Awaitable[None], writer: asyncio.StreamWriter) -> None:
    """Run a script until it ends or the peer closes the connection."""
    tasks = (asyncio.ensure_future(script), asyncio.ensure_future(writer.wait_closed()))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _send(writer: asyncio.StreamWriter, entry: Entry, answer: Answer) -> None:
    manner = answer.manner
    if manner == "reset":
        reset(writer)
        raise Dropped
    if manner == "hang":
        await asyncio.sleep(answer.amount)
        raise Dropped
    if manner == "raw":
        assert answer.script is not None, "the fault's option"
        await _run_until_closed(answer.script(writer), writer)
        if answer.keeps:
            return
        raise Dropped
    body = answer.body
    headers = [("Content-Type", answer.media_type), *answer.headers]
    if not answer.encoded and body and "gzip" in entry.header("Accept-Encoding"):
        body = gzipped(body)
        headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    status = answer.status
    if answer.changed is not None and status == 200:
        tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        headers += [("ETag", tag), ("Last-Modified", format_datetime(_utc(answer), usegmt=True))]
        if not manner and _unchanged(entry, tag, answer):
            status, body = 304, b""
            headers = [
                (name, value)
                for name, value in headers
                if name in ("ETag", "Last-Modified", "Vary")
            ]
    if answer.chunked and body:
        headers.append(("Transfer-Encoding", "chunked"))
        body = _chunks(body)
    elif status != 304:
        headers.append(("Content-Length", str(len(body))))
    if manner == "headers":
        headers += [(f"X-Fixture-{n}", "0") for n in range(int(answer.amount))]
    head = _head(status, headers, keep=_keeps_alive(entry))
    if manner == "odd_head":
        extra = (
            b"X-Raw: "
            + "한글".encode("cp949")
            + b"\r\nno colon here\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n"
        )
        head = (head[:-2] + extra).replace(b"\r\n", b"\n")
    entry.status = status
    if entry.method == "HEAD":
        body = b""
    await _write(writer, head, body, manner, answer.amount)


async def _write(
    writer: asyncio.StreamWriter, head: bytes, body: bytes, manner: str, amount: float
) -> None:
    if manner in ("slow", "slow_head"):
        drops = head + body if manner == "slow_head" else body
        writer.write(head if manner == "slow" else b"")
        for at in range(len(drops)):
            writer.write(drops[at : at + 1])
            await writer.drain()
            await asyncio.sleep(amount)
        return
    if manner == "short":
        writer.write(head + body[: int(len(body) * amount)])
        await writer.drain()
        raise Dropped
    writer.write(head + body)
    await writer.drain()


def _chunks(body: bytes) -> bytes:
    """Frame the body in chunks of 4,096 bytes."""
    parts = [body[at : at + 4096] for at in range(0, len(body), 4096)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _head(status: int, headers: list[tuple[str, str]], *, keep: bool) -> bytes:
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    lines = [
        f"HTTP/1.1 {status} {reason}",
        "Server: Apache",
        f"Connection: {'keep-alive' if keep else 'close'}",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _utc(answer: Answer) -> datetime:
    assert answer.changed is not None
    return answer.changed.astimezone(UTC)


def _unchanged(entry: Entry, tag: str, answer: Answer) -> bool:
    """Whether the request's validators match: If-None-Match alone decides where there is one (RFC 9110)."""
    asked = entry.header("If-None-Match")
    if asked:
        return asked == "*" or tag in [one.strip().removeprefix("W/") for one in asked.split(",")]
    since = entry.header("If-Modified-Since")
    if not since:
        return False
    try:
        return _utc(answer) <= parsedate_to_datetime(since)
    except ValueError:
        return False
