"""``scrapy recover``: recover and close the WARC files that crashed runs left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.captures.rows import check_archive
from archive.index.database import NoIndexError, index_exists, shown_index
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.summary import Report
from crawler.offline.recovery import recover
from pipelines.deposit import CaptureStore

if TYPE_CHECKING:
    import argparse

    from archive.segments.store import Store
    from crawler.offline.recovery import Recovered


class Command(Verb):
    """Recover segments that crashed runs left open. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Cut off the incomplete record at the end of each segment that a crashed process left "
            "open, add the records that the index lacks, and close the segment. Every crawl and "
            "every replay does the same when it starts. Segments that a running process writes "
            "to are skipped. If there is nothing to recover, the exit status is 0. "
            f"Example: {PROGRAM} recover"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (no options)
        """Recover them; return 1 if one of their pages gave no article."""
        if args:
            raise usage_error("recover takes no arguments; ARCHIVE_URL names the archive")
        store = self.archive_store()
        before = _number_of_open(store)
        url = self.text_setting("INDEX_URL")
        is_there = index_exists(url)
        if before and not is_there:
            raise NoIndexError(
                f"there is no index at {shown_index(url)}: name it in INDEX_URL, or run {PROGRAM} "
                "reindex first."
            )
        if is_there:
            with self.open_index() as there, there.reading() as connection:
                check_archive(store, connection)
        code = recover_left_open(self, store) if before else 0
        store.tidy()  # without an index, too
        if _number_of_open(store) == before:
            print("nothing to recover")
        _print_live(store)
        return code


def recover_left_open(verb: Verb, archive: Store) -> int:
    """Recover the segments left open in the archive, print a line for each, return the exit status.

    The status is 1 if a page in them gave no article. `restore` does the same after it copied.

    :raises SegmentError: a segment cannot be repaired.
    :raises IndexUnusableError: the index cannot be written.
    """
    report = Report()
    job = type(verb).__module__.rpartition(".")[2]
    with verb.open_index(read_only=False) as index, verb.open_segments(job) as segments:
        run = verb.begin(job)
        store = CaptureStore(segments, index, run, report.add, on_bug=report.add_bug)
        try:
            count = recover(archive, index, store, on_recovered=_print_recovered)
            if count or report.exit_code:
                store.close()
        finally:
            report.finish()
    return report.exit_code


def _print_recovered(one: Recovered) -> None:
    cut = f", {counted(one.cut, 'incomplete byte')} cut off" if one.cut else ""
    if one.used:
        records = counted(one.records, "record")
        print(f"{one.name} was left open: {records} indexed{cut}, closed")
    else:
        print(f"{one.name} was left open and held no record{cut}: removed")


def _number_of_open(store: Store) -> int:
    _, opened = store.names()
    return len(opened)


def _print_live(store: Store) -> None:
    """Print how many segments are still open because a running process writes to them."""
    live = _number_of_open(store)
    if live:
        verb = "is" if live == 1 else "are"
        print(f"skipped {counted(live, 'segment')} that {verb} being written by a running process")
