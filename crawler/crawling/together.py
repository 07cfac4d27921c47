"""Several crawls in one reactor, each for itself; those that share a host one after the other."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import UsageError

from archive.index.database import IndexUnusableError
from archive.index.writers.leases import LeaseHeldError
from archive.model.errors import OUT_OF_MEMORY, SegmentError
from crawler.crawling.outlet_crawl import OutletCrawl, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import AsyncCrawlerProcess

    from archive.runs.recorder import RunRecorder
    from crawler.alarms.crawl_verdict import CrawlVerdict
    from crawler.model.outlet import Outlet

_log = logging.getLogger(__name__)
#: Threads that look up the names of hosts. A name server that does not answer holds one for a
#: minute, and others must not wait for it. A thread is made when it is needed.
_THREADS = 64
#: What keeps one crawl from beginning, as a sentence; the others do not depend on it.
_FAULTS = (IndexUnusableError, LeaseHeldError, SegmentError)
_INVALID = 2


@dataclass(slots=True)
class Ended:
    """A crawl that has ended, or could not begin; ``crawl`` is None of one that was never made.

    ``run_id`` is ``""`` of one that waited until the end. ``faults`` are sentences about what is
    wrong. ``was_stopped`` is whether it was asked to end.
    """

    run_id: str
    wanted: Wanted
    exit_code: int
    crawl: OutletCrawl | None = None
    faults: tuple[str, ...] = ()
    was_stopped: bool = False


@dataclass(slots=True)
class _Place:
    """A crawl that waits, or is going on."""

    wanted: Wanted
    make_run: Callable[[], RunRecorder]
    ended: Callable[[Ended], None]
    hosts: frozenset[str]
    run_id: str = ""
    crawl: OutletCrawl | None = None
    is_stopped: bool = False


@dataclass(slots=True)
class Together:
    """Crawls of one process: begun when no other of its hosts is going on, ended for themselves.

    What keeps one of them from beginning, and what ends it, is said of it alone. ``begun`` is
    called with each crawl before it starts.
    """

    process: AsyncCrawlerProcess
    begun: Callable[[OutletCrawl], None]
    _waiting: list[_Place] = field(default_factory=list)
    _going: list[_Place] = field(default_factory=list)
    _is_prepared: bool = False
    _is_stopping: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether no crawl is going on or waits."""
        return not self._going and not self._waiting

    @property
    def is_going(self) -> bool:
        """Whether any crawl is going on."""
        return bool(self._going)

    def add(
        self,
        wanted: Wanted,
        make_run: Callable[[], RunRecorder],
        ended: Callable[[Ended], None],
    ) -> None:
        """Add a crawl, and begin it if it need not wait.

        ``make_run`` is called when it begins, ``ended`` at its end.
        """
        self._prepare()
        hosts = frozenset(
            {*wanted.outlet.crawled_hosts, *_image_hosts(self.process, wanted.outlet)}
        )
        self._waiting.append(_Place(wanted, make_run, ended, hosts))
        self._begin_next()

    def stop(self, outlet: str) -> None:
        """Let the crawl of an outlet end in order; one that waits never begins."""
        for place in [one for one in self._waiting if one.wanted.outlet.name == outlet]:
            self._waiting.remove(place)
            place.ended(_unbegun(place))
        for place in [one for one in self._going if one.wanted.outlet.name == outlet]:
            assert place.crawl is not None, "it is going on"
            place.is_stopped = True
            place.crawl.stop()

    def end(self) -> None:
        """End what the reactor has left, now that it has stopped."""
        self._is_stopping = True
        for place in list(self._going):
            self._end(place)
        for place in list(self._waiting):
            self.stop(place.wanted.outlet.name)

    def _prepare(self) -> None:
        if not self._is_prepared:
            loop = asyncio.get_event_loop()
            loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="names"))
            self._is_prepared = True

    def _begin_next(self) -> None:
        for place in list(self._waiting):
            if self._is_stopping:
                break
            taken = {host for one in self._going for host in one.hosts}
            if taken.isdisjoint(place.hosts):
                self._waiting.remove(place)
                self._begin(place)

    def _begin(self, place: _Place) -> None:
        run = place.make_run()
        place.run_id = run.id
        try:
            place.crawl = OutletCrawl(self.process, place.wanted, run)
            self.begun(place.crawl)
            started = place.crawl.start()
        except UsageError as error:
            place.ended(_failed(place, str(error), _INVALID))
        except _FAULTS as error:
            place.ended(_failed(place, str(error)))
        except MemoryError:
            place.ended(_failed(place, f"{OUT_OF_MEMORY}."))
        except Exception:  # noqa: BLE001 - a bug of one crawl must not end the others
            _log.exception("The crawl of %s could not be begun", place.wanted.outlet.name)
            why = "the crawl could not be begun; the log says why. This is a bug."
            place.ended(_failed(place, why))
        else:
            self._going.append(place)
            started.add_done_callback(partial(self._on_end, place))

    def _on_end(self, place: _Place, _: Any) -> None:
        if place in self._going:
            self._end(place)
            self._begin_next()

    def _end(self, place: _Place) -> None:
        self._going.remove(place)
        assert place.crawl is not None, "it was going on"
        try:
            reason, verdict = place.crawl.end()
        except Exception:  # noqa: BLE001 - as above
            _log.exception("The crawl of %s could not be judged", place.wanted.outlet.name)
            why = "the crawl could not be judged; the log says why. This is a bug."
            place.ended(_failed(place, why))
            return
        # A signal stops those that are going on; those that wait must not follow.
        self._is_stopping |= reason == "shutdown" and not place.is_stopped
        place.ended(_ended(place, reason, verdict))


def _ended(place: _Place, reason: str | None, verdict: CrawlVerdict) -> Ended:
    return Ended(
        run_id=place.run_id,
        wanted=place.wanted,
        exit_code=verdict.exit_code,
        crawl=place.crawl,
        faults=verdict.faults,
        was_stopped=reason == "shutdown",
    )


def _failed(place: _Place, sentence: str, code: int = 1) -> Ended:
    return Ended(place.run_id, place.wanted, code, faults=(sentence,))


def _unbegun(place: _Place) -> Ended:
    why = "stopped before it began. Run the same command to begin it."
    return Ended(place.run_id, place.wanted, 1, faults=(why,), was_stopped=True)


def _image_hosts(process: AsyncCrawlerProcess, outlet: Outlet) -> tuple[str, ...]:
    """Return the hosts that pictures are fetched from, if they are."""
    if not process.settings.getbool("ARCHIVE_IMAGES"):
        return ()
    return (*outlet.image_hosts, *process.settings.getlist("IMAGE_HOSTS"))
