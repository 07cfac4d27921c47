"""A finished index put in the old one's place, which nobody has open then and of which nothing is lost."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.database import EarlierSchemaError, Index, IndexUnusableError, index_path
from archive.index.schema import DERIVED, captures, metadata
from archive.model.errors import describe_os_error
from archive.reindex import earlier_schema
from archive.reindex.builder import SCAFFOLD
from archive.segments.atomic_files import sync_file, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Table

#: Seconds to wait for those who read the index to let go of it, and between two looks.
WAIT, _LOOK = 10.0, 0.1
#: Tables that are not made from the WARCs, and so come from the old index; those they refer to
#: first.
CARRIED = tuple(table for table in metadata.sorted_tables if table not in DERIVED)


def check_old_index(url: str) -> bool:
    """Return whether there is an index; its tables that are taken over have been read once.

    :raises IndexUnusableError: the file is no index of ours, a newer version's, or damaged.
    """
    if not index_path(url).exists():
        return False
    try:
        with Index(url) as index, index.reading() as connection:
            for table in CARRIED:
                connection.scalar(select(func.count()).select_from(table))
    except EarlierSchemaError:
        earlier_schema.check_readable(index_path(url), CARRIED)
    return True


@contextmanager
def exclusive(url: str, wait: float = WAIT) -> Iterator[sqlite3.Connection | None]:
    """Keep everyone else out of the index, or give None where there is none. Its WAL is empty and gone meanwhile.

    :raises IndexUnusableError: another process has it open, or it can't be used.
    """
    path = index_path(url)
    if not path.exists():
        yield None
        return
    until = monotonic() + wait
    while (connection := _alone(path)) is None:
        if monotonic() > until:
            raise IndexUnusableError(
                f"Another process has {path} open (a crawl, or a search). Everything else is done: run the same "
                "command again when it has ended."
            )
        sleep(_LOOK)
    with closing(connection):
        yield connection


def carry_over(old: sqlite3.Connection, fresh: Path) -> None:
    """Give the new index, which nobody has open, what the old one remembers: runs, frontier, robots.

    :raises IndexUnusableError: one of them can't be read or written.
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


def swap_in(fresh: Path, url: str) -> Path | None:
    """Give the new index, which nobody has open, the name of the old one; give the name that the old one has now.

    The caller is `exclusive` with the old one, which keeps its content under that name.

    :raises IndexUnusableError: it can't be renamed; then everything is as it was.
    """
    path = index_path(url)
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
            _link(fresh, path)  # which, unlike renaming, fails if somebody has just made one
            fresh.unlink(missing_ok=True)
            sync_folder(path.parent)
            return None
        fresh.chmod(path.stat().st_mode)
        _keep(path, kept)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise IndexUnusableError(describe_os_error(path, error)) from error
    except sqlite3.Error as error:
        raise IndexUnusableError(f"{fresh}: {error}.") from error
    return kept


def _keep(path: Path, kept: Path) -> None:
    """Give the file another name besides its own, in place of what has that name."""
    beside = kept.with_name(kept.name + ".link")
    beside.unlink(missing_ok=True)
    _link(path, beside)
    beside.replace(kept)


def _link(path: Path, name: Path) -> None:
    """Give the file a new name besides its own; where a file system has no links, instead of its own."""
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        path.replace(name)


def _alone(path: Path) -> sqlite3.Connection | None:
    """A connection that has the database to itself; None where others have it open."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        # A database leaves WAL mode only in the hands of its one connection.
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
    """Return the statement that copies a table; references to captures follow the record to its new row.

    ``columns`` are SQL expressions over a row ``old``, by the name of the new column.
    """
    wanted = []
    for name, value in columns.items():
        if any(key.column.table is captures for key in table.columns[name].foreign_keys):
            wanted.append(
                "(SELECT new.id FROM main.captures AS known JOIN fresh.captures AS new ON new.record_id = "  # noqa: S608  (ours)
                f"known.record_id WHERE known.id = {value})"
            )
        else:
            wanted.append(value)
    names, values = ", ".join(columns), ", ".join(wanted)
    return f"INSERT INTO fresh.{table.name} ({names}) SELECT {values} FROM main.{table.name} AS old"  # noqa: S608  (ours)
