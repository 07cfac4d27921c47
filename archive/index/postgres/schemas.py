"""Schemas of an index in PostgreSQL: its own, and two beside it, of a new and of a former one.

Only our own tables are created, moved and dropped: others may have tables in the same schema.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import make_url, text

from archive.index.errors import IndexUnusableError
from archive.index.postgres.database import connected
from archive.index.schema import metadata
from archive.model.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

#: All tables of an index.
TABLES = (*(table.name for table in metadata.sorted_tables), "search", "build", "alembic_version")
#: How the names of tables begin that an index has only while it is rebuilt.
_SCAFFOLD = "rebuild_"
#: How the names of the schemas end in which an index is rebuilt, and in which the former one is.
FRESH, KEPT = "_reindex", "_old"
#: The longest name of a schema.
_LONGEST = 63
_LOCK = "SELECT pg_try_advisory_lock(7237, hashtext(current_schema()))"
#: Of a relation, its owner and the rights that it grants.
_RIGHTS = text("""
SELECT relname, relkind, pg_get_userbyid(relowner) AS owner, grantee,
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS name,
    privilege_type, is_grantable
FROM pg_class LEFT JOIN LATERAL aclexplode(relacl) ON true
WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'S')
""")


class ReindexLock:
    """A lock against reindexes of an index, held by a connection of its own until it is closed."""

    def __init__(self, url: str) -> None:
        """Take it.

        :raises IndexUnusableError: another process holds it.
        """
        self._connected = connected(url)
        self._connection = self._connected.__enter__()
        try:
            if not self._connection.exec_driver_sql(_LOCK).scalar():
                raise IndexUnusableError(
                    f"Another reindex of {shown_url(url)}, or a remove, is running; try again when "
                    "it has finished."
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the lock."""
        # A connection that goes back to no pool is closed, which releases it.
        self._connected.__exit__(None, None, None)

    def __enter__(self) -> ReindexLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def schema_of(url: str) -> str:
    """Return the schema that an address names.

    :raises IndexUnusableError: it names none that there is, or the server cannot be asked.
    """
    with connected(url) as connection:
        found = connection.exec_driver_sql("SELECT current_schema()").scalar()
    if found is None:
        raise IndexUnusableError(
            f"{shown_url(url)} names no schema that there is: create it, or correct the search_path"
            " in INDEX_URL."
        )
    return str(found)


def schema_beside(schema: str, ending: str) -> str:
    """Return the name of a schema beside that of an index.

    :raises IndexUnusableError: it would be too long.
    """
    if len((schema + ending).encode()) > _LONGEST:
        raise IndexUnusableError(
            f"The name of the schema {schema} is too long for another one named after it."
        )
    return schema + ending


def in_schema(url: str, schema: str) -> str:
    """Return the address of an index in another schema of the same database."""
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    own = given if isinstance(given, str) else " ".join(given)
    value = quoted(schema).replace("\\", "\\\\").replace(" ", "\\ ")
    # The last option of a name counts.
    options = f"{own} -csearch_path={value}".strip()
    changed = parsed.update_query_dict({"options": options})
    return changed.render_as_string(hide_password=False)


def quoted(schema: str) -> str:
    """Return a name as SQL has it."""
    return '"' + schema.replace('"', '""') + '"'


def tables_in(connection: Connection, schema: str) -> list[str]:
    """Return which of our tables are in a schema."""
    there = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
    found = set(connection.execute(there, {"schema": schema}).scalars())
    return sorted(name for name in found if name in TABLES or name.startswith(_SCAFFOLD))


def drop_tables(connection: Connection, schema: str) -> None:
    """Drop our tables in a schema, and the schema if nothing else is in it."""
    listed = ", ".join(f"{quoted(schema)}.{name}" for name in tables_in(connection, schema))
    if listed:
        connection.exec_driver_sql(f"DROP TABLE {listed}")
    if _is_empty(connection, schema):
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {quoted(schema)}")


def indexes_beside(url: str) -> list[str]:
    """Return the schemas in which a reindex has kept a former index, or not finished one.

    :raises IndexUnusableError: the server cannot be asked.
    """
    schema = schema_of(url)
    with connected(url) as connection:
        names = (schema + ending for ending in (FRESH, KEPT))
        return [name for name in names if tables_in(connection, name)]


def drop_beside(url: str) -> None:
    """Drop both of these.

    :raises IndexUnusableError: the server refuses it.
    """
    schema = schema_of(url)
    with connected(url) as connection, transaction(connection):
        for ending in (FRESH, KEPT):
            drop_tables(connection, schema + ending)


def move_tables(connection: Connection, old: str, new: str) -> None:
    """Move our tables from one schema to another, with their indexes and sequences."""
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(new)}")
    for name in tables_in(connection, old):
        connection.exec_driver_sql(f"ALTER TABLE {quoted(old)}.{name} SET SCHEMA {quoted(new)}")


def copy_rights(connection: Connection, old: str, new: str) -> None:
    """Give our tables in a schema the owners and rights of those in another one."""
    own = {row.relname for row in connection.execute(_RIGHTS, {"schema": quoted(new)})}
    owners: set[tuple[str, str]] = set()
    for row in connection.execute(_RIGHTS, {"schema": quoted(old)}).all():
        if row.relname not in own:
            continue
        kind = "SEQUENCE" if row.relkind == "S" else "TABLE"
        place = f"{quoted(new)}.{row.relname}"
        if row.privilege_type is not None:
            more = " WITH GRANT OPTION" if row.is_grantable else ""
            connection.exec_driver_sql(
                f"GRANT {row.privilege_type} ON {kind} {place} TO {row.name}{more}"
            )
        if kind == "TABLE":  # a sequence has the owner of its table
            owners.add((place, row.owner))
    user = connection.exec_driver_sql("SELECT current_user").scalar()
    for place, owner in sorted(owners):
        if owner != user:
            connection.exec_driver_sql(f"ALTER TABLE {place} OWNER TO {quoted(owner)}")


def _is_empty(connection: Connection, schema: str) -> bool:
    """Return whether a schema holds no relation, function or type, or is not there."""
    query = text(
        "SELECT NOT EXISTS (SELECT 1 FROM pg_namespace AS own WHERE nspname = :schema AND ("
        " EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = own.oid)"
        " OR EXISTS (SELECT 1 FROM pg_proc WHERE pronamespace = own.oid)"
        " OR EXISTS (SELECT 1 FROM pg_type WHERE typnamespace = own.oid)))"
    )
    return bool(connection.execute(query, {"schema": schema}).scalar())


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Begin a transaction on a connection; commit it, or roll it back on any error."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
