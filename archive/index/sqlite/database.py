"""The index as an SQLite file: opened on the current schema, written in immediate transactions."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from tempfile import gettempdir
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from archive.index.address import index_path
from archive.index.dialect import as_json, from_json
from archive.index.errors import (
    EarlierSchemaError,
    IndexUnusableError,
    QueryTooSlowError,
    describe_database_error,
)
from archive.index.migration import can_upgrade, is_older, upgrade
from archive.index.rows.row_ids import name_build
from archive.index.schema import SEARCH_STATEMENTS, metadata
from archive.index.schema_version import EARLIER_SCHEMAS, SCHEMA
from archive.index.sqlite.schema_check import SELECT_SCHEMA, VERSION_TABLE, find_foreign, not_ours
from archive.index.sqlite.unwritable import UnwritableIndex, is_unwritable
from archive.model.errors import describe_os_error, may_read
from archive.model.files import check_regular
from archive.model.program import PROGRAM
from archive.model.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Milliseconds that a writer waits for another one.
BUSY_TIMEOUT = 60_000
#: Steps of SQLite's machine between two looks at the clock: less than a millisecond.
_STEPS = 10_000


class SqliteDatabase:
    """An index that is a file of SQLite; the parameters are those of `archive.index.database`."""

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
        self._others = others
        self._unwritable: UnwritableIndex | None = None
        #: Of an index that is read for months: whether it can be written beside may change.
        self._is_reopened = read_only and brief
        self._reopening = Lock()
        self._retired: list[UnwritableIndex] = []
        self.engine = _engine(url, read_only, brief)
        event.listen(self.engine, "connect", _set_up if lasting else _set_up_unsynced)
        try:
            self._open(read_only)
        except DBAPIError as error:
            self.close()
            raise IndexUnusableError(
                f"{shown_url(url)}: {describe_database_error(error.orig)}"
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def uri(self) -> str:
        """The name by which SQLite opens the file as this object does, for ATTACH."""
        if self._unwritable is not None:
            return self._unwritable.uri
        return f"file:{quote(str(index_path(self.url)))}?mode=rw"

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        for unwritable in (*self._retired, self._unwritable):
            if unwritable is not None:
                unwritable.close()

    @contextmanager
    def writing(self, *_parts: str) -> Iterator[Connection]:
        """Begin an immediate write transaction; commit it at the end, roll it back on any error.

        There is one at a time, whatever its parts.

        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        with self._translated_errors() as engine, engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(
        self,
        seconds: float | None = None,
        *,
        settled: bool = False,  # noqa: ARG002  (every id is: one transaction writes at a time)
    ) -> Iterator[Connection]:
        """Begin a read transaction: everything read in it is of one moment.

        A statement is cut off that runs on ``seconds`` after the begin.

        :raises QueryTooSlowError: one was.
        :raises IndexUnusableError: the database is busy for longer than a minute, or damaged.
        """
        with (
            self._translated_errors(),
            self._connected() as connection,
            _cut_off(connection, seconds),
        ):
            connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def _connected(self) -> Connection:
        """Return a new connection, to the index as it is now.

        Where nothing can be written beside it, it is read as immutable, or a copy is; then, and
        where that has come to be so, it is opened anew when it was changed.
        """
        if not self._is_reopened:
            return self.engine.connect()
        if self._unwritable is not None and self._unwritable.is_outdated():
            self._reopen()
        try:
            return self.engine.connect()
        except DBAPIError as error:
            if self._unwritable is not None or not is_unwritable(error.orig):
                raise
            self._reopen()
            return self.engine.connect()

    def _reopen(self) -> None:
        """Open the index anew; another thread may have done so meanwhile."""
        with self._reopening:
            if self._unwritable is not None:
                if not self._unwritable.is_outdated():
                    return
                # Other threads may be reading it: it is closed with this object.
                self._retired.append(self._unwritable)
                self._unwritable = None
            self.engine = _engine(self.url, read_only=True, brief=True)
            event.listen(self.engine, "connect", _set_up)
            self._open(read_only=True)

    @contextmanager
    def _translated_errors(self) -> Iterator[Engine]:
        try:
            yield self.engine
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error):
                raise  # of another index, to or from which this one is copied
            raise IndexUnusableError(
                f"{self.url}: {describe_database_error(error.orig)}"
            ) from error

    def check_can_scrub(self) -> None:
        """Do nothing: who may write the file may rewrite it."""

    def scrub(self) -> bool:
        """Rewrite the file without what was deleted; return False if a reader still uses old pages.

        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        with self._translated_errors() as engine, engine.connect() as connection:
            # The tokens of a deleted text stay in the full-text index until its parts are merged.
            for table in ("search", "search_characters"):
                connection.exec_driver_sql(f"INSERT INTO {table}({table}) VALUES ('optimize')")  # noqa: S608  (our own tables)
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        return not busy

    def size(self) -> int:
        """Return how many bytes the file takes, with its write-ahead log."""
        path = index_path(self.url)
        return sum(_size(path.with_name(path.name + ending)) for ending in ("", "-wal"))

    def _open(self, read_only: bool) -> None:
        """Open it; one that is only read, also where nothing can be written."""
        try:
            self._bring_up(read_only)
        except DBAPIError as error:
            if not (read_only and is_unwritable(error.orig)):
                raise
            self.engine.dispose()
            path = index_path(self.url)
            try:
                self._unwritable = UnwritableIndex(path)
            except OSError as failure:
                sentence = f"{describe_os_error(path, failure)} It is copied to {gettempdir()}."
                raise IndexUnusableError(sentence) from failure
            self.engine = create_engine("sqlite://", creator=self._unwritable.connect)
            event.listen(self.engine, "connect", _set_up)
            self._bring_up(read_only)

    def _bring_up(self, read_only: bool) -> None:
        found, foreign = self._found()
        if found == SCHEMA:
            self._check_schema()
            if not read_only:
                with self.engine.connect() as connection:
                    _use_wal(connection)
            return
        self._refuse(found, foreign, read_only)
        if found is None:
            self._create()
        else:
            self._migrate()

    def _check_schema(self) -> None:
        """Raise IndexUnusableError if there is anything in the schema that we did not make."""
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(SELECT_SCHEMA).all()
        foreign = find_foreign(rows, self._others)
        if foreign:
            raise IndexUnusableError(not_ours(shown_url(self.url), foreign))

    def _refuse(self, found: str | None, foreign: bool, read_only: bool) -> None:
        """Raise unless the schema ``found`` can be upgraded to `SCHEMA` here and now."""
        if foreign:
            raise IndexUnusableError(
                f"{self.url} is another program's database; name another one with INDEX_URL."
            )
        if found in EARLIER_SCHEMAS:
            raise EarlierSchemaError(
                f"{self.url} was made by an earlier version of Sacho (schema {found}): run "
                f"{PROGRAM} reindex. It makes a new index from the WARC files, takes over the run "
                "history, alarms, frontier and robots.txt copies of this one, and keeps this one "
                "beside it."
            )
        if found is not None and not can_upgrade(found):
            raise IndexUnusableError(
                f"{self.url} has schema {found}, and this version knows none newer than {SCHEMA}: "
                "upgrade Sacho, or name another index with INDEX_URL."
            )
        if not read_only:
            return
        if found is None:  # an empty file, which SQLite makes where one in use was deleted
            raise IndexUnusableError(
                f"the index at {self.url} is empty: run {PROGRAM} reindex if there was one, else "
                f"{PROGRAM} replay."
            )
        raise IndexUnusableError(is_older(self.url))

    def _found(self) -> tuple[str | None, bool]:
        """Return the schema of the file, if any, and whether it has tables without one."""
        while True:
            inode = _inode(self.url)
            with self.engine.connect() as connection:
                # One transaction: another process may be creating the schema.
                connection.exec_driver_sql("BEGIN")
                named = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
                version = "SELECT version_num FROM alembic_version"
                found = connection.scalar(text(version)) if connection.scalar(text(named)) else None
                tables = connection.scalar(text("SELECT 1 FROM sqlite_master WHERE type = 'table'"))
                connection.rollback()
            if inode in (0, _inode(self.url)):
                return found, found is None and tables is not None
            # A reindex replaced the file while it was being opened.
            self.engine.dispose()

    def _create(self) -> None:
        """Create the schema in one transaction; do nothing if another process has."""
        with self.engine.connect() as connection:
            _use_wal(connection)
        with self.writing() as connection:
            if connection.scalar(text("SELECT 1 FROM sqlite_master WHERE type = 'table'")):
                return
            metadata.create_all(connection)
            for statement in (*SEARCH_STATEMENTS, VERSION_TABLE):
                connection.exec_driver_sql(statement)
            stamp = text("INSERT INTO alembic_version VALUES (:schema)")
            connection.execute(stamp, {"schema": SCHEMA})
            name_build(connection)

    def _migrate(self) -> None:
        """Upgrade the schema in one transaction; do nothing if another process has."""
        with self.engine.connect() as connection:
            _use_wal(connection)
        with self.writing() as connection:
            upgrade(connection)


def attached_name(database: object) -> str:
    """Return the name by which a connection of SQLite can attach an open index.

    :raises IndexUnusableError: it is no file of SQLite.
    """
    if not isinstance(database, SqliteDatabase):
        raise IndexUnusableError("This needs an index in a file of SQLite; name one in INDEX_URL.")
    return database.uri


def engine_in_memory() -> Engine:
    """Return the engine of an empty index in memory, whose one connection can attach files."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(":memory:", uri=True, isolation_level=None)

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=StaticPool, json_serializer=as_json
    )
    metadata.create_all(engine)
    with engine.connect() as connection:
        for statement in SEARCH_STATEMENTS:
            connection.exec_driver_sql(statement)
    return engine


