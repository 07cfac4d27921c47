"""The index in a database of PostgreSQL: created, checked, written by one process at a time.

A transaction that writes holds an advisory lock of the database from its begin to its end. So what
it reads cannot change before it writes, as in a file of SQLite; readers are never kept waiting.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from archive.index.address import shown_url
from archive.index.dialect import as_json, from_json
from archive.index.errors import IndexUnusableError, NoIndexError, QueryTooSlowError
from archive.index.row_ids import CREATE_BUILD, name_build
from archive.index.schema import metadata
from archive.index.schema_version import SCHEMA
from archive.index.search.postgres import SEARCH_STATEMENTS
from archive.model.program import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine

#: Milliseconds that a writer waits for another one.
BUSY_TIMEOUT = 60_000
#: The key of the advisory lock of whoever writes; of each schema in a database there is one.
_LOCK = "SELECT pg_advisory_xact_lock(7236, hashtext(current_schema()))"
#: Settings of a connection: times are shown in UTC, and no query is compiled to machine code, which
#: takes longer than most of ours.
_OPTIONS = "-c timezone=UTC -c jit=off"
_VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_SIZE = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"""
#: What runs by itself when a table is read or written.
_PROGRAMS = """
SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = current_schema()"""
#: SQLSTATE, or the begin of one -> what to do.
_ADVICE = {
    "25006": "the server takes no changes; name its primary server in INDEX_URL",
    "42501": "the user lacks the right; the database's owner has to grant it",
    "42P01": f"it was emptied while it was in use; run {PROGRAM} reindex, or restore it",
    "53100": "free disk space on the server, then run the same command again",
    "53300": "the server has too many connections; try again later",
    "57P": "the server was stopped; try again when it runs",
    "08": "the connection broke; try again when the server can be reached",
    "XX": "the database is damaged; restore it",
}
#: What the message of a failed connection contains -> the sentence.
_NO_CONNECTION = {
    "password authentication failed": "the server does not accept this user and password",
    "no password supplied": "the server asks for a password: put it in ~/.pgpass",
    "does not exist": "there is no such database, or no such user; create it with createdb",
    "permission denied for database": "the user may not connect to this database",
    "no pg_hba.conf entry": "the server's pg_hba.conf lets no such user in from here",
    "Name or service not known": "there is no server of that name",
    "too many": "the server has too many connections; try again later",
    "starting up": "the server is starting; try again in a moment",
}


