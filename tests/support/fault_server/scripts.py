"""Scripts that write an answer to a connection, byte by byte as it should not be."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamWriter
    from collections.abc import Awaitable, Callable, Iterator

    #: Writes an answer to the connection.
    Script = Callable[[StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


#: Bytes written at once, so that one long answer holds up no other.
_BLOCK = 2**18


def reset(writer: StreamWriter) -> None:
    """End the connection with a TCP reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def says(*pieces: bytes, then: str = "close", each: float = 0.0) -> Script:
    """Write the pieces, ``each`` so many seconds apart, then close, reset or stall."""

    async def script(writer: StreamWriter) -> None:
        for piece in pieces:
            await _flow(writer, (piece[at : at + _BLOCK] for at in range(0, len(piece), _BLOCK)))
            await asyncio.sleep(each)
        if then == "stall":
            await asyncio.sleep(3600)
        elif then == "reset":
            reset(writer)

    return script


def repeats(begin: bytes, piece: bytes, times: int, end: bytes = b"") -> Script:
    """Write a beginning, a piece so many times, in blocks of 64 KiB, and an end."""
    at_once = max(1, 65536 // len(piece))

    async def script(writer: StreamWriter) -> None:
        writer.write(begin)
        await _flow(writer, (piece * at_once for _ in range(times // at_once)))
        await _flow(writer, iter([piece * (times % at_once), end]))

    return script


def drips(begin: bytes, dripped: bytes) -> Script:
    """Write a beginning, and the rest a byte at a time."""
    return says(begin, *(dripped[at : at + 1] for at in range(len(dripped))), each=0.05)


def coded(coding: str, body: bytes) -> Script:
    """Write a page in a content-encoding."""
    head = OK + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return says(head + body)


def document(body: bytes, media_type: str = "text/xml", fields: bytes = b"") -> Script:
    """Write a document of a media type, with further fields of the head."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n"
    return says(head % (media_type.encode(), fields, len(body)) + body)


async def _flow(writer: StreamWriter, pieces: Iterator[bytes]) -> None:
    """Write pieces as fast as the peer takes them, until it closes."""
    for piece in pieces:
        if writer.transport.is_closing():
            return
        writer.write(piece)
        await writer.drain()
