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
from archive.segments.chained_log import held, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archive.segments.chained_log import ChainedLog

#: The log's name, in the archive's folder.
NAME = "removals.jsonl"


class Kind(StrEnum):
    """What a line says."""

    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Gone:
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
class Removal:
    """An article that is taken down. ``names`` are its ids, those made from its content with them."""

    outlet: str
    article_id: str
    names: tuple[str, ...]
    records: tuple[Gone, ...]
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
class Log:
    """The removals by article, and what is wrong with the log's lines, by their offset."""

    removals: dict[tuple[str, str], Removal]
    faults: tuple[tuple[int, str], ...] = ()

    @property
    def pending(self) -> list[Removal]:
        """Those that are not done."""
        return [removal for removal in self.removals.values() if not removal.done]


def read(folder: Path) -> Log:
    """The log of an archive's folder; an empty one where there is none.

    :raises SegmentError: it cannot be read.
    """
    path = folder / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Log({})
    except OSError as error:
        raise SegmentError(describe_os_error(path, error)) from error
    lines, faults = read_lines(data)
    removals: dict[tuple[str, str], Removal] = {}
    for at, fields in lines:
        try:
            key = str(fields["outlet"]), str(fields["article_id"])
            if fields["kind"] == Kind.BEGUN:
                removals[key] = _joined(removals.get(key), _removal(fields))
            elif fields["kind"] == Kind.DONE and key in removals:
                removals[key] = _done(removals[key])
            else:
                faults.append(
                    (
                        at,
                        "This line says neither that a removal was begun nor that a begun one was done.",
                    )
                )
        except (KeyError, TypeError, ValueError):
            faults.append((at, "This line is none of the log's."))
    return Log(removals, tuple(sorted(faults)))


def holding(folder: Path) -> AbstractContextManager[ChainedLog | None]:
    """The log, nobody else's meanwhile; None where another process removes."""
    return held(folder / NAME)


def begun(removal: Removal) -> dict[str, Any]:
    """The line that begins a removal."""
    return {
        "kind": Kind.BEGUN.value,
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "names": list(removal.names),
        "records": [asdict(record) for record in removal.records],
        "reason": removal.reason,
        "by": removal.by,
        "at": removal.at.astimezone(UTC).isoformat(),
    }


def done(removal: Removal, rewritten: Sequence[tuple[str, str]], at: datetime) -> dict[str, Any]:
    """The line that ends it; ``rewritten`` are the segments that went and those in their place."""
    return {
        "kind": Kind.DONE.value,
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "rewritten": [list(pair) for pair in rewritten],
        "at": at.astimezone(UTC).isoformat(),
    }


def _removal(fields: dict[str, Any]) -> Removal:
    return Removal(
        str(fields["outlet"]),
        str(fields["article_id"]),
        tuple(map(str, fields["names"])),
        tuple(_each(fields["records"])),
        str(fields["reason"]),
        str(fields["by"]),
        datetime.fromisoformat(fields["at"]),
    )


def _each(records: Sequence[dict[str, Any]]) -> Iterator[Gone]:
    for record in records:
        yield Gone(**record)


def _joined(known: Removal | None, more: Removal) -> Removal:
    if known is None:
        return more
    records = {record.record_id: record for record in (*known.records, *more.records)}
    names = tuple(dict.fromkeys((*known.names, *more.names)))
    return Removal(
        known.outlet,
        known.article_id,
        names,
        tuple(records.values()),
        known.reason,
        known.by,
        known.at,
    )


def _done(removal: Removal) -> Removal:
    return Removal(
        removal.outlet,
        removal.article_id,
        removal.names,
        removal.records,
        removal.reason,
        removal.by,
        removal.at,
        True,
    )
