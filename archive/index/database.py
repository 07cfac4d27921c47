"""The index: one connection to the database, opened on the right schema, written in immediate transactions."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from archive.model.program import PROGRAM

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import TypeAlias

    #: What `Index.reading` gives, for those who only hand it on and know nothing of SQL.
    Snapshot: TypeAlias = Connection

#: The schema this code writes: the newest module in archive/index/migrations/versions.
SCHEMA = "0006"
#: Schemas of unreleased versions. They are not upgraded: a reindex makes a new index and takes over
#: what the WARC files can't tell.
EARLIER_SCHEMAS = frozenset({"0001", "0002", "0003", "0004", "0005"})
_MIGRATIONS = Path(__file__).parent / "migrations"
#: How long a writer waits for another one, milliseconds.
BUSY_TIMEOUT = 60_000


#: Made once: json.dumps() makes an encoder for every value.
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class IndexUnusableError(Exception):
    """The index can't be used as asked; the message is a sentence with what to do."""


class EarlierSchemaError(IndexUnusableError):
    """The index was made by an earlier version; it has to be rebuilt."""


class Index:
    """An open index. ``read_only`` never creates or migrates one.

    Without ``lasting`` the last commits may be gone after a power cut, but no half ones remain: for
    what is made anew. With ``brief`` it is held only while it is used: who has it open for months
    must not keep a reindex from it.
    """

    def __init__(
        self, url: str, *, read_only: bool = False, lasting: bool = True, brief: bool = False
    ) -> None:
        self.url = url
        self._engine = _engine(url, read_only, brief)
        event.listen(self._engine, "connect", _set_up if lasting else _set_up_in_haste)
        try:
            self._bring_up(read_only)
        except DBAPIError as error:
            self._engine.dispose()
            raise IndexUnusableError(f"{url}: {_plain(error)}") from error
        except BaseException:
            self._engine.dispose()
            raise

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One immediate write transaction, committed at the end, rolled back on any error.

        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        with self.lending() as engine, engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One read transaction: everything read in it belongs to one moment."""
        with self.lending() as engine, engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    @contextmanager
    def lending(self) -> Iterator[Engine]:
        """SQLAlchemy's engine, for a library that brings its own statements: each is a transaction of its own.

        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        try:
            yield self._engine
        except DBAPIError as error:
            raise IndexUnusableError(f"{self.url}: {_plain(error)}") from error

    def scrub(self) -> bool:
        """Write the database anew, without what was deleted from it; False while another process reads its old state.

        :raises IndexUnusableError: the database is busy for longer than a minute, full, read-only
            or damaged.
        """
        try:
            with self._engine.connect() as connection:
                # A deleted text's tokens stay in the search index until its parts are merged into
                # one.
                connection.exec_driver_sql("INSERT INTO search(search) VALUES ('optimize')")
                connection.exec_driver_sql("VACUUM")
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        except DBAPIError as error:
            raise IndexUnusableError(f"{self.url}: {_plain(error)}") from error
        return not busy

    def _bring_up(self, read_only: bool) -> None:
        found, foreign = self._found()
        if found == SCHEMA:
            if not read_only:
                with self._engine.connect() as connection:
                    _use_wal(connection)
            return
        self._refuse(found, foreign, read_only)
        self._migrate()

    def _refuse(self, found: str | None, foreign: bool, read_only: bool) -> None:
        """Raise unless the schema ``found`` can be upgraded to `SCHEMA` here and now."""
        if foreign:
            raise IndexUnusableError(
                f"{self.url} is another program's database; name another one with INDEX_URL."
            )
        if found in EARLIER_SCHEMAS:
            raise EarlierSchemaError(
                f"{self.url} was made by an earlier version of Sacho (schema {found}): run {PROGRAM} "
                "reindex. It makes a new index from the WARC files, takes over the run history, "
                "alarms, frontier and robots.txt copies of this one, and keeps this one beside it."
            )
        if found is not None and not (_MIGRATIONS / "versions" / f"v{found}.py").exists():
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
        raise IndexUnusableError(
            f"{self.url} has an older schema: run a verb that writes ({PROGRAM} replay) once to "
            "upgrade it."
        )

    def _found(self) -> tuple[str | None, bool]:
        """The schema there is, if any, and whether there are tables without one."""
        while True:
            there = _inode(self.url)
            with self._engine.connect() as connection:
                # one moment's: another process may be making it
                connection.exec_driver_sql("BEGIN")
                named = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
                version = "SELECT version_num FROM alembic_version"
                found = connection.scalar(text(version)) if connection.scalar(text(named)) else None
                tables = connection.scalar(text("SELECT 1 FROM sqlite_master WHERE type = 'table'"))
                connection.rollback()
            if there in (0, _inode(self.url)):
                return found, found is None and tables is not None
            # a reindex put its own in this one's place while we were opening it
            self._engine.dispose()

    def _migrate(self) -> None:
        """Create or upgrade the schema in one transaction; where another process was faster, do nothing."""
        # Alembic takes a third of a second to import, and is needed only here.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._engine.connect() as connection:
            _use_wal(connection)
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _engine(url: str, read_only: bool, brief: bool) -> Engine:
    path = index_path(url)
    if read_only and not path.exists():
        raise IndexUnusableError(
            f"there is no index at {path} yet: run {PROGRAM} replay first, or set INDEX_URL."
        )
    try:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexUnusableError(
            f"{path.parent} can't be made ({error.strerror}): name a folder you may write in INDEX_URL."
        ) from error
    return create_engine(
        make_url(url),
        json_serializer=_as_json,
        # Transactions are begun by name: BEGIN IMMEDIATE for every write.
        connect_args={"isolation_level": None},
        poolclass=NullPool if brief else None,
    )


