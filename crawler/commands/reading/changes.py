"""``scrapy changes``: what became known of articles since a cursor, event by event."""

from __future__ import annotations

import select
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from time import sleep
from typing import TYPE_CHECKING, Any

from archive.events.event_cursor import parse_event_cursor
from archive.events.events import now, read_events
from archive.export.events import atom_pieces, event_values
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, number_option, usage_error
from crawler.cli.output.printable import json_line, write_utf_8
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from archive.events.event_cursor import EventCursor
    from archive.events.events import ArchiveEvent
    from archive.index.database import Index
    from crawler.alarms.webhook import Address

#: Events that are read at once: to judge what is missing takes as long for one as for thousands.
_MANY = 5000
#: Events that are posted at once.
_BATCH = 100
#: Seconds between two looks for more.
_PAUSE = 2.0
#: Attempts to post a batch without --follow, and the seconds after the first and the most.
_ATTEMPTS, _FIRST_DELAY, _LONGEST_DELAY = 5, 1.0, 60.0


class Command(Verb):
    """List events of the index. Reads INDEX_URL."""

    said_if_stopped = "Stopped. Go on with --since and the cursor of the last event."

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Print what became known of articles since a cursor, without one from the beginning: "
            "a JSON object a line for each article that is new, changed (a new revision), missing, "
            "deleted, back (served again), or removed (taken down). They come in the order in "
            "which the index learned of them: an import tells of old captures when they are "
            "imported. Each has a cursor. Whoever goes on behind the last one gets each event "
            "once, whatever is written meanwhile. A cursor is of one index: after a reindex it is "
            f'refused. Example: {PROGRAM} changes --since "$(cat cursor)" --follow'
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --since, --now, --limit, --follow, --atom and --webhook."""
        super().add_options(parser)
        parser.add_argument(
            "--since", type=as_text, metavar="CURSOR", help="only what came after that event"
        )
        parser.add_argument(
            "--now",
            action="store_true",
            help="print the cursor behind all events, and nothing else: take it before an export, "
            "and go on from it after that",
        )
        parser.add_argument("--limit", type=number_option, metavar="N", help="at most this many")
        parser.add_argument(
            "--follow",
            action="store_true",
            help="wait for more, until Ctrl-C, SIGTERM, or nobody reads the output any longer",
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--atom", action="store_true", help="print an Atom feed (RFC 4287) instead of JSON"
        )
        how.add_argument(
            "--webhook",
            type=as_text,
            metavar="URL",
            help=f"post the events as JSON, at most {_BATCH} at once, in order; print the cursor "
            "of each batch that was accepted (an answer 2xx)",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Print or post the events."""
        if args:
            raise usage_error(f"unknown argument {args[0]}; a cursor stands behind --since")
        if opts.atom and opts.follow:
            raise usage_error("--atom prints one feed that ends, so --follow does not go with it")
        if opts.now and (opts.since or opts.follow or opts.atom or opts.webhook or opts.limit):
            raise usage_error("--now prints one cursor; no other option goes with it")
        cursor = None if opts.since is None else parse_event_cursor(opts.since)
        address = None if opts.webhook is None else _address(opts.webhook)
        write_utf_8()
        with self.open_index(brief=opts.follow) as index:
            if opts.now:
                print(now(index))
                return 0
            batches = _Batches(index, cursor, opts.limit, follow=opts.follow)
            if not opts.follow:
                return self._write(batches.each(), address, opts)
            # As Ctrl-C does, also while a write waits for its reader.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                return self._write(batches.each(), address, opts)
            except KeyboardInterrupt:
                return 0

    def _write(
        self,
        batches: Iterator[list[ArchiveEvent]],
        address: Address | None,
        opts: argparse.Namespace,
    ) -> int:
        """Print or post batches; return the exit status."""
        if opts.atom:
            for piece in atom_pieces(chain.from_iterable(batches), datetime.now(UTC)):
                print(piece, end="")
            return 0
        for events in batches:
            if address is None:
                for event in events:
                    print(json_line(event_values(event)))
                sys.stdout.flush()
            elif not self._post(address, events, keeps_trying=opts.follow):
                return 1
        return 0

    def _post(self, address: Address, events: list[ArchiveEvent], *, keeps_trying: bool) -> bool:
        """Post events, and print the cursor of each batch; return whether all were accepted."""
        for begin in range(0, len(events), _BATCH):
            some = events[begin : begin + _BATCH]
            if not _deliver(address, some, keeps_trying=keeps_trying):
                self._fail(
                    f"{address.shown} accepted none of {_ATTEMPTS} attempts. Run the same command "
                    "again, with --since and the last cursor that was printed, if any."
                )
                return False
            print(some[-1].cursor, flush=True)
        return True


@dataclass(slots=True)
class _Batches:
    """The events after a cursor, some at a time; with ``follow`` it waits for more."""

    index: Index
    cursor: EventCursor | None
    limit: int | None
    follow: bool

    def each(self) -> Iterator[list[ArchiveEvent]]:
        """Yield batches; none is empty."""
        while self.limit != 0:
            most = _MANY if self.limit is None else min(_MANY, self.limit)
            events, self.cursor = read_events(self.index, self.cursor, most)
            if events:
                yield events
            if self.limit is not None:
                self.limit -= len(events)
            if len(events) == most:
                continue
            if not self.follow or _nobody_reads(_PAUSE):
                return


def _nobody_reads(seconds: float) -> bool:
    """Wait; return at once, and True, when the reader of the standard output has gone."""
    waiting = select.poll()
    waiting.register(sys.stdout.fileno(), 0)  # errors are reported in any case
    return bool(waiting.poll(seconds * 1000))


def _address(url: str) -> Address:
    """Return the address to post to.

    :raises UsageError: it is not valid.
    """
    # Imported here, because only this option needs it.
    from crawler.alarms.webhook import AlertUrlError, parse_address

    try:
        return parse_address(url, "--webhook URL")
    except AlertUrlError as error:
        raise usage_error(str(error)) from error


def _deliver(address: Address, events: list[ArchiveEvent], *, keeps_trying: bool) -> bool:
    """Post a batch until it is accepted; return whether it was.

    With ``keeps_trying`` there is no end of the attempts.
    """
    from crawler.alarms.webhook import DeliveryError, post

    message: dict[str, Any] = {
        "cursor": str(events[-1].cursor),
        "events": [event_values(event) for event in events],
    }
    problem = ""
    for attempt in count(1):
        try:
            post(address, message)
        except DeliveryError as error:
            if str(error) != problem:
                problem = str(error)
                print(f"{address.shown} did not accept the events: {problem}", file=sys.stderr)
        else:
            return True
        if not keeps_trying and attempt == _ATTEMPTS:
            return False
        sleep(min(_FIRST_DELAY * 2 ** min(attempt - 1, 10), _LONGEST_DELAY))
    return False
