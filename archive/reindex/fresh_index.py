"""Where a new index is built: in a file beside the old one, or in a schema of its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from archive.index.database import IndexUnusableError, file_url, index_file
from archive.model.errors import describe_os_error
from archive.segments.files import file_locks
from archive.segments.files.file_locks import LockHeldError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_SIDE_FILES = ("", "-wal", "-shm", "-journal")


class Lock(Protocol):
    """A lock that is held until it is closed, or the end of a ``with`` block."""

    def close(self) -> None:
        """Release it."""

    def __enter__(self) -> Self:
        """Return it."""

    def __exit__(self, *_: object) -> None:
        """Release it."""


class _NoLock:
    """The lock of what nobody else can have."""

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


class FreshIndex(Protocol):
    """The place of an index that is being built; ``url`` is its address."""

    url: str

    def is_there(self) -> bool:
        """Return whether an unfinished index is there.

        :raises IndexUnusableError: the place cannot be looked at.
        """

    def remove(self) -> None:
        """Delete it.

        :raises IndexUnusableError: it cannot be deleted.
        """

    def prepare(self) -> None:
        """Make the place ready for a new one.

        :raises IndexUnusableError: it cannot be made.
        """


def fresh_index(url: str) -> FreshIndex:
    """Return where the new index is built that replaces the one at an address."""
    path = index_file(url)
    return _Schema(url) if path is None else _File(path)


def exclude_reindex(url: str) -> Lock:
    """Lock the index at ``url`` against reindexes: what they read must not be deleted meanwhile.

    :raises IndexUnusableError: one is running, or the lock cannot be had.
    """
    target = index_file(url)
    if target is None:
        from archive.index.postgres.schemas import ReindexLock

        return ReindexLock(url)
    path = target.with_name(target.name + ".reindex.lock")
    try:
        return file_locks.exclusive(path, remove=True)
    except LockHeldError:
        raise IndexUnusableError(
            f"Another reindex of {target}, or a remove, is running; try again when it has finished."
        ) from None
    except OSError as error:
        raise IndexUnusableError(describe_os_error(path, error)) from error


def exclude_parts(url: str, wait: float = 0.0) -> Lock:
    """Lock the new index at ``url`` against parts of a reindex that other processes read.

    :raises IndexUnusableError: some are still being read after ``wait`` seconds.
    """
    if index_file(url) is not None:
        return _NoLock()  # `exclude_reindex` has locked it against everybody
    from archive.index.postgres.reindex_locks import LoneWriterLock

    return LoneWriterLock(url, wait)


class _File:
    """``INDEX.reindex``, next to the old one."""

    def __init__(self, target: Path) -> None:
        self._path = target.with_name(target.name + ".reindex")
        self.url = file_url(self._path)

    def is_there(self) -> bool:
        """See `FreshIndex.is_there`."""
        if self._path.is_symlink():  # somebody's: the index would be built where it leads
            self.remove()
        return self._path.exists()

    def remove(self) -> None:
        """See `FreshIndex.remove`."""
        for ending in _SIDE_FILES:
            name = self._path.with_name(self._path.name + ending)
            try:
                name.unlink(missing_ok=True)
            except OSError as error:
                raise IndexUnusableError(describe_os_error(name, error)) from error

    def prepare(self) -> None:
        """See `FreshIndex.prepare`."""


class _Schema:
    """The schema ``SCHEMA_reindex`` of the same database."""

    def __init__(self, url: str) -> None:
        # Imported here only: most indexes are files.
        from archive.index.postgres.schemas import FRESH, in_schema, schema_beside, schema_of

        self._old = url
        self._schema = schema_beside(schema_of(url), FRESH)
        self.url = in_schema(url, self._schema)

    def is_there(self) -> bool:
        """See `FreshIndex.is_there`."""
        from archive.index.postgres.database import connected
        from archive.index.postgres.schemas import tables_in

        with connected(self._old) as connection:
            return bool(tables_in(connection, self._schema))

    def remove(self) -> None:
        """See `FreshIndex.remove`."""
        from archive.index.postgres.database import connected
        from archive.index.postgres.schemas import drop_tables, transaction

        with connected(self._old) as connection, transaction(connection):
            drop_tables(connection, self._schema)

    def prepare(self) -> None:
        """See `FreshIndex.prepare`."""
        from archive.index.postgres.database import connected
        from archive.index.postgres.schemas import quoted

        with connected(self._old) as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(self._schema)}")
