"""Replacing an index in a file: renamed, with every other process shut out."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.database import EarlierSchemaError, Index, IndexUnusableError
from archive.index.schema import captures
from archive.model.errors import describe_os_error
from archive.reindex import earlier_schema
from archive.reindex.replacement.carried import CARRIED
from archive.reindex.scaffold import SCAFFOLD
from archive.segments.files.atomic_files import sync_file, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Table

#: Seconds between two attempts to lock the index.
_PAUSE = 0.1


def check_old(path: Path, url: str) -> bool:
    """Return whether there is an old index, after reading the tables that will be copied once."""
    if not path.exists():
        return False
    try:
        with Index(url) as index, index.reading() as connection:
            for table in CARRIED:
                connection.scalar(select(func.count()).select_from(table))
    except EarlierSchemaError:
        earlier_schema.check_readable(path, CARRIED)
    return True


@contextmanager
def exclusive(path: Path, wait: float) -> Iterator[sqlite3.Connection | None]:
    """Lock the index against every other process; yield None if there is none.

    It has no write-ahead log meanwhile.

    :raises IndexUnusableError: another process has it open, or it is not usable.
    """
    if not path.exists():
        yield None
        return
    until = monotonic() + wait
    while (connection := _connect_exclusively(path)) is None:
        if monotonic() > until:
            raise IndexUnusableError(
                f"Another process has {path} open (a crawl, or a search). Everything else is done:"
                " run the same command again when it has finished."
            )
        sleep(_PAUSE)
    with closing(connection):
        yield connection


def carry_over(old: sqlite3.Connection, fresh: Path) -> None:
    """Copy runs, frontier and robots.txt from the old index to the new one, which must be closed.

    :raises IndexUnusableError: one of them cannot be read or written.
    """
    try:
        old.execute("ATTACH DATABASE ? AS fresh", (str(fresh),))
        try:
            old.execute("BEGIN IMMEDIATE")
            for table in reversed(CARRIED):
                old.execute(f"DELETE FROM fresh.{table.name}")  # noqa: S608  (our own table's name)
            for table in CARRIED:
                if columns := earlier_schema.columns(old, table):
                    old.execute(_copy(table, columns))
            old.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                old.execute("ROLLBACK")
            raise
        finally:
            with suppress(sqlite3.Error):
                old.execute("DETACH DATABASE fresh")
    except sqlite3.Error as error:
        raise earlier_schema.not_carried(error) from error


def swap_in(fresh: Path, path: Path) -> Path | None:
    """Rename the new index, which must be closed, to the old one's name; return where that is kept.

    The caller has locked the old one with `exclusive`. Return None if there was none.

    :raises IndexUnusableError: it cannot be renamed; everything is then as it was.
    """
    kept = path.with_name(path.name + ".old")
    try:
        with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            for table in SCAFFOLD:
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            if mode != "delete":
                raise IndexUnusableError(f"{fresh} is in use by another process.")
        sync_file(fresh)
        if not path.exists():
            _link(fresh, path)  # unlike a rename, this fails if an index was created just now
            fresh.unlink(missing_ok=True)
            sync_folder(path.parent)
            return None
        fresh.chmod(path.stat().st_mode)
        _keep_as(path, kept)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise IndexUnusableError(describe_os_error(path, error)) from error
    except sqlite3.Error as error:
        raise IndexUnusableError(f"{fresh}: {error}.") from error
    return kept


def _keep_as(path: Path, kept: Path) -> None:
    """Give the file a second name, in the place of any file that has it."""
    beside = kept.with_name(kept.name + ".link")
    beside.unlink(missing_ok=True)
    _link(path, beside)
    beside.replace(kept)


def _link(path: Path, name: Path) -> None:
    """Give the file a second name, or rename it where the file system has no hard links."""
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        path.replace(name)


def _connect_exclusively(path: Path) -> sqlite3.Connection | None:
    """Return a connection that has locked the database; None if another process has it open."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        # SQLite leaves WAL mode only if there is no other connection
        left = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error):
            return None
        raise IndexUnusableError(f"{path}: {error}.") from error
    except sqlite3.Error as error:
        connection.close()
        raise IndexUnusableError(f"{path}: {error}.") from error
    if not left:
        connection.close()
        return None
    return connection


def _copy(table: Table, columns: Mapping[str, str]) -> str:
    """Return the statement that copies a table, with references to captures changed to new rows.

    ``columns`` are SQL expressions over a row ``old``, by the name of the new column.
    """
    wanted = []
    for name, value in columns.items():
        if any(key.column.table is captures for key in table.columns[name].foreign_keys):
            wanted.append(
                "(SELECT new.id FROM main.captures AS known"  # noqa: S608  (our own expression)
                " JOIN fresh.captures AS new ON new.record_id = known.record_id"
                f" WHERE known.id = {value})"
            )
        else:
            wanted.append(value)
    names, values = ", ".join(columns), ", ".join(wanted)
    return f"INSERT INTO fresh.{table.name} ({names}) SELECT {values} FROM main.{table.name} AS old"  # noqa: S608  (our own table's name)
