"""Ids up to which no row comes any more, while several transactions write at once.

Ids are drawn in one order and committed in another. So each transaction that writes holds a lock,
shared with all others, whose key is the last id of each table that was drawn when it began: all ids
that it draws are higher. Whoever reads looks first which ids were drawn last, then which of these
locks are held, then begins to read: every row up to the lowest of these numbers is there to be
seen, or will never be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from archive.index.errors import IndexUnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

#: Tables whose rows are read by rising ids.
_TABLES = ("captures", "revisions", "removals")
_LAST = "coalesce(pg_sequence_last_value(pg_get_serial_sequence('{0}', 'id')::regclass), 0)"
#: Of the locks of a table, the first half of the key; the second are the last 32 bits of an id.
_KIND = "hashtext(current_schema() || '.{0}.id')"
_BITS = 2**32
_ANNOUNCE = "SELECT " + ", ".join(
    f"pg_advisory_xact_lock_shared({_KIND}, {_LAST}::bit(32)::int)".format(name) for name in _TABLES
)
_DRAWN = "SELECT pg_is_in_recovery(), " + ", ".join(_LAST.format(name) for name in _TABLES)
#: Of a sequence that the user may not read no last value is told, as of one that nobody has used.
_MAY_READ = "SELECT " + " AND ".join(
    f"has_sequence_privilege(pg_get_serial_sequence('{name}', 'id'), 'USAGE, SELECT')"
    for name in _TABLES
)
_KINDS = ", ".join(f"({_KIND}, '{{0}}')".format(name) for name in _TABLES)
_HELD = f"""
SELECT kinds.name, locks.objid::bigint
FROM pg_locks AS locks JOIN (VALUES {_KINDS}) AS kinds (kind, name)
    ON locks.classid = kinds.kind::bit(32)::bigint::oid
WHERE locks.locktype = 'advisory' AND locks.objsubid = 2 AND locks.granted
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608  (our own tables' names)


def announce(connection: Connection) -> None:
    """Let readers know, until the end of this transaction, that it may draw ids from now on."""
    connection.execute(text(_ANNOUNCE))


def settled_ids(connection: Connection) -> Mapping[str, int]:
    """Return by table the id up to which a transaction that begins now sees all rows there will be.

    :raises IndexUnusableError: the server only follows another one, and sees no locks of that; or
        the user may not read the tables' sequences.
    """
    if not connection.execute(text(_MAY_READ)).scalar():
        raise IndexUnusableError(
            "This user may not read the sequences of the index, without which what is new is not "
            "known: let the owner of the tables GRANT SELECT ON ALL SEQUENCES IN SCHEMA."
        )
    is_standby, *drawn = connection.execute(text(_DRAWN)).one()
    if is_standby:
        raise IndexUnusableError(
            "What changed cannot be followed on a server that copies another one: name that one in "
            "INDEX_URL."
        )
    last = dict(zip(_TABLES, drawn, strict=True))
    settled = dict(last)
    for name, bits in connection.execute(text(_HELD)):
        begin = last[name] - (last[name] - bits) % _BITS
        settled[name] = min(settled[name], begin)
    return settled
