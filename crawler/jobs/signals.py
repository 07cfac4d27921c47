"""A wish to end that everything can wait for, in any thread, with `select`."""

from __future__ import annotations

import os
import select
from contextlib import suppress


class Bell:
    """Rung by anybody, a signal handler too; readable from then on until it is silenced."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """The descriptor that becomes readable."""
        return self._fd

    def ring(self) -> None:
        """Make it readable."""
        os.eventfd_write(self._fd, 1)

    def silence(self) -> None:
        """Make it wait for the next ring."""
        with suppress(BlockingIOError):  # nobody rang
            os.eventfd_read(self._fd)


class Stop(Bell):
    """A bell that is never silenced."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = False

    def ask(self) -> None:
        """Wish that everything ends."""
        self.asked = True
        self.ring()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is asked; whether it is."""
        waiting = select.poll()
        waiting.register(self, select.POLLIN)
        waiting.poll(seconds * 1000)
        return self.asked
