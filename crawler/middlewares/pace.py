"""When the next request to a host may be sent: delays, holds and abandoned hosts."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from scrapy.exceptions import IgnoreRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Seconds between checks whether the crawl is being stopped, while a request waits.
_CHECK_INTERVAL = 0.25


class HostBusy(IgnoreRequest):
    """The host asks for a longer wait than allowed; nothing more is sent to it in this run."""

    reason: ClassVar[str] = "host_busy"


class CrawlStopped(IgnoreRequest):
    """The crawl is ending; the request was not sent."""

    reason: ClassVar[str] = "stopped"


@dataclass(frozen=True, slots=True)
class AdaptiveDelay:
    """How the delay follows the host's latency: the rule of Scrapy's AutoThrottle.

    ``start`` and ``most`` are seconds, ``target`` is the average number of concurrent requests.
    """

    start: float
    most: float
    target: float

    def adapted(self, delay: float, latency: float, *, ok: bool) -> float:
        """Return the delay after a response that took ``latency`` seconds.

        Errors never shorten it: they are served faster than pages.
        """
        target = latency / self.target
        new = min(max(target, (delay + target) / 2), self.most)
        return new if ok else max(new, delay)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait for a busy host: ``first`` seconds, doubled each time, at most ``most``."""

    first: float
    most: float

    def seconds(self, asked: float | None, times: int, chance: float) -> float:
        """Return the seconds to wait after the ``times``-th busy response in a row (from 1).

        ``asked`` is its Retry-After. Without one, the time is ``first``, doubled each time, and up
        to half as much again by ``chance`` (0 to 1), so that several crawlers do not return at the
        same moment. For a host that is still busy after the time it asked for, the doubled time is
        the minimum.
        """
        doubled = self.first * 2.0 ** min(times - 1, 60)
        if asked is None:
            return doubled * (1 + chance / 2)
        return max(asked, doubled / 2 if times > 1 else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """The permission to send one request to a host, until `Pace.done`."""

    host: str


@dataclass(slots=True)
class _Host:
    name: str
    concurrency: int
    least: float
    delay: float
    jitter: float
    floors: dict[str, float] = field(default_factory=dict)
    under_way: set[Turn] = field(default_factory=set)
    last_at: float = float("-inf")
    spread: float = 1.0
    held_until: float = 0.0
    busy: int = 0
    abandoned: str = ""
    waiting: deque[asyncio.Future[Turn]] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None

    @property
    def ready_at(self) -> float:
        """When the next request may be sent; never cached, as delay and floors change."""
        delay = max(self.delay * self.spread, *self.floors.values(), 0.0)
        return max(self.last_at + delay, self.held_until)


class Pace:
    """Decides when requests may be sent, for each host: how many at once, how far apart.

    No request is sent while its host is held. ``hosts`` are exceptions by host, as in
    DOWNLOAD_SLOTS. ``stopping`` returns whether the crawl is ending; it is called regularly while
    requests wait, and so is ``lost``, which returns the turns whose requests ended without a
    `done`. Otherwise each `turn` that returned must be followed by one.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        delay: float,
        jitter: float,
        backoff: Backoff,
        adaptive: AdaptiveDelay | None = None,
        hosts: dict[str, dict[str, float]] | None = None,
        stopping: Callable[[], bool] = lambda: False,
        lost: Callable[[], Iterable[Turn]] = tuple,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._concurrency = concurrency
        self._delay = delay
        self._jitter = jitter
        self._backoff = backoff
        self._adaptive = adaptive
        self._exceptions = hosts or {}
        self._stopping = stopping
        self._lost = lost
        self._chance = chance
        self._hosts: dict[str, _Host] = {}
        self._used_at = float("-inf")
        self._check: asyncio.TimerHandle | None = None
        self._stopped = False

    async def turn(self, host: str) -> Turn:
        """Wait until a request may be sent to the host.

        :raises HostBusy: the host has been given up.
        :raises CrawlStopped: the crawl is ending.
        """
        state = self._state(host)
        if self._stopped:
            raise CrawlStopped(f"the crawl is ending; no more requests are sent to {host}")
        if state.abandoned:
            raise HostBusy(state.abandoned)
        waiter: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        state.waiting.append(waiter)
        try:
            self._admit(state)
            if not waiter.done() and self._check is None:
                self._check = asyncio.get_running_loop().call_later(
                    _CHECK_INTERVAL, self._check_waiting
                )
            return await waiter
        except BaseException:  # whatever ends the wait gives back what it may have got
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.done(waiter.result())
            waiter.cancel()
            raise

    def done(self, turn: Turn) -> None:
        """End the turn of a request, unless it has ended; call `answered` or `busy` before."""
        state = self._state(turn.host)
        state.under_way.discard(turn)
        self._admit(state)

    def used(self, ago: float) -> None:
        """Record that hosts may have been sent a request by an earlier run, so many seconds ago.

        It is called before the first request of this one.
        """
        self._used_at = asyncio.get_running_loop().time() - max(ago, 0.0)

    def at_least(self, host: str, source: str, seconds: float) -> None:
        """Set the minimum delay of a host from now on; the longest of all sources' applies.

        ``source`` is the origin whose robots.txt has it.
        """
        # Counted from the last request, which may be the one for robots.txt.
        self._state(host).floors[source] = seconds

    def answered(self, host: str, latency: float | None, *, ok: bool) -> None:
        """Record a response of a host that is not busy.

        ``latency`` is None if it says nothing about the host.
        """
        state = self._state(host)
        state.busy = 0
        if self._adaptive is not None and latency is not None:
            state.delay = max(self._adaptive.adapted(state.delay, latency, ok=ok), state.least)

    def busy(self, host: str, asked: float | None) -> float:
        """Record a busy response, and return the seconds for which the host is held.

        ``asked`` is its Retry-After, None without one. If the time is longer than the backoff
        allows, the host is abandoned and the result is negative.
        """
        state, now = self._state(host), asyncio.get_running_loop().time()
        if now < state.held_until:
            # The request was sent before the hold began: not another busy response in a row.
            seconds = max(asked or 0.0, state.held_until - now)
        else:
            state.busy += 1
            seconds = self._backoff.seconds(asked, state.busy, self._chance())
        if seconds > self._backoff.most:
            self._abandon(
                state,
                f"{host} asks for a wait of {seconds:.0f} s; nothing more is sent to it in this "
                "run",
            )
            return -1.0
        state.held_until = max(state.held_until, now + seconds)
        return seconds

    def abandoned(self, host: str) -> str:
        """Return why the host was abandoned, or ``""``."""
        return self._state(host).abandoned

    def stop(self) -> None:
        """Refuse all waiting and all later requests."""
        self._stopped = True
        if self._check is not None:
            self._check.cancel()
            self._check = None
        for host, state in self._hosts.items():
            self._refuse(
                state, CrawlStopped, f"the crawl is ending; the request to {host} is not sent"
            )

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is None:
            own = self._exceptions.get(host, {})
            least = float(own.get("delay", self._delay))
            delay = least
            if self._adaptive is not None and "delay" not in own:
                delay = max(least, self._adaptive.start)
            state = self._hosts[host] = _Host(
                name=host,
                concurrency=int(own.get("concurrency", self._concurrency)),
                least=least,
                delay=delay,
                jitter=float(own.get("jitter", self._jitter)),
                last_at=self._used_at,
            )
        return state

    def _admit(self, state: _Host) -> None:
        """Give turns to requests that may be sent now, and set a timer for the next one."""
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        loop = asyncio.get_running_loop()
        while state.waiting and len(state.under_way) < state.concurrency:
            if state.waiting[0].done():  # cancelled
                state.waiting.popleft()
                continue
            now = loop.time()
            if now < state.ready_at:
                state.timer = loop.call_at(state.ready_at, self._admit, state)
                return
            state.last_at = now
            state.spread = 1 + state.jitter * (2 * self._chance() - 1)
            turn = Turn(state.name)
            state.under_way.add(turn)
            state.waiting.popleft().set_result(turn)

    def _abandon(self, state: _Host, why: str) -> None:
        state.abandoned = why
        self._refuse(state, HostBusy, why)

    def _refuse(self, state: _Host, refusal: type[IgnoreRequest], why: str) -> None:
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        while state.waiting:
            waiter = state.waiting.popleft()
            if not waiter.done():
                waiter.set_exception(refusal(why))

    def _check_waiting(self) -> None:
        """End the turns that were lost, and stop when the crawl does; again while any wait."""
        # Planned first: whatever is raised below, the next check comes.
        check = asyncio.get_running_loop().call_later(_CHECK_INTERVAL, self._check_waiting)
        self._check = check
        if self._stopping():
            self._check = None
            check.cancel()
            self.stop()
            return
        for turn in self._lost():
            self._state(turn.host).under_way.discard(turn)
        waiting = [state for state in self._hosts.values() if state.waiting]
        if not waiting:
            self._check = None
            check.cancel()
        for state in waiting:
            self._admit(state)
