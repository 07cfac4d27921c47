"""Addresses of an index: the file of SQLite, or the database of a PostgreSQL server."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from archive.index.errors import IndexUnusableError

#: The password in the address of a database, also of one that is not well formed.
_PASSWORD = re.compile(r"(?s)(//[^/:@]*:).*(@)")


def index_path(url: str) -> Path:
    """Return the file that an INDEX_URL names, links followed.

    :raises IndexUnusableError: it is not a valid address of an SQLite file.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: of a port
        raise IndexUnusableError(
            f"INDEX_URL {shown_url(url)!r} is not a database address; use sqlite:///path/to/file"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        raise IndexUnusableError(f"INDEX_URL {shown_url(url)!r}: only sqlite:/// is supported")
    if not parsed.database or parsed.database == ":memory:" or "\0" in parsed.database:
        raise IndexUnusableError(
            f"INDEX_URL {shown_url(url)!r} names no file; use sqlite:///path/to/index.sqlite3"
        )
    return Path(parsed.database).resolve()


def shown_url(url: str) -> str:
    """Return an INDEX_URL without its password: of another database it may hold one."""
    return _PASSWORD.sub(r"\1***\2", url)
