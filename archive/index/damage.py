"""Damage of the database itself, as far as it can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def damages(connection: Connection, *, whole: bool) -> Iterator[str]:
    """Yield a sentence for each damage; ``whole``: indexes are compared with tables, too."""
    pragma = "integrity_check" if whole else "quick_check"
    for (sentence,) in connection.exec_driver_sql(f"PRAGMA {pragma}(100)"):
        if sentence != "ok":
            yield f"SQLite says: {sentence}."