class PostgresDatabase:
    """An index in a database; the parameters are those of `archive.index.database`."""

    def __init__(
        self, url: str, *, read_only: bool = False, lasting: bool = True, brief: bool = False
    ) -> None:
        self.url = url
        self._shown = shown_url(url)
        self.engine = _engine(url, lasting=lasting, brief=brief)
        try:
            with self._translated_errors():
                self._open(read_only)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Begin a write transaction when no other one is left; see `Index.writing`."""
        with self._translated_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT}")
                connection.exec_driver_sql(_LOCK)
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """Begin a read transaction; each statement in it may take so many seconds."""
        with self._translated_errors(seconds), self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                if seconds is not None:
                    most = max(1, round(seconds * 1000))
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {most}")
                yield connection
            finally:
                connection.rollback()

    def scrub(self) -> bool:
        """Write all tables anew without what was deleted; return False if one is in use for long.

        Each table is locked until it is written. What was deleted is still in the server's
        write-ahead log until that is recycled, and in its own backups.
        """
        with self._translated_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = {BUSY_TIMEOUT}")
            try:
                for (name,) in connection.exec_driver_sql(_TABLES).all():
                    quoted = connection.dialect.identifier_preparer.quote(name)
                    connection.exec_driver_sql(f"VACUUM FULL {quoted}")
                # Samples of their columns, which the planner has, may be of what was deleted.
                connection.exec_driver_sql("ANALYZE")
                connection.exec_driver_sql("VACUUM FULL pg_catalog.pg_statistic")
                # The files that the tables were in are deleted by the next checkpoint.
                connection.exec_driver_sql("CHECKPOINT")
            except OperationalError as error:
                if _state(error) != "55P03":
                    raise
                return False
            except ProgrammingError as error:  # to ask for a checkpoint takes a right of its own
                if "CHECKPOINT" not in str(error.statement):
                    raise
            finally:
                connection.exec_driver_sql("RESET lock_timeout")
        return True

    def size(self) -> int:
        """Return how many bytes all tables take with their indexes."""
        with self.reading() as connection:
            return int(connection.exec_driver_sql(_SIZE).scalar() or 0)

    @contextmanager
    def _translated_errors(self, seconds: float | None = None) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if seconds is not None and _state(error) == "57014":
                raise QueryTooSlowError(f"it would take longer than {seconds:g} seconds") from error
            raise IndexUnusableError(f"{self._shown}: {_sentence(error)}") from error

    def _open(self, read_only: bool) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            found = _version(connection)
            tables = set(connection.exec_driver_sql(_TABLES).scalars())
            programs = connection.exec_driver_sql(_PROGRAMS).scalars().all()
            connection.rollback()
        if found is None and tables:
            raise IndexUnusableError(
                f"{self._shown} holds tables of another program; name another database with "
                "INDEX_URL."
            )
        if found is None and read_only:
            raise NoIndexError(
                f"there is no index at {self._shown} yet: run {PROGRAM} replay first, or set "
                "INDEX_URL."
            )
        if found not in (None, SCHEMA):
            raise IndexUnusableError(
                f"{self._shown} has schema {found}, and this version knows only {SCHEMA}: upgrade "
                "Sacho, or name another index with INDEX_URL."
            )
        if programs:
            raise IndexUnusableError(
                f"{self._shown} holds the {programs[0]}, which Sacho did not make, so nothing in "
                "it can be relied on."
            )
        if found is None:
            self._create()
        elif missing := metadata.tables.keys() - tables:
            raise IndexUnusableError(f"{self._shown} lacks the table {min(missing)}: restore it.")

    def _create(self) -> None:
        """Create the schema in one transaction; do nothing if another process has."""
        with self.writing() as connection:
            if _version(connection) is not None:
                return
            _limit_indexes()
            metadata.create_all(connection, checkfirst=False)
            for statement in (*SEARCH_STATEMENTS, CREATE_BUILD, _VERSION_TABLE):
                connection.exec_driver_sql(statement)
            connection.execute(
                text("INSERT INTO alembic_version VALUES (:schema)"), {"schema": SCHEMA}
            )
            name_build(connection)


def _version(connection: Connection) -> str | None:
    """Return the schema of the index, None if there is none."""
    there = "SELECT to_regclass(quote_ident(current_schema()) || '.alembic_version')"
    if connection.exec_driver_sql(there).scalar() is None:
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found or "")


def _limit_indexes() -> None:
    """Give the indexes that have only some rows the same condition as in SQLite.

    Not where they are defined: SQLAlchemy would import the dialect for it in every process.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            index.dialect_options["postgresql"]["where"] = where


def _engine(url: str, *, lasting: bool, brief: bool) -> Engine:
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    own = _options(parsed.query)
    more = "" if lasting else " -c synchronous_commit=off"
    try:
        return create_engine(
            parsed,
            json_serializer=as_json,
            json_deserializer=from_json,
            # Transactions are begun explicitly, as each kind needs.
            isolation_level="AUTOCOMMIT",
            connect_args={
                "options": f"{_OPTIONS}{more} {own}".strip(),
                "application_name": PROGRAM,
                "client_encoding": "utf8",
                "connect_timeout": 10,
            },
            poolclass=NullPool if brief else None,
            pool_pre_ping=not brief,
        )
    except ImportError as error:
        raise IndexUnusableError(
            "An index in PostgreSQL needs psycopg: install sacho[postgres]."
        ) from error


def _options(query: Mapping[str, Any]) -> str:
    """Return the options of the address, which ours are put before."""
    given = query.get("options", "")
    return given if isinstance(given, str) else " ".join(given)


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _sentence(error: DBAPIError) -> str:
    """Return an error of the server, or of reaching it, as a sentence with what to do."""
    state = _state(error)
    cause = str(error.orig).strip().partition("\n")[0]
    if state == "55P03":
        return "another process has been writing for over a minute; try again when it is done."
    for begin, advice in _ADVICE.items():
        if state.startswith(begin):
            return f"{cause}: {advice}."
    if not state and isinstance(error, OperationalError):
        for part, advice in _NO_CONNECTION.items():
            if part in str(error.orig):
                return f"{advice}."
        return f"the server cannot be reached ({cause}); check that it runs, and INDEX_URL."
    return f"{cause}."
