"""A listener that nobody may ever reach: what tests of the address guard point private addresses at."""

from __future__ import annotations

import contextlib
import socket
import threading


class Canary:
    """Takes connections on loopback, notes each in ``reached`` and closes it; use as a context manager.

    ``address`` is ``127.0.0.1`` or ``::1``.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self.address = address
        self.port: int = self._listener.getsockname()[1]
        self.reached: list[bytes] = []
        self._thread = threading.Thread(target=self._run, name="canary", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, as an address to redirect to."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}/"

    def __enter__(self) -> Canary:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def knock(self) -> int:
        """Connect to it once; return how many it has taken then, this one and all before it included."""
        with socket.create_connection((self.address, self.port), timeout=60) as knock:
            knock.sendall(b"knock")
            knock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                knock.recv(1)  # it closes after it has counted
        return len(self.reached)

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(1)
                data = b""
                with contextlib.suppress(OSError):
                    data = peer.recv(4096)
                self.reached.append(data)
