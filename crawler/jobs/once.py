"""One round: what is due now is run, each job once, and waited for. For cron and its kin."""

from __future__ import annotations

import select
import signal
import sys
from typing import TYPE_CHECKING

from archive.faults import file_fault
from archive.jobs import Ending
from crawler.command import print_no_more
from crawler.jobs.rounds import Rounds
from crawler.jobs.stop import Bell, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crawler.jobs.job import Job
    from crawler.jobs.perform import House, Run


def once(jobs: Sequence[Job], house: House, at_once: int, watch: Callable[[Sequence[Job]], None]) -> int:
    """Run what is due; 1 if any of it failed, was stopped, or could not be begun or printed.

    Prints a line a run, and nothing where nothing is due.

    :raises IndexUnusableError: the index can't be read or written.
    """
    stop, bell = Stop(), Bell()
    ended: list[Run] = []
    unprinted = ""

    def done(run: Run) -> None:
        ended.append(run)
        nonlocal unprinted
        try:
            print(run, flush=True)
        except OSError as error:  # that ends no run
            print_no_more()
            if not isinstance(error, BrokenPipeError):  # else the reader has seen enough
                unprinted = file_fault("the file that the output goes to", error)

    kept = {number: signal.signal(number, lambda *_: stop.ask()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Rounds(house, at_once, stop, bell, done) as rounds:
            waiting = select.poll()
            for one in (stop, bell):
                waiting.register(one, select.POLLIN)
            left = list(jobs)
            while not stop.asked:
                begun = rounds.go(left)
                left = [job for job in left if job.name not in begun]
                if rounds.idle:
                    break
                waiting.poll()
                bell.silence()
        watch(jobs)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    if not ended and not stop.asked and sys.stdout.isatty():
        print("nothing is due")
    if stop.asked:
        print("scrapy schedule: stopped. What was under way is taken up again by the next one.", file=sys.stderr)
    if unprinted:
        print(f"scrapy schedule: {unprinted}", file=sys.stderr)
    return (
        1
        if unprinted or stop.asked or not rounds.all_begun or any(run.ending is not Ending.DONE for run in ended)
        else 0
    )
