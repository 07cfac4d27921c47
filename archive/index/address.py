"""Addresses of an index: the file of SQLite, or the database of a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from archive.index.errors import IndexUnusableError
from archive.model.shown_url import shown_url


def is_postgres_url(url: str) -> bool:
    """Whether an INDEX_URL names a database of PostgreSQL.

    :raises IndexUnusableError: it names one by another driver than ours.
    """
    scheme = url.partition(":")[0]
    if scheme in ("postgresql", "postgresql+psycopg"):
        _parsed(url)
        return True
    if scheme.startswith("postgres"):
        raise IndexUnusableError(_refused(url, "write postgresql+psycopg://USER@HOST/DATABASE"))
    return False


def libpq_url(url: str) -> str:
    """Return the address of a PostgreSQL database as psycopg itself takes it, with its password."""
    return _parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)


def index_file(url: str) -> Path | None:
    """Return the file that an INDEX_URL names, None if it names a database of a server.

    :raises IndexUnusableError: it is not a valid address.
    """
    return None if is_postgres_url(url) else index_path(url)


def index_path(url: str) -> Path:
    """Return the file that an INDEX_URL names, links followed.

    :raises IndexUnusableError: it is not a valid address of an SQLite file.
    """
    if is_postgres_url(url):
        raise IndexUnusableError(
            _refused(url, "this works only with an index in a file; use sqlite:///path/to/file")
        )
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise IndexUnusableError(
            _refused(url, "only sqlite:/// and postgresql+psycopg:// are supported")
        )
    if not parsed.database or parsed.database == ":memory:" or "\0" in parsed.database:
        raise IndexUnusableError(
            _refused(url, "it names no file; use sqlite:///path/to/index.sqlite3")
        )
    return Path(parsed.database).resolve()


def file_url(path: Path) -> str:
    """Return the address of an index in a file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: of a port
        raise IndexUnusableError(
            _refused(url, "use sqlite:///path/to/file, or postgresql+psycopg://USER@HOST/DATABASE")
        ) from error


def _refused(url: str, why: str) -> str:
    """Return the sentence of an address; a setting or the arguments of a verb have named it."""
    return f"{shown_url(url)!r} cannot be the address of an index (INDEX_URL): {why}"
