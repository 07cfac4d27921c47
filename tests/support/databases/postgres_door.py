"""A door before a PostgreSQL server, which can be shut: a server that is away for a while.

It can also do as a pooler that is told to ignore the options of connections.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator


class PostgresDoor:
    """Passes connections on to the server of an INDEX_URL; use as a context manager.

    ``url`` leads through it. With ``drops_options``, the server gets none of a connection's.
    """

    def __init__(self, url: str, *, drops_options: bool = False) -> None:
        self._drops_options = drops_options
        parsed = make_url(url)
        folder = Path(str(parsed.query["host"]))
        (self._behind,) = [path for path in folder.glob(".s.PGSQL.*") if path.suffix != ".lock"]
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        through = parsed.set(host="127.0.0.1", port=port, query=plain)
        self.url = through.render_as_string(hide_password=False)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_shut = False
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)

    def __enter__(self) -> PostgresDoor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()
        self._thread.join()

    @contextlib.contextmanager
    def shut(self) -> Iterator[None]:
        """Cut all connections, and every new one until the end of the block."""
        self._is_shut = True
        self._cut()
        try:
            yield
        finally:
            self._is_shut = False

    def _cut(self) -> None:
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            if self._is_shut:
                peer.close()
                continue
            threading.Thread(target=self._pass_on, args=(peer,), daemon=True).start()

    def _pass_on(self, peer: socket.socket) -> None:
        with peer, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._behind))
            with self._lock:
                self._open |= {peer, server}
            if self._drops_options:
                server.sendall(_without_options(peer))
            back = threading.Thread(target=_copy, args=(server, peer), daemon=True)
            back.start()
            _copy(peer, server)
            back.join()
            with self._lock:
                self._open -= {peer, server}


def _without_options(peer: socket.socket) -> bytes:
    """Read the message that begins a connection; return it without its options."""
    (size,) = struct.unpack("!I", _exactly(peer, 4))
    version, words = _exactly(peer, 4), _exactly(peer, size - 8).rstrip(b"\0").split(b"\0")
    pairs = [pair for pair in zip(words[::2], words[1::2], strict=True) if pair[0] != b"options"]
    body = version + b"".join(name + b"\0" + value + b"\0" for name, value in pairs) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def _exactly(peer: socket.socket, number: int) -> bytes:
    return peer.recv(number, socket.MSG_WAITALL)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until either end is cut."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
