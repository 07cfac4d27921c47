"""How far an unfinished index has come in the segments, and what is left for each part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from archive.reindex.shares import Share, divide
from archive.reindex.spans import END

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from archive.reindex.spans import Segment, Span

_WRITE_POSITION = text(
    "INSERT INTO rebuild_segments VALUES (:name, :part, :position, :size)"
    " ON CONFLICT (name, part) DO UPDATE SET position = excluded.position, size = excluded.size"
)
_POSITIONS = text("SELECT name, part, position, size FROM rebuild_segments ORDER BY name, part")
_LEFT = text(
    "SELECT DISTINCT part FROM rebuild_segments WHERE part > 0 AND position < :end ORDER BY part"
)
_NUMBER = text("SELECT coalesce(max(part), 0) FROM rebuild_outlets")
_BEGUN_WHOLE = text("DELETE FROM rebuild_segments WHERE name = :name AND part = 0")
_ADD_OUTLET = text("INSERT INTO rebuild_outlets VALUES (:outlet, :part)")


class Unread(NamedTuple):
    """A segment with records to read from ``start`` on; of a ``share`` of it, None for all."""

    segment: Segment
    start: int
    share: Share | None = None


def unread(
    connection: Connection, segments: Iterable[Segment], part: int | None = None
) -> list[Unread]:
    """Return what is left of the segments, in their order; of one ``part``, if that is given.

    A segment that was read to its end grows only if its writer had just created it; then it is read
    again from the beginning, and known records are skipped.
    """
    begun: dict[str, list[Any]] = {}
    for row in connection.execute(_POSITIONS):
        begun.setdefault(row.name, []).append(row)
    outlets = connection.execute(text("SELECT outlet, part FROM rebuild_outlets"))
    parts = {row.outlet: row.part for row in outlets}
    found: list[Unread] = []
    for segment in segments:
        rows = begun.get(segment.name, [])
        if not rows and part is None:
            found.append(Unread(segment, 0))
        for row in rows:
            start = row.position if segment.size <= row.size else 0
            if start != END and part in (None, row.part):
                found.append(Unread(segment, start, _share(row, rows, parts)))
    return found


def _share(row: Any, rows: Sequence[Any], parts: Mapping[str, int]) -> Share | None:
    return Share(row.part, parts, is_first=row is rows[0]) if row.part else None


def write_position(connection: Connection, span: Span, position: int) -> None:
    """Note where the first record behind a span begins that was read."""
    part = span.share.number if span.share else 0
    size = span.segment.size
    place = {"name": span.segment.name, "part": part, "position": position, "size": size}
    connection.execute(_WRITE_POSITION, place)


def divide_among_parts(
    connection: Connection, found: Sequence[tuple[Unread, Mapping[str, int]]], number: int
) -> None:
    """Divide what is left among up to ``number`` parts.

    ``found`` are segments with the bytes of each outlet in them.
    """
    sizes: Counter[str] = Counter()
    for _, own in found:
        sizes.update(own)
    parts = divide(sizes, number)
    if parts:
        rows = [{"outlet": outlet, "part": part} for outlet, part in parts.items()]
        connection.execute(_ADD_OUTLET, rows)
    for (segment, start, _), own in found:
        connection.execute(_BEGUN_WHOLE, {"name": segment.name})
        for part in sorted({parts[outlet] for outlet in own}) or [0]:
            place = {"name": segment.name, "part": part, "position": start, "size": segment.size}
            connection.execute(_WRITE_POSITION, place)


def number_of_parts(connection: Connection) -> int:
    """Return among how many parts the archive was divided; 0 if it was not."""
    return int(connection.scalar(_NUMBER) or 0)


def parts_left(connection: Connection) -> list[int]:
    """Return the parts that have not read all that is theirs."""
    return list(connection.scalars(_LEFT, {"end": END}))
