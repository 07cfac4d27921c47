"""Runs that share a process: crawls of many outlets in one reactor, in place of a process each."""

from __future__ import annotations

import logging
import os
import select
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from crawler.cli.memory import start_thread
from crawler.cli.order_lines import CrawlOrder, StopOrder, read_end
from crawler.cli.verbs import command_line
from crawler.jobs.execution.own_process import RunEnd, environment
from crawler.jobs.signals import WakeUp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from crawler.jobs.due import Order

_log = logging.getLogger(__name__)
#: Seconds that a process without a run is kept for the next one.
_LINGER = 30.0
#: Runs after which a process gets no more: what it has lost of its memory is given back.
_MOST_RUNS = 1_000
#: Bytes of answers that are read at once.
_PART = 2**16


class SharedProcesses:
    """Executes crawls in processes of ``most`` crawls each; use as a context manager.

    ``settings`` are passed on to all of them. A job with settings of its own, and a command that is
    no crawl, is none of theirs.
    """

    def __init__(self, most: int, settings: Mapping[str, str]) -> None:
        self._most = most
        self._settings = settings
        self._lock = threading.Lock()
        self._processes: list[_Process] = []

    def __enter__(self) -> SharedProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for process in self._processes:
                process.retire()
            processes, self._processes = self._processes, []
        for process in processes:
            process.wait()

    def pids(self) -> list[int]:
        """Return the ids of the processes that take orders."""
        with self._lock:
            return [process.pid for process in self._processes if process.is_open]

    def takes(self, order: Order) -> bool:
        """Return whether a run may share a process."""
        return order.job.verb == "crawl" and not order.job.settings

    def start(
        self,
        order: Order,
        run_id: str,
        log: str,
        output: IO[str],  # noqa: ARG002  (of the protocol: the process opens the log itself)
    ) -> Place | None:
        """Order a crawl from a process that has room, or from a new one.

        If that fails, log it and return None.
        """
        asked = CrawlOrder(run_id, order.words, log)
        with self._lock:
            self._processes = [one for one in self._processes if one.is_open]
            for process in self._processes:
                place = process.begin(asked, self._most)
                if place is not None:
                    return place
            try:
                new = _Process(self._settings)
            except (OSError, MemoryError) as error:
                _log.error("%s: crawl could not be started (%s).", order.job.name, error)
                return None
            self._processes.append(new)
            return new.begin(asked, self._most)


class Place:
    """A run in a shared process."""

    def __init__(self, process: _Process, run_id: str) -> None:
        self._process = process
        self._run_id = run_id
        self._has_ended = WakeUp()
        self._was_killed = False
        self.end = RunEnd(None, crashed=True)

    def fileno(self) -> int:
        """Return the descriptor that is readable once the run has ended."""
        return self._has_ended.fileno()

    def stop(self) -> None:
        """Tell the process to end the crawl in order."""
        self._process.tell(StopOrder(self._run_id).line())

    def kill(self) -> None:
        """Kill the process, as a crawl that does not end hangs it: all its other runs crash."""
        _log.error("a process of several crawls hangs; it is killed, and its runs are repeated.")
        self._process.kill()

    def close(self) -> RunEnd:
        """Return how the run has ended."""
        self._has_ended.close()
        return self.end

    def note_end(self, end: RunEnd) -> None:
        """Note how the run has ended, and tell who waits for that."""
        self.end = end
        self._has_ended.set()


class _Process:
    """A process that crawls as it is ordered, and the thread that reads its answers.

    :raises OSError: it cannot be started.
    :raises MemoryError: there is no memory for the thread.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._begun = 0
        self.is_open = True
        self._process = subprocess.Popen(  # noqa: S603  (our own command line)
            [*command_line(), "crawl", "--orders"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(settings, ""),
            process_group=0,  # Ctrl-C at a terminal is for the scheduler, which tells its runs
        )
        assert self._process.stdin is not None
        # One that hangs must not make the scheduler wait for it.
        os.set_blocking(self._process.stdin.fileno(), False)
        self._thread = threading.Thread(target=self._read, name="answers", daemon=True)
        try:
            start_thread(self._thread)
        except MemoryError:
            self._process.kill()
            raise

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def begin(self, order: CrawlOrder, most: int) -> Place | None:
        """Order a crawl; return None if there is no room for it."""
        with self._lock:
            has_room = self.is_open and len(self._places) < most and self._begun < _MOST_RUNS
            if not has_room:
                return None
            place = Place(self, order.run_id)
            self._places[order.run_id] = place
            self._begun += 1
        if not self.tell(order.line()):
            self.kill()
        return place

    def tell(self, line: bytes) -> bool:
        """Write a line to the process; return False if it takes none."""
        assert self._process.stdin is not None
        try:
            return os.write(self._process.stdin.fileno(), line) == len(line)
        except (OSError, ValueError):  # it has ended, or hangs, or was told to end
            return False

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def retire(self) -> None:
        """Let the process end once its crawls have; it gets no more."""
        with self._lock:
            self._close_input()

    def wait(self) -> None:
        """Wait until the process has ended."""
        self._thread.join()

    def _close_input(self) -> None:
        self.is_open = False
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def _read(self) -> None:
        """Read the answers until the process ends; then its runs have crashed."""
        assert self._process.stdout is not None
        answers = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(answers, select.POLLIN)
        rest = b""
        while True:
            if not waiting.poll(_LINGER * 1000):
                self._retire_if_idle()
                continue
            part = os.read(answers, _PART)
            if not part:
                break
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                self._note(line)
        with self._process:
            pass
        self._end_all()

    def _note(self, line: bytes) -> None:
        end = read_end(line)
        with self._lock:
            place = self._places.pop(end.run_id, None)
            if self._begun >= _MOST_RUNS and not self._places:
                self._close_input()
        if place is not None:
            place.note_end(RunEnd(end.code))

    def _retire_if_idle(self) -> None:
        with self._lock:
            if not self._places:
                self._close_input()

    def _end_all(self) -> None:
        with self._lock:
            self.is_open = False
            places, self._places = list(self._places.values()), {}
        for place in places:
            place.note_end(RunEnd(None, crashed=True))
