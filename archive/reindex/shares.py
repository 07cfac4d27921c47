"""Division of a reindex into parts: each reads the records of its own outlets.

What is decided of a capture depends on earlier captures of its outlet, and on none of another one.
So all records of an outlet are of one part, which reads them in the order of the archive. A segment
with records of several parts is read by each of them, and each passes over those of the others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Share:
    """What the part ``number`` reads of a segment.

    ``parts`` are the parts of all outlets. ``is_first`` is whether the segment has no part of a
    lower number: that one also tells of damage, and reads what is of an outlet that no part has.
    """

    number: int
    parts: Mapping[str, int]
    is_first: bool = True

    def has(self, outlet: str) -> bool:
        """Return whether the records of an outlet are of this part."""
        part = self.parts.get(outlet)
        return self.is_first if part is None else part == self.number


def divide(sizes: Mapping[str, int], number: int) -> dict[str, int]:
    """Return the part, from 1 to at most ``number``, of each outlet, given its bytes.

    The largest first, each goes to the part that has the least to read.
    """
    loads: Counter[int] = Counter(dict.fromkeys(range(1, number + 1), 0))
    parts: dict[str, int] = {}
    for outlet in sorted(sizes, key=lambda name: (-sizes[name], name)):
        part = min(loads, key=lambda one: (loads[one], one))
        parts[outlet] = part
        loads[part] += max(1, sizes[outlet])
    return parts