def index_path(url: str) -> Path:
    """The file that an INDEX_URL names, links followed.

    :raises IndexUnusableError: it names none.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise IndexUnusableError(
            f"INDEX_URL {url!r} is no database address; use sqlite:///path/to/file"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        raise IndexUnusableError(f"INDEX_URL {url!r}: only sqlite:/// is supported")
    if not parsed.database or parsed.database == ":memory:":
        raise IndexUnusableError(
            f"INDEX_URL {url!r} names no file; use sqlite:///path/to/index.sqlite3"
        )
    return Path(parsed.database).resolve()


def _as_json(value: Any) -> str:
    return "[]" if value == [] else _ENCODE(value)  # most lists of most articles are empty


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    # No pragma here may write: the file may turn out to be another program's.
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _set_up_in_haste(connection: sqlite3.Connection, record: Any) -> None:
    _set_up(connection, record)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB: captures come in no index's order
    connection.execute("PRAGMA wal_autocheckpoint = 16384")


def _inode(url: str) -> int:
    try:
        return index_path(url).stat().st_ino
    except OSError:
        return 0


def _use_wal(connection: Connection) -> None:
    """Let readers go on while one writes; the database remembers it."""
    if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def _plain(error: DBAPIError) -> str:
    cause = str(error.orig)
    if isinstance(error, OperationalError) and "locked" in cause:
        return "another process has been writing for over a minute; try again when it is done."
    if "disk is full" in cause:
        return f"{cause}: make room, then run the same command again."
    if "disk I/O" in cause:  # so SQLite calls some full disks too
        return f"{cause}: see whether the disk is full or failing, then run the same command again."
    if "readonly" in cause or "unable to open" in cause:
        return f"{cause}: check that you may write this file and its folder, or name another one with INDEX_URL."
    if "no such table" in cause:
        return f"{cause}: it was deleted or emptied while it was in use; run {PROGRAM} reindex, or restore it."
    if "not a database" in cause or "malformed" in cause:
        return f"{cause}: it is no index of ours, or damaged; move it away, or name another one with INDEX_URL."
    return f"{cause}."
