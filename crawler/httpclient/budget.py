"""Bound the bytes of all responses that are received and not processed yet."""

from __future__ import annotations

import asyncio
import gc
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

#: Most bytes at once, of all responses: with what a page takes to be read, a crawl needs less than
#: 300 MB. An ordinary crawl holds some hundred kilobytes.
MOST_BYTES = 8 * 2**20
#: A response of fewer bytes is never held back.
_SMALL = 2**18
#: Seconds between checks whether the crawl has processed enough for others to go on.
_CHECK_INTERVAL = 0.05


class Reception(Protocol):
    """A response that is being received; `crawler.httpclient.transfer.Transfer` is one."""

    @property
    def size(self) -> int:
        """The bytes of the body so far."""

    def pause(self) -> bool:
        """Stop receiving, and return whether there is anything left to receive."""

    def resume(self) -> None:
        """Receive again, after `pause`."""


class ByteBudget:
    """Stops reading from connections while the responses have more bytes than `MOST_BYTES`.

    However fast and long the answers of many requests at once are, the memory that they take is
    bounded. The response that began first is held back only where it alone has more, and others
    wait to be processed: so one always goes on, and of two of 50 MB one is received and read before
    the other. ``unprocessed`` returns the bytes of the responses that were received whole and wait.
    """

    def __init__(self, unprocessed: Callable[[], int], most: int = MOST_BYTES) -> None:
        self._unprocessed = unprocessed
        self._most = most
        #: Those under way, the first one first, and whether each is held back.
        self._transfers: dict[Reception, bool] = {}
        self._check: asyncio.TimerHandle | None = None
        #: Bytes of the responses that have ended since garbage was last collected.
        self._ended = 0

    def begin(self, transfer: Reception) -> None:
        """Count a response from now on."""
        self._transfers[transfer] = False

    def received(self, transfer: Reception) -> None:
        """Hold the response back if there are too many bytes; called when some have come."""
        if transfer.size < _SMALL or self._may_go_on(transfer):
            return
        if not self._transfers.get(transfer, True) and transfer.pause():
            self._transfers[transfer] = True
            self._plan_check()

    def end(self, transfer: Reception) -> None:
        """Count a response no longer: it has ended."""
        self._transfers.pop(transfer, None)
        try:
            self._collect_garbage(transfer.size)
        finally:
            self._release()

    def _collect_garbage(self, size: int) -> None:
        """Free what failed responses have left, each time so many bytes were received.

        An exception and the frames of its traceback refer to each other and to the response. Python
        looks for such cycles after so many new objects, however long the bodies are.
        """
        self._ended += size
        if self._ended > self._most:
            self._ended = 0
            gc.collect()

    def _may_go_on(self, transfer: Reception) -> bool:
        waiting = self._unprocessed()
        if next(iter(self._transfers), None) is transfer:
            return transfer.size <= self._most or waiting <= self._most
        return sum(each.size for each in self._transfers) + waiting <= self._most

    def _plan_check(self) -> None:
        if self._check is None:
            self._check = asyncio.get_running_loop().call_later(_CHECK_INTERVAL, self._on_check)

    def _on_check(self) -> None:
        self._check = None
        self._release()

    def _release(self) -> None:
        """Let go on what may: the first response, and the others while there is room.

        If that raises, all go on: else they would be held until their timeout.
        """
        held = [transfer for transfer, is_held in self._transfers.items() if is_held]
        with ExitStack() as after_bug:
            for transfer in held:
                after_bug.callback(self._let_go_on, transfer)
            for transfer in held:
                if not self._may_go_on(transfer):
                    self._plan_check()
                    break
                self._let_go_on(transfer)
            after_bug.pop_all()

    def _let_go_on(self, transfer: Reception) -> None:
        if self._transfers.get(transfer):
            self._transfers[transfer] = False
            transfer.resume()
