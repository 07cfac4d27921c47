"""A PostgreSQL server that a test may stop, start, fill and lock out from."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import make_url

from tests.support.databases.postgres import start_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

#: Seconds within which the server stops.
_PATIENCE = 180


class OwnServer:
    """A server in a folder of its own, with databases, users and rights as asked for."""

    def __init__(self) -> None:
        # Not in the test's folder: the path of a socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._server: Any = start_server(self.folder)

    def __enter__(self) -> OwnServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        with psycopg.connect(self._plain(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, query: str, database: str = "postgres") -> Any:
        """Return the first value that a query finds."""
        with psycopg.connect(self._plain(database), autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        return row[0] if row else None

    def database(self, name: str, more: str = "") -> str:
        """Create an empty database; return its INDEX_URL."""
        self.do(f"CREATE DATABASE {name} {more}")
        return self.url(name)

    def url(self, database: str, user: str = "postgres", password: str | None = None) -> str:
        """Return the INDEX_URL of a database for a user."""
        address = make_url(self._server.get_uri()).set(
            drivername="postgresql+psycopg", database=database, username=user, password=password
        )
        return address.render_as_string(hide_password=False)

    def ask_passwords_of(self, user: str) -> None:
        """Let a user in with a password only."""
        rules = self.folder / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\nlocal all all trust\n")
        self.do("SELECT pg_reload_conf()")

    def end_connections(self, database: str) -> int:
        """End the connections to a database; return how many there were."""
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            f" WHERE datname = '{database}'"
        )
        return int(self.ask(query))

    def stop(self) -> None:
        """Stop it at once, as ``pg_ctl stop -m immediate`` does: as if its machine had failed."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        deadline = monotonic() + _PATIENCE
        while (self.folder / "postmaster.pid").exists() or _is_running(pid):
            assert monotonic() < deadline, "the server does not stop"
            sleep(0.02)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        self._server._postmaster_info = None
        self._server.ensure_postgres_running()

    @contextmanager
    def standby(self) -> Iterator[str]:
        """Start a server that follows this one and takes no changes; yield the folder of its socket."""
        programs = Path(f"/proc/{self._server.get_pid()}/exe").readlink().parent
        owner = self.folder.stat()
        folder = Path(tempfile.mkdtemp(prefix="pg-"))
        os.chown(folder, owner.st_uid, owner.st_gid)

        def run(program: str, *args: object) -> None:
            subprocess.run(
                [programs / program, "-D", folder / "data", *map(str, args)],
                check=True,
                user=owner.st_uid,
                group=owner.st_gid,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        try:
            run("pg_basebackup", "-R", "-h", self.folder, "-U", "postgres", "-c", "fast")
            listens = f"-k {folder} -c listen_addresses=''"
            run("pg_ctl", "-o", listens, "-w", "-t", _PATIENCE, "-l", folder / "log", "start")
            try:
                yield str(folder)
            finally:
                run("pg_ctl", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _plain(self, database: str) -> str:
        return str(self._server.get_uri(database=database))


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
