"""The log of take-downs: what was removed, when, why and by whom, kept with the segments.

``removals.jsonl`` lies in the archive's folder. A line ``begun`` is written before anything is
removed and lists all that will be; ``done`` when nothing of it is left. Neither holds a headline, a
text or a URL.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.model.errors import SegmentError, describe_os_error
from archive.segments.chains import ChainFault, join
from archive.segments.store import store_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from archive.segments.chained_log import LockedLog
    from archive.segments.store import StoreOrFolder

#: The log's name, in the archive's folder.
NAME = "removals.jsonl"


class LogLine(StrEnum):
    """The kinds of lines."""

    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RemovedRecord:
    """A record to remove: its id, type, WARC-Date and payload digest, and where it lies.

    ``shows`` is whether it showed the article: then its payload is blocked from coming in again.
    """

    record_id: str
    type: str
    date: str
    payload_digest: str
    file: str
    offset: int
    shows: bool


@dataclass(frozen=True, slots=True)
class Takedown:
    """A take-down of one article; ``names`` are its ids, including those made from its content."""

    outlet: str
    article_id: str
    names: tuple[str, ...]
    records: tuple[RemovedRecord, ...]
    reason: str
    by: str
    at: datetime
    done: bool = False

    def __str__(self) -> str:
        return f"{self.outlet}/{self.article_id}"

    @property
    def refused(self) -> tuple[str, ...]:
        """Ids and payload digests that are blocked from coming in again."""
        digests = (record.payload_digest for record in self.records if record.shows)
        return tuple(dict.fromkeys((*self.names, *digests)))

    def only(self, record: RemovedRecord) -> Takedown:
        """Return the same take-down with this record alone, to add it to the log."""
        return replace(self, names=(), records=(record,), done=False)


@dataclass(frozen=True, slots=True)
class TakedownLog:
    """The take-downs by outlet and article id, and the faults of the lines."""

    takedowns: dict[tuple[str, str], Takedown]
    faults: tuple[ChainFault, ...] = ()

    @property
    def pending(self) -> list[Takedown]:
        """Take-downs that are not finished."""
        return [takedown for takedown in self.takedowns.values() if not takedown.done]


def read(archive: StoreOrFolder) -> TakedownLog:
    """Return the log of an archive; an empty one if there is none.

    :raises SegmentError: it cannot be read.
    """
    store = store_of(archive)
    try:
        chains = store.read_logs(NAME)
    except OSError as error:
        raise SegmentError(describe_os_error(store.place(NAME), error)) from error
    lines, faults = join(chains)
    takedowns: dict[tuple[str, str], Takedown] = {}
    for line in lines:
        try:
            sentence = _apply(line.fields, takedowns)
        except (KeyError, TypeError, ValueError):
            sentence = "This is not a line of the log."
        if sentence:
            faults.append(ChainFault(line.file, line.offset, sentence))
    return TakedownLog(takedowns, tuple(sorted(faults)))


def locked(archive: StoreOrFolder) -> AbstractContextManager[LockedLog | None]:
    """Lock the log; the context manager gives None if another process has locked it."""
    return store_of(archive).locked(NAME)


def begun_line(takedown: Takedown) -> dict[str, Any]:
    """Return the line that begins a take-down."""
    return {
        "kind": LogLine.BEGUN.value,
        "outlet": takedown.outlet,
        "article_id": takedown.article_id,
        "names": list(takedown.names),
        "records": [asdict(record) for record in takedown.records],
        "reason": takedown.reason,
        "by": takedown.by,
        "at": takedown.at.astimezone(UTC).isoformat(),
    }


def done_line(
    takedown: Takedown, rewritten: Sequence[tuple[str, str]], at: datetime
) -> dict[str, Any]:
    """Return the line that ends it; ``rewritten`` are replaced segments and their new names."""
    return {
        "kind": LogLine.DONE.value,
        "outlet": takedown.outlet,
        "article_id": takedown.article_id,
        "rewritten": [list(pair) for pair in rewritten],
        "at": at.astimezone(UTC).isoformat(),
    }


def _apply(fields: dict[str, Any], takedowns: dict[tuple[str, str], Takedown]) -> str:
    """Apply a line to the take-downs before it; return what is wrong with it, or ``""``."""
    key = str(fields["outlet"]), str(fields["article_id"])
    known = takedowns.get(key)
    if fields["kind"] == LogLine.BEGUN:
        takedown = _takedown(fields)
        takedowns[key] = takedown if known is None else _merged(known, takedown)
    elif fields["kind"] == LogLine.DONE and known is not None:
        takedowns[key] = replace(known, done=True)
    else:
        return "This line neither begins a take-down nor ends one that was begun."
    return ""


def _takedown(fields: dict[str, Any]) -> Takedown:
    return Takedown(
        outlet=str(fields["outlet"]),
        article_id=str(fields["article_id"]),
        names=tuple(map(str, fields["names"])),
        records=tuple(RemovedRecord(**record) for record in fields["records"]),
        reason=str(fields["reason"]),
        by=str(fields["by"]),
        at=datetime.fromisoformat(fields["at"]),
    )


def _merged(known: Takedown, more: Takedown) -> Takedown:
    """Return the take-down with what a later line adds; it is unfinished again."""
    records = {record.record_id: record for record in (*known.records, *more.records)}
    names = tuple(dict.fromkeys((*known.names, *more.names)))
    return replace(known, names=names, records=tuple(records.values()), done=False)
