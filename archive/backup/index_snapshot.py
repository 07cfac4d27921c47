"""Copying of the index as it is at one moment, while other processes write to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from archive.backup.file_copy import FileDigest
from archive.index.copy import copy_index as copy_rows
from archive.index.database import (
    SCHEMA,
    Index,
    IndexUnusableError,
    file_url,
    index_exists,
    index_file,
)
from archive.index.errors import describe_database_error
from archive.index.sqlite.database import BUSY_TIMEOUT
from archive.index.sqlite.schema_check import find_foreign_in, not_ours
from archive.model.errors import describe_os_error
from archive.segments.files.atomic_files import sync_file
from archive.segments.files.measure import measure

if TYPE_CHECKING:
    from pathlib import Path

#: Instructions of SQLite's virtual machine between two checks for an interrupt.
_STEPS = 100_000


def copy_index(url: str, copy: Path) -> FileDigest:
    """Write the index at an address, as it is at one moment, to a new file, on disk on return.

    :raises IndexUnusableError: it cannot be read, or the copy cannot be written.
    """
    path = index_file(url)
    if path is not None:
        return _copy_file(path, copy)
    try:
        with (
            Index(url, read_only=True, brief=True) as source,
            Index(file_url(copy), lasting=False, brief=True) as target,
        ):
            with closing(_open(copy, "rw")) as connection:
                # A write-ahead log would take as much room as the file, which alone is whole now.
                connection.execute("PRAGMA journal_mode = DELETE")
            copy_rows(source, target)
        sync_file(copy)
        return FileDigest(*measure(copy))
    except sqlite3.Error as error:
        raise IndexUnusableError(_sentence(copy, copy, error)) from error
    except OSError as error:
        raise IndexUnusableError(describe_os_error(copy, error)) from error


def _copy_file(path: Path, copy: Path) -> FileDigest:
    """Write the content of the index at one moment to a new file, which is on disk on return.

    VACUUM INTO writes it afresh instead of page by page: deleted content is not copied, and an
    index with damaged pages fails. Writers are not blocked. The schema may be of any version.

    :raises IndexUnusableError: the index is damaged or not an index of Sacho, or the copy cannot be
        written.
    """
    try:
        with closing(_open(path, "rw")) as connection:  # the last to leave a WAL checkpoints it
            connection.set_progress_handler(_let_python_run, _STEPS)
            foreign = find_foreign_in(connection, SCHEMA)
            if foreign:
                raise IndexUnusableError(not_ours(path, foreign))
            connection.execute("VACUUM INTO CAST(? AS TEXT)", (os.fsencode(copy),))
        sync_file(copy)
        return FileDigest(*measure(copy))
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            raise KeyboardInterrupt from error
        raise IndexUnusableError(_sentence(path, copy, error)) from error
    except sqlite3.Error as error:
        raise IndexUnusableError(_sentence(path, copy, error)) from error
    except OSError as error:
        raise IndexUnusableError(describe_os_error(copy, error)) from error


def size_of_index(url: str) -> int:
    """Return how many bytes the index at an address takes, 0 if there is none.

    :raises IndexUnusableError: the server cannot be asked.
    """
    path = index_file(url)
    if path is not None:
        return path.stat().st_size if path.exists() else 0
    if not index_exists(url):
        return 0
    with Index(url, read_only=True, brief=True) as index:
        return index.size()


def segment_ends(copy: Path) -> dict[str, int]:
    """Return, by segment, the end of the last record that a row of a copied index refers to.

    :raises IndexUnusableError: it cannot be read.
    """
    query = "SELECT warc_file, max(warc_offset + warc_length) FROM captures GROUP BY warc_file"
    try:
        with closing(_open(copy, "ro")) as connection:
            return {str(name): int(end) for name, end in connection.execute(query)}
    except sqlite3.Error as error:
        raise IndexUnusableError(_sentence(copy, copy, error)) from error


def build_of_copy(copy: Path) -> int | None:
    """Return the number of a copied index, None if it cannot be read."""
    try:
        with closing(_open(copy, "ro")) as connection:
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.Error:
        return None


def foreign_object(copy: Path) -> str:
    """Return what a copied index holds that Sacho did not make, ``""`` if nothing.

    :raises sqlite3.Error: it is no index of Sacho, or damaged.
    """
    with closing(_open(copy, "ro")) as connection:
        return find_foreign_in(connection, SCHEMA)


def _let_python_run() -> int:
    """Continue; this call lets Python raise KeyboardInterrupt, which SQLite then reports."""
    return 0


def _open(path: Path, mode: str) -> sqlite3.Connection:
    name = f"file:{quote(os.fsencode(path))}?mode={mode}"
    return sqlite3.connect(name, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT / 1000)


def _sentence(path: Path, copy: Path, error: sqlite3.Error) -> str:
    return f"Cannot copy {path} to {copy}: {describe_database_error(error)}"