def _engine(url: str, read_only: bool, brief: bool) -> Engine:
    path = index_path(url)
    _check_files(path)
    if read_only and not path.exists():
        raise IndexUnusableError(
            f"there is no index at {path} yet: run {PROGRAM} replay first, or set INDEX_URL."
        )
    try:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexUnusableError(
            f"{path.parent} can't be created ({error.strerror}): name a folder that you may write "
            "to in INDEX_URL."
        ) from error
    return create_engine(
        make_url(url),
        json_serializer=as_json,
        json_deserializer=from_json,
        # Transactions are begun explicitly: BEGIN IMMEDIATE for every write.
        connect_args={"isolation_level": None},
        poolclass=NullPool if brief else None,
    )


def _check_files(path: Path) -> None:
    """Raise IndexUnusableError if the index, or a file that SQLite keeps beside it, is no file."""
    for ending in ("", "-wal", "-shm", "-journal"):
        name = path.with_name(path.name + ending)
        try:
            check_regular(name.lstat(), name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unusable(name, error) from error
        if not may_read(name):
            raise _unusable(name, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _unusable(name: Path, error: OSError) -> IndexUnusableError:
    sentence = f"{describe_os_error(name, error)} Or name another index with INDEX_URL."
    return IndexUnusableError(sentence)


@contextmanager
def _cut_off(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Let SQLite end what runs on so many seconds from now; not at all with None.

    :raises QueryTooSlowError: it did.
    """
    if seconds is None:
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    deadline = monotonic() + seconds
    driver.set_progress_handler(lambda: monotonic() > deadline, _STEPS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" not in str(error.orig):
            raise
        raise QueryTooSlowError(f"it would take longer than {seconds:g} seconds") from error
    finally:
        driver.set_progress_handler(None, 0)


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    # No pragma here may write: the file may turn out to be another program's.
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")


def _set_up_unsynced(connection: sqlite3.Connection, record: Any) -> None:
    _set_up(connection, record)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB: captures arrive in no index's order
    connection.execute("PRAGMA wal_autocheckpoint = 16384")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0  # a log that was merged meanwhile


def _inode(url: str) -> int:
    try:
        return index_path(url).stat().st_ino
    except OSError:
        return 0


def _use_wal(connection: Connection) -> None:
    """Let readers continue while one process writes; the setting is stored in the file."""
    if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
