"""A place in the order of hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class Hit(NamedTuple):
    """A place in the order of hits: a revision's time of publication and id."""

    published_at: datetime | None
    id: int
