"""Take-downs on record: what was removed, when, why and by whom, told by a log beside the segments.

``removals.jsonl`` lies in the archive's folder. A line ``begun`` is written before anything is
done, with all that is to go; ``done`` when nothing is left of it. Neither holds a headline, a text
or an address.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.model.errors import SegmentError, describe_os_error
from archive.segments import chained_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archive.segments.chained_log import ChainedLog

#: The log's name, in the archive's folder.
NAME = "removals.jsonl"


class LogLine(StrEnum):
    """What a line says."""

    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RemovedRecord:
    """A record that goes: its id, type, WARC-Date and payload digest, and where it lay.

    ``shows`` is whether it showed the article: then nothing with its payload is taken in again.
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
    """An article that is taken down. ``names`` are its ids, those made from its content with them."""

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
        """Ids and payload digests that are not taken in again."""
        return tuple(
            dict.fromkeys((*self.names, *(r.payload_digest for r in self.records if r.shows)))
        )


@dataclass(frozen=True, slots=True)
class TakedownLog:
    """The removals by article, and what is wrong with the log's lines, by their offset."""

    takedowns: dict[tuple[str, str], Takedown]
    faults: tuple[tuple[int, str], ...] = ()

    @property
    def pending(self) -> list[Takedown]:
        """Those that are not done."""
        return [removal for removal in self.takedowns.values() if not removal.done]


def read(folder: Path) -> TakedownLog:
    """The log of an archive's folder; an empty one where there is none.

    :raises SegmentError: it cannot be read.
    """
    path = folder / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return TakedownLog({})
    except OSError as error:
        raise SegmentError(describe_os_error(path, error)) from error
    lines, faults = chained_log.read_lines(data)
    takedowns: dict[tuple[str, str], Takedown] = {}
    for at, fields in lines:
        try:
            key = str(fields["outlet"]), str(fields["article_id"])
            if fields["kind"] == LogLine.BEGUN:
                takedowns[key] = _joined(takedowns.get(key), _removal(fields))
            elif fields["kind"] == LogLine.DONE and key in takedowns:
                takedowns[key] = _done(takedowns[key])
            else:
                faults.append(
                    (
                        at,
                        "This line says neither that a removal was begun nor that a begun one was done.",
                    )
                )
        except (KeyError, TypeError, ValueError):
            faults.append((at, "This line is none of the log's."))
    return TakedownLog(takedowns, tuple(sorted(faults)))


def locked(folder: Path) -> AbstractContextManager[ChainedLog | None]:
    """The log, nobody else's meanwhile; None where another process removes."""
    return chained_log.locked(folder / NAME)


def begun_line(removal: Takedown) -> dict[str, Any]:
    """The line that begins a removal."""
    return {
        "kind": LogLine.BEGUN.value,
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "names": list(removal.names),
        "records": [asdict(record) for record in removal.records],
        "reason": removal.reason,
        "by": removal.by,
        "at": removal.at.astimezone(UTC).isoformat(),
    }


def done_line(
    removal: Takedown, rewritten: Sequence[tuple[str, str]], at: datetime
) -> dict[str, Any]:
    """The line that ends it; ``rewritten`` are the segments that went and those in their place."""
    return {
        "kind": LogLine.DONE.value,
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "rewritten": [list(pair) for pair in rewritten],
        "at": at.astimezone(UTC).isoformat(),
    }


def _removal(fields: dict[str, Any]) -> Takedown:
    return Takedown(
        str(fields["outlet"]),
        str(fields["article_id"]),
        tuple(map(str, fields["names"])),
        tuple(_each(fields["records"])),
        str(fields["reason"]),
        str(fields["by"]),
        datetime.fromisoformat(fields["at"]),
    )


def _each(records: Sequence[dict[str, Any]]) -> Iterator[RemovedRecord]:
    for record in records:
        yield RemovedRecord(**record)


def _joined(known: Takedown | None, more: Takedown) -> Takedown:
    if known is None:
        return more
    records = {record.record_id: record for record in (*known.records, *more.records)}
    names = tuple(dict.fromkeys((*known.names, *more.names)))
    return Takedown(
        known.outlet,
        known.article_id,
        names,
        tuple(records.values()),
        known.reason,
        known.by,
        known.at,
    )


def _done(removal: Takedown) -> Takedown:
    return Takedown(
        removal.outlet,
        removal.article_id,
        removal.names,
        removal.records,
        removal.reason,
        removal.by,
        removal.at,
        True,
    )
