"""The index in a database of PostgreSQL: created, checked, and written by processes side by side.

What a transaction decides by what it has read must hold until its end. So it holds advisory locks
from its begin on: first one of the whole index, which it shares with others that name the parts
that they write, then one of each of its parts, in the order of their names. A transaction that
names none has the lock of the whole index alone. As all locks are taken in one order, no two
transactions wait for each other; each statement sees what was committed before it, and so, what was
before the locks were given. Readers are never kept waiting. What writers rely on:

* The identity of articles, their revisions and captures, and the frontier: the part of their
  outlet. Nothing of it is decided by another outlet's rows; equal texts and pictures of several
  outlets, and revisits of captures elsewhere, are only read.
* Positions in full-text search are of no outlet: a transaction locks some of the 64 of every
  minute, all at once and without waiting where any are left (`archive.index.search.position`).
* Ids come from sequences, in no order of commits: see `archive.index.postgres.settled_ids`.
* Leases, runs, robots.txt: each its own part, as several processes decide about one. Alarms are one
  part: each is raised once.
* A take-down has the whole index: whoever stores captures has asked the blocklist within the
  transaction, so none of that article comes in between. So have the making of the schema, a copy
  into the index, and whatever names no part.

Where two transactions wait for each other in spite of this (for a row, or an index's entry),
PostgreSQL undoes one of them, and `archive.index.writers.conflicts` begins it again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from archive.index.dialect import from_json
from archive.index.errors import (
    ConflictError,
    IndexUnusableError,
    NoIndexError,
    QueryTooSlowError,
)
from archive.index.migration import can_upgrade, is_older, upgrade
from archive.index.postgres.search import SEARCH_STATEMENTS
from archive.index.postgres.settled_ids import announce, settled_ids
from archive.index.postgres.texts import json_without_nul, store_nul
from archive.index.rows.row_ids import CREATE_BUILD, SETTLED, name_build
from archive.index.schema import metadata
from archive.index.schema_version import SCHEMA
from archive.model.errors import TOO_MANY_FILES
from archive.model.program import PROGRAM
from archive.model.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.default import DefaultDialect
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

#: Milliseconds that a writer waits for another one.
BUSY_TIMEOUT = 60_000
#: The advisory lock of the whole index, alone and shared; each schema in a database has its own.
_LOCK_ALL = "SELECT pg_advisory_xact_lock(7236, hashtext(current_schema()))"
_SHARE_ALL = "SELECT pg_advisory_xact_lock_shared(7236, hashtext(current_schema()))"
_LOCK_PARTS = (
    "SELECT count(pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || part, 7236)))"
    " FROM unnest(%s::text[]) AS part"
)
#: SQLSTATEs of a transaction that was undone because of another one.
_CONFLICTS = frozenset({"40001", "40P01"})
#: Settings of a connection: no query is compiled to machine code, which takes longer than most of
#: ours. Behind those of the address: times are shown in UTC, as psycopg reads them, whatever the
#: database or its user has; and a mark that they all have arrived.
_OPTIONS = "-c jit=off"
_LAST_OPTIONS = "-c timezone=UTC -c datestyle=ISO -c sacho.options=arrived"
#: What the server has, and the mark.
_SETTINGS = "SELECT current_setting('server_encoding'), current_setting('sacho.options', true)"
_VERSION_TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
#: A table that the user may not write anew: its owner may, the database's, and since PostgreSQL 17
#: whoever is given that right.
_NOT_OURS = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = quote_ident(current_schema())::regnamespace
    AND NOT pg_has_role(relowner, 'USAGE')
    AND NOT pg_has_role(
        (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE'
    )
    AND NOT CASE WHEN current_setting('server_version_num')::int >= 170000
        THEN has_table_privilege(pg_class.oid, 'MAINTAIN') ELSE false END
ORDER BY relname LIMIT 1"""
#: Whether a schema is there that this user may not use; its names are then not found.
_IS_CLOSED = text(
    "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = :schema "
    "AND NOT has_schema_privilege(oid, 'USAGE'))"
)
_SIZE = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = quote_ident(current_schema())::regnamespace"""
#: What runs by itself when a table is read or written.
_PROGRAMS = """
SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = quote_ident(current_schema())::regnamespace
UNION ALL
SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = current_schema()"""
#: SQLSTATE, or the begin of one -> what to do.
_ADVICE = {
    "25P03": "the server's idle_in_transaction_session_timeout for this user is too short; "
    "raise it",
    "25P04": "the server's transaction_timeout for this user is too short; raise it",
    "3F000": "create the schema that this user's search_path names, or correct that",
    "57P05": "the server's idle_session_timeout for this user is too short; raise it",
    "25006": "the server takes no changes; name its primary server in INDEX_URL",
    "42501": "the user lacks the right; the database's owner has to grant it",
    "42P01": f"it was emptied while it was in use; run {PROGRAM} reindex, or restore it",
    "53100": "free disk space on the server, then run the same command again",
    "53300": "the server has too many connections; try again later",
    "57014": "the server's statement_timeout for this user is too short; raise it",
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
    "unsupported startup parameter": "a pooler stands before the server and refuses the options "
    "that connections need; name the server itself in INDEX_URL",
    "Name or service not known": "there is no server of that name",
    "Too many open files": TOO_MANY_FILES,
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
    def writing(self, *parts: str) -> Iterator[Connection]:
        """Begin a write transaction when no other one has any of its parts; see `Index.writing`."""
        with self._locked(*parts) as connection:
            announce(connection)
            yield connection

    @contextmanager
    def _locked(self, *parts: str) -> Iterator[Connection]:
        with self._translated_errors(), self.engine.connect() as connection:
            try:
                patience = f"SET LOCAL lock_timeout = {BUSY_TIMEOUT}"
                lock = _SHARE_ALL if parts else _LOCK_ALL
                connection.exec_driver_sql(f"BEGIN; {patience}; {lock}")
                if parts:
                    connection.exec_driver_sql(_LOCK_PARTS, (sorted(set(parts)),))
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(
        self, seconds: float | None = None, *, settled: bool = False
    ) -> Iterator[Connection]:
        """Begin a read transaction; each statement in it may take so many seconds."""
        with self._translated_errors(seconds), self.engine.connect() as connection:
            # Before the transaction sees anything: what is committed meanwhile is there then.
            connection.info[SETTLED] = settled_ids(connection) if settled else None
            connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                if seconds is not None:
                    most = max(1, round(seconds * 1000))
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {most}")
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def beside(self, schema: str) -> Iterator[Connection]:
        """Begin a transaction in another schema of the database, which another program has made.

        :raises IndexUnusableError: the user may not use it, or the database can't be used.
        """
        with self._translated_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                if connection.scalar(_IS_CLOSED, {"schema": schema}):
                    raise IndexUnusableError(
                        f"{self._shown}: this user may not use the schema {schema}; "
                        "the database's owner has to grant it."
                    )
                quoted = connection.dialect.identifier_preparer.quote(schema)
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT}")
                connection.exec_driver_sql(f"SET LOCAL search_path = {quoted}")
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def check_can_scrub(self) -> None:
        """Check that this user may write all tables anew.

        :raises IndexUnusableError: the user may not; `VACUUM FULL` would only warn of it.
        """
        with self.reading() as connection:
            table = connection.exec_driver_sql(_NOT_OURS).scalar()
        if table is not None:
            raise IndexUnusableError(
                f"{self._shown}: this user may not write the table {table} anew, so a removed text "
                "would stay in its file. Run it as the owner of the tables. Nothing was changed."
            )

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
                if sql_state(error) != "55P03":
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
            with _translated_errors(self.url):
                yield
        except IndexUnusableError as error:
            if seconds is not None and sql_state(error.__cause__) == "57014":
                raise QueryTooSlowError(f"it would take longer than {seconds:g} seconds") from error
            raise

    def _open(self, read_only: bool) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            self._check_settings(connection)
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
        if found not in (None, SCHEMA) and not can_upgrade(found):
            raise IndexUnusableError(
                f"{self._shown} has schema {found}, and this version knows none newer than "
                f"{SCHEMA}: upgrade Sacho, or name another index with INDEX_URL."
            )
        if programs:
            raise IndexUnusableError(
                f"{self._shown} holds the {programs[0]}, which Sacho did not make, so nothing in "
                "it can be relied on."
            )
        if found not in (None, SCHEMA):
            if read_only:
                raise IndexUnusableError(is_older(self._shown))
            self._migrate()
        if found is None:
            self._create()
        elif missing := metadata.tables.keys() - tables:
            raise IndexUnusableError(f"{self._shown} lacks the table {min(missing)}: restore it.")

    def _check_settings(self, connection: Connection) -> None:
        """Check what the server has, and that it got the options of the connection."""
        encoding, mark = connection.exec_driver_sql(_SETTINGS).one()
        if encoding != "UTF8":
            raise IndexUnusableError(
                f"{self._shown} is encoded as {encoding}, which does not hold every text: create a "
                "database with createdb --encoding UTF8 --template template0."
            )
        if mark != "arrived":
            raise IndexUnusableError(
                f"{self._shown}: what connects to the server does not pass on the options that "
                "connections need, as a pooler with ignore_startup_parameters does not; name the "
                "server itself in INDEX_URL."
            )

    def _migrate(self) -> None:
        """Upgrade the schema in one transaction; do nothing if another process has."""
        with self._locked() as connection:
            upgrade(connection)

    def _create(self) -> None:
        """Create the schema in one transaction; do nothing if another process has."""
        with self._locked() as connection:
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


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect to the database of an index, whatever it holds, without a transaction.

    :raises IndexUnusableError: the server cannot be reached, or a statement fails.
    """
    engine = _engine(url, lasting=True, brief=True)
    try:
        with _translated_errors(url), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def exclude_writers(connection: Connection) -> None:
    """Wait for whoever writes, and let nobody write until this transaction ends."""
    connection.exec_driver_sql(_LOCK_ALL)


