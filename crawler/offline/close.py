"""What dead writers left open is taken over and closed, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.segments.recovery import left_open
from crawler.cli.summary import Report
from crawler.offline.recovery import recover
from pipelines.deposit import CaptureStore

if TYPE_CHECKING:
    from crawler.cli.base import Verb
    from crawler.offline.recovery import Recovered


def close_left_open(verb: Verb, folder: str) -> int:
    """Close them for a verb, and print each; give the exit status: 1 if a page read of them gave no article.

    :raises SegmentError: one of them cannot be mended.
    :raises IndexUnusableError: the index can't be written.
    """
    report = Report()
    job = type(verb).__module__.rpartition(".")[2]
    with verb.open_index(read_only=False) as index, verb.open_segments(job) as segments:
        store = CaptureStore(segments, index, verb.begin(job), report.add)
        try:
            if recover(folder, index, store, told=_say):
                store.close()
        finally:
            report.finish()
    return report.exit_code


def say_live(folder: str) -> None:
    """Print how many segments are still open: their writers live."""
    live = len(left_open(folder))
    if live:
        print(f"{live} segments are being written by live processes and were passed over")


def _say(one: Recovered) -> None:
    cut = f", {one.cut} torn bytes cut off" if one.cut else ""
    if one.used:
        print(f"{one.name} was left open: {one.records} records indexed{cut}, closed")
    else:
        print(f"{one.name} was left open, and held nothing{cut}: removed")
