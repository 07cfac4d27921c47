"""When the next request to a host may go out: spacing, holds and hosts given up, on asyncio timers."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import IgnoreRequest

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two looks at whether the crawl is being stopped, while anything waits.
_WATCH = 0.25


class HostBusy(IgnoreRequest):
    """The host asks for more patience than a run has; nothing more is sent to it in this run."""

    reason: ClassVar[str] = "host_busy"


class CrawlStopped(IgnoreRequest):
    """The crawl is ending; the request was not sent, and is as good as never asked for."""

    reason: ClassVar[str] = "stopped"


@dataclass(frozen=True, slots=True)
class Adaption:
    """How the delay follows the host's latency: AutoThrottle's rule.

    ``start`` and ``most`` are seconds, ``target`` is how many requests the host shall have at once
    on average.
    """

    start: float
    most: float
    target: float

    def adapted(self, delay: float, latency: float, *, ok: bool) -> float:
        """The delay after a response that took ``latency`` seconds; errors, being quick, never shorten it."""
        wanted = latency / self.target
        new = min(max(wanted, (delay + wanted) / 2), self.most)
        return new if ok else max(new, delay)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a busy host is waited for: at most ``most`` seconds at once, first ``first`` ones, then double."""

    first: float
    most: float

    def seconds(self, asked: float | None, times: int, chance: float) -> float:
        """Seconds to hold after the ``times``-th busy answer in a row (from 1), ``asked`` being its Retry-After.

        Without one, ``first`` doubled each time, and up to half of that more by ``chance`` (0 to
        1), lest crawlers come back in step. A host that goes on being busy after the time it asked
        for gets no less than that.
        """
        doubled = self.first * 2.0 ** min(times - 1, 60)
        if asked is None:
            return doubled * (1 + chance / 2)
        return max(asked, doubled / 2 if times > 1 else 0.0)


@dataclass(slots=True)
class _Host:
    concurrency: int
    least: float
    delay: float
    jitter: float
    floors: dict[str, float] = field(default_factory=dict)
    under_way: int = 0
    last_at: float = float("-inf")
    spread: float = 1.0
    held_until: float = 0.0
    busy: int = 0
    given_up: str = ""
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None

    @property
    def ready_at(self) -> float:
        """When the next request may go out; reckoned anew each time, since delay and floors change meanwhile."""
        return max(
            self.last_at + max(self.delay * self.spread, *self.floors.values(), 0.0),
            self.held_until,
        )


class Pace:
    """Hands out turns, each host by itself: so many at once, so far apart, none while the host is held.

    ``hosts`` are exceptions by host, as in DOWNLOAD_SLOTS. ``stopping`` is asked now and then,
    while requests wait, whether the crawl is ending. Every `turn` that returned is owed one `done`.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        delay: float,
        jitter: float,
        patience: Patience,
        adaption: Adaption | None = None,
        hosts: dict[str, dict[str, float]] | None = None,
        stopping: Callable[[], bool] = lambda: False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._concurrency = concurrency
        self._delay = delay
        self._jitter = jitter
        self._patience = patience
        self._adaption = adaption
        self._exceptions = hosts or {}
        self._stopping = stopping
        self._chance = chance
        self._hosts: dict[str, _Host] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._stopped = False

    async def turn(self, host: str) -> None:
        """Wait until a request may be sent to the host.

        :raises HostBusy: the host has been given up.
        :raises CrawlStopped: the crawl is ending.
        """
        state = self._state(host)
        if self._stopped:
            raise CrawlStopped(f"the crawl is ending; nothing more is sent to {host}")
        if state.given_up:
            raise HostBusy(state.given_up)
        waiter = asyncio.get_running_loop().create_future()
        state.waiting.append(waiter)
        self._admit(state)
        if not waiter.done() and self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(_WATCH, self._look)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.done(host)  # the turn came, and nobody was left to take it
            raise

    def done(self, host: str) -> None:
        """The request whose turn it was is over; whatever the answer is to change must have been told before."""
        state = self._state(host)
        state.under_way -= 1
        self._admit(state)

    def at_least(self, host: str, source: str, seconds: float) -> None:
        """Space the host's requests by at least so much from now on; the longest of all sources' wishes counts."""
        # Counted from the request that went out last, be it the one for robots.txt itself.
        self._state(host).floors[source] = seconds

    def answered(self, host: str, latency: float | None, *, ok: bool) -> None:
        """The host answered and is not busy; ``latency`` is None where it tells nothing about the host."""
        state = self._state(host)
        state.busy = 0
        if self._adaption is not None and latency is not None:
            state.delay = max(self._adaption.adapted(state.delay, latency, ok=ok), state.least)

    def busy(self, host: str, asked: float | None) -> float:
        """The host asks for patience, for ``asked`` seconds if it says; returns for how many it is held.

        More than ``patience`` allows, and the host is given up: then the result is negative.
        """
        state, now = self._state(host), asyncio.get_running_loop().time()
        if now < state.held_until:
            # The answer to a request that had gone out before the hold began: no new round of it.
            seconds = max(asked or 0.0, state.held_until - now)
        else:
            state.busy += 1
            seconds = self._patience.seconds(asked, state.busy, self._chance())
        if seconds > self._patience.most:
            self._give_up(
                state, f"{host} wants to be left alone for {seconds:.0f} s: given up for this run"
            )
            return -1.0
        state.held_until = max(state.held_until, now + seconds)
        return seconds

    def given_up(self, host: str) -> str:
        """Why the host has been given up, or ``""``."""
        return self._state(host).given_up

    def stop(self) -> None:
        """Turn away all who wait, and all who will."""
        self._stopped = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for host, state in self._hosts.items():
            self._refuse(state, CrawlStopped, f"the crawl is ending; {host} is not waited for")

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is None:
            own = self._exceptions.get(host, {})
            least = float(own.get("delay", self._delay))
            delay = (
                max(least, self._adaption.start) if self._adaption and "delay" not in own else least
            )
            state = self._hosts[host] = _Host(
                concurrency=int(own.get("concurrency", self._concurrency)),
                least=least,
                delay=delay,
                jitter=float(own.get("jitter", self._jitter)),
            )
        return state

    def _admit(self, state: _Host) -> None:
        """Let in whoever's turn it is; see to it that somebody looks again when the next one's comes."""
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        loop = asyncio.get_running_loop()
        while state.waiting and state.under_way < state.concurrency:
            if state.waiting[0].done():  # cancelled
                state.waiting.popleft()
                continue
            now = loop.time()
            if now < state.ready_at:
                state.timer = loop.call_at(state.ready_at, self._admit, state)
                return
            state.last_at = now
            state.spread = 1 + state.jitter * (2 * self._chance() - 1)
            state.under_way += 1
            state.waiting.popleft().set_result(None)

    def _give_up(self, state: _Host, why: str) -> None:
        state.given_up = why
        self._refuse(state, HostBusy, why)

    def _refuse(self, state: _Host, refusal: type[IgnoreRequest], why: str) -> None:
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        while state.waiting:
            waiter = state.waiting.popleft()
            if not waiter.done():
                waiter.set_exception(refusal(why))

    def _look(self) -> None:
        self._watch = None
        if self._stopping():
            self.stop()
        elif any(state.waiting for state in self._hosts.values()):
            self._watch = asyncio.get_running_loop().call_later(_WATCH, self._look)
