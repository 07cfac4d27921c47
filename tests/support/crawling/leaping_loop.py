"""An event loop whose clock leaps to the next timer: waits of any length take no time, and are exact."""

from __future__ import annotations

import asyncio
import functools
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Seconds of the loop's clock after which a test hangs.
_PATIENCE = 3600


class _Leaping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # differs by system
    """Has no patience: time that the loop would wait for is added to its clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its clock does not depend on the machine's; for what waits for nothing but timers."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def leaping(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make an async test function one that pytest runs, on a clock that leaps."""

    @functools.wraps(test)
    def sync(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(_PATIENCE):
                await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(bounded())

    return sync
