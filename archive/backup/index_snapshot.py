"""The index copied as it is at one moment, whoever is writing to it; and how far into the segments its rows lead."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from archive.backup.file_copy import FileDigest
from archive.index.database import BUSY_TIMEOUT, IndexUnusableError
from archive.model.errors import describe_os_error
from archive.model.program import PROGRAM
from archive.segments.manifest import measure

if TYPE_CHECKING:
    from pathlib import Path

#: Steps of SQLite's machine between two looks at whether somebody stops us.
_STEPS = 100_000


def copy_index(path: Path, copy: Path) -> FileDigest:
    """Write what the index at ``path`` holds at one moment to a new file, on disk on return; of any schema.

    It is written anew (VACUUM INTO) and not page by page: so nothing that was deleted goes with it,
    and an index whose pages are damaged is found out instead of copied. Writers go on meanwhile.

    :raises IndexUnusableError: the index is damaged or none of ours, or the copy can't be written.
    """
    try:
        with closing(_open(path, "rw")) as connection:  # who leaves a WAL last, may tidy it up
            connection.set_progress_handler(_look, _STEPS)
            connection.execute("SELECT 1 FROM alembic_version")
            connection.execute("VACUUM INTO CAST(? AS TEXT)", (os.fsencode(copy),))
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        return FileDigest(*measure(copy))
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            raise KeyboardInterrupt from error
        raise IndexUnusableError(_plain(path, copy, error)) from error
    except sqlite3.Error as error:
        raise IndexUnusableError(_plain(path, copy, error)) from error
    except OSError as error:
        raise IndexUnusableError(describe_os_error(copy, error)) from error


def segment_ends(copy: Path) -> dict[str, int]:
    """By segment, the byte behind the last record that a row of a copied index leads to.

    :raises IndexUnusableError: it cannot be read.
    """
    query = "SELECT warc_file, max(warc_offset + warc_length) FROM captures GROUP BY warc_file"
    try:
        with closing(_open(copy, "ro")) as connection:
            return {str(name): int(end) for name, end in connection.execute(query)}
    except sqlite3.Error as error:
        raise IndexUnusableError(_plain(copy, copy, error)) from error


def _look() -> int:
    """Go on: only, here Python finds out that somebody pressed Ctrl-C, and SQLite says that it was interrupted."""
    return 0


def _open(path: Path, mode: str) -> sqlite3.Connection:
    name = f"file:{quote(os.fsencode(path))}?mode={mode}"
    return sqlite3.connect(name, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT / 1000)


def _plain(path: Path, copy: Path, error: sqlite3.Error) -> str:
    cause = str(error)
    if "disk is full" in cause or "disk I/O" in cause:
        return (
            f"{path} can't be copied to {copy} ({cause}): see whether the disk is full or failing."
        )
    if "locked" in cause:
        return f"{path} can't be copied: another process has kept it to itself for over a minute; try again."
    if "no such table" in cause or "not a database" in cause:
        return f"{path} is no index of ours ({cause}); name it in INDEX_URL."
    return f"{path} can't be copied ({cause}). If it is damaged, {PROGRAM} reindex makes it anew."