@contextmanager
def _translated_errors(url: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if type(error.orig).__module__.partition(".")[0] != "psycopg":
            raise  # of another index, to or from which this one is copied
        sentence = f"{shown_url(url)}: {_sentence(error)}"
        if sql_state(error) in _CONFLICTS:
            raise ConflictError(sentence) from error
        raise IndexUnusableError(sentence) from error


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
        engine = create_engine(
            parsed,
            json_serializer=json_without_nul,
            json_deserializer=from_json,
            # Transactions are begun explicitly, as each kind needs.
            isolation_level="AUTOCOMMIT",
            connect_args={
                "options": f"{_OPTIONS}{more} {own} {_LAST_OPTIONS}",
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
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", store_nul)
    return engine


def _connect(
    dialect: DefaultDialect,
    _: ConnectionPoolEntry,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> DBAPIConnection:
    """Connect; an error of the system becomes one of reaching the server, as libpq's own are."""
    try:
        return dialect.connect(*arguments, **named)
    except OSError as error:
        raise dialect.loaded_dbapi.OperationalError(str(error)) from error


def _options(query: Mapping[str, Any]) -> str:
    """Return the options of the address, which ours are put before."""
    given = query.get("options", "")
    return given if isinstance(given, str) else " ".join(given)


def sql_state(error: BaseException | None) -> str:
    """Return the SQLSTATE of an error of the server, ``""`` if it has none."""
    return _state(getattr(error, "orig", None))


def _state(error: BaseException | None) -> str:
    """Return the SQLSTATE of an error of psycopg, ``""`` if it has none."""
    return getattr(error, "sqlstate", None) or ""


def describe_server_error(error: BaseException) -> str:
    """Return an error of psycopg as a sentence with what to do."""
    state = _state(error)
    cause = str(error).strip().partition("\n")[0] or type(error).__name__
    if state == "55P03":
        return "another process has been writing for over a minute; try again when it is done."
    for begin, advice in _ADVICE.items():
        if state.startswith(begin):
            return f"{cause}: {advice}."
    return f"{cause}."


def _sentence(error: DBAPIError) -> str:
    """Return an error of the server, or of reaching it, as a sentence with what to do."""
    told = str(error.orig)
    if sql_state(error) or not isinstance(error, OperationalError):
        return describe_server_error(error.orig or error)
    for part, advice in _NO_CONNECTION.items():
        if part in told:
            return f"{advice}."
    if (refusal := told.rpartition("FATAL:")[2]) != told:
        reason = refusal.strip().partition("\n")[0]
        return f"the server refuses the connection ({reason}); check INDEX_URL."
    cause = told.strip().partition("\n")[0]
    return f"the server cannot be reached ({cause}); check that it runs, and INDEX_URL."
