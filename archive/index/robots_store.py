"""The last robots.txt of each origin, stored between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.index.dialect import insert_into
from archive.index.schema import robots
from archive.index.writers.conflicts import repeated_on_conflict
from archive.index.writers.parts import robots_part

if TYPE_CHECKING:
    from datetime import datetime

    from archive.index.database import Index


class RobotsTable:
    """The last response of each origin (``https://host[:port]``) to a request for /robots.txt."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def get(self, origin: str) -> tuple[datetime, int, bytes] | None:
        """Return when it was fetched (UTC), its HTTP status and its body; None if it never was."""
        columns = select(robots.c.fetched_at, robots.c.status, robots.c.body)
        with self._index.reading() as connection:
            row = connection.execute(columns.where(robots.c.origin == origin)).one_or_none()
        return (row.fetched_at, row.status, row.body) if row is not None else None

    @repeated_on_conflict
    def put(self, origin: str, fetched_at: datetime, status: int, body: bytes) -> None:
        """Replace the stored response; it is durable on return."""
        facts = {"fetched_at": fetched_at, "status": status, "body": body}
        with self._index.writing(robots_part(origin)) as connection:
            statement = insert_into(connection, robots).values(origin=origin, **facts)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["origin"], set_=facts)
            )
