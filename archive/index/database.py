"""The index: a database that its address names, opened on the current schema.

What differs between the databases is in the packages `sqlite` and `postgres`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from archive.index.address import file_url as file_url
from archive.index.address import index_file as index_file
from archive.index.address import index_path as index_path
from archive.index.address import is_postgres_url
from archive.index.errors import EarlierSchemaError as EarlierSchemaError
from archive.index.errors import IndexUnusableError as IndexUnusableError
from archive.index.errors import NoIndexError as NoIndexError
from archive.index.errors import QueryTooSlowError as QueryTooSlowError
from archive.index.schema_version import SCHEMA as SCHEMA
from archive.index.sqlite.database import SqliteDatabase
from archive.model.shown_url import shown_url

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from sqlalchemy import Connection

    #: What `Index.reading` yields, for code that only passes it on and does not use SQL.
    Snapshot: TypeAlias = Connection


class Database(Protocol):
    """What an `Index` needs of the database that it is in."""

    def close(self) -> None:
        """Close all connections."""

    def writing(self, *parts: str) -> AbstractContextManager[Connection]:
        """See `Index.writing`."""

    def reading(
        self, seconds: float | None = None, *, settled: bool = False
    ) -> AbstractContextManager[Connection]:
        """See `Index.reading`."""

    def check_can_scrub(self) -> None:
        """See `Index.check_can_scrub`."""

    def scrub(self) -> bool:
        """See `Index.scrub`."""

    def size(self) -> int:
        """See `Index.size`."""


class Index:
    """An open index. With ``read_only`` it is neither created nor upgraded.

    Without ``lasting`` the last commits may be lost in a power failure, each as a whole: for an
    index that can be built again. With ``brief`` no connection is kept between uses:
    a process that runs for months must not keep a reindex from replacing the index. ``others`` are
    the statements of tables that it may hold besides.

    :raises IndexUnusableError: there is none, or it can't be used.
    """

    def __init__(
        self,
        url: str,
        *,
        read_only: bool = False,
        lasting: bool = True,
        brief: bool = False,
        others: tuple[str, ...] = (),
    ) -> None:
        self.url = url
        self.database: Database
        if is_postgres_url(url):
            # Imported here only: most indexes are files.
            from archive.index.postgres.database import PostgresDatabase

            self.database = PostgresDatabase(url, read_only=read_only, lasting=lasting, brief=brief)
        else:
            self.database = SqliteDatabase(
                url, read_only=read_only, lasting=lasting, brief=brief, others=others
            )

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def writing(self, *parts: str) -> AbstractContextManager[Connection]:
        """Begin a write transaction; commit it at the end, roll it back on any error.

        What it has read of the ``parts`` of the index (`archive.index.writers.parts`) nobody else
        changes until it ends; without any, nobody changes anything. SQLite has one such transaction
        at a time, whatever its parts; others wait for its end.

        :raises ConflictError: the database undid it because of another one; it can be begun again.
        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        return self.database.writing(*parts)

    def reading(
        self, seconds: float | None = None, *, settled: bool = False
    ) -> AbstractContextManager[Connection]:
        """Begin a read transaction: everything read in it is of one moment.

        A statement is cut off that runs on ``seconds`` after the begin. With ``settled`` it can be
        asked for `archive.index.rows.row_ids.settled_id`.

        :raises QueryTooSlowError: one was.
        :raises IndexUnusableError: the database is busy for longer than a minute, or damaged.
        """
        return self.database.reading(seconds, settled=settled)

    def check_can_scrub(self) -> None:
        """Check that this user may rewrite the index.

        :raises IndexUnusableError: the user may not; the server would pass over it with a warning.
        """
        self.database.check_can_scrub()

    def scrub(self) -> bool:
        """Rewrite the index without what was deleted; return False if a reader still uses it.

        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        return self.database.scrub()

    def size(self) -> int:
        """Return how many bytes the index takes.

        :raises IndexUnusableError: the server cannot be asked.
        """
        return self.database.size()


def shown_index(url: str) -> str:
    """Return how the index is named to a person: the file, or the address without a password."""
    return str(index_file(url) or shown_url(url))


def index_exists(url: str) -> bool:
    """Return whether there is an index at an address.

    :raises IndexUnusableError: it is not a valid address, or the server cannot be asked.
    """
    if not is_postgres_url(url):
        return index_path(url).exists()
    try:
        with Index(url, read_only=True, brief=True):
            return True
    except NoIndexError:
        return False
