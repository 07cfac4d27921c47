"""Damage of the database itself, as far as it can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.index.dialect import is_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def damages(connection: Connection, *, whole: bool) -> Iterator[str]:
    """Yield a sentence for each damage; ``whole``: indexes are compared with tables, too."""
    if is_postgres(connection):  # it checks the pages that it reads; amcheck is the server's to run
        return
    pragma = "integrity_check" if whole else "quick_check"
    for (sentence,) in connection.exec_driver_sql(f"PRAGMA {pragma}(100)"):
        if sentence != "ok":
            yield f"SQLite says: {sentence}."
