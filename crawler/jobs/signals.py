"""Events that end a wait in `select`, from any thread or signal handler."""

from __future__ import annotations

import os
import select
from contextlib import suppress


class WakeUp:
    """An event with a file descriptor: readable from `set` until `clear`."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable."""
        return self._fd

    def set(self) -> None:
        """Make the descriptor readable."""
        os.eventfd_write(self._fd, 1)

    def close(self) -> None:
        """Close the descriptor; nothing can be done with it any more."""
        os.close(self._fd)

    def clear(self) -> None:
        """Make the descriptor unreadable until the next `set`."""
        with suppress(BlockingIOError):  # it is not set
            os.eventfd_read(self._fd)


class Stop(WakeUp):
    """A request to end everything, which is never cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.requested = False

    def request(self) -> None:
        """Request that everything ends."""
        self.requested = True
        self.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the request, or so long; return whether it was made."""
        waiting = select.poll()
        waiting.register(self, select.POLLIN)
        waiting.poll(seconds * 1000)
        return self.requested
