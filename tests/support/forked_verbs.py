"""Verbs run to their end as processes that are forked with Scrapy and our modules already imported.

Each is a process of its own, with its own environment, standard output and error; only the second
that Python needs for the imports is saved. What depends on how the interpreter itself starts
(``PYTHON…`` and locale variables, libraries loaded before it, another checkout) is started as
usual: see `can_fork`.
"""

from __future__ import annotations

import array
import atexit
import functools
import gc
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

_ROOT = Path(__file__).parents[2]
#: Prefixes of the variables that are read before a program's first line.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "FAKETIME")
#: What a crawl imports, but for Twisted's reactor and what knows this process's surroundings
#: (settings).
IMPORTED = (
    "alembic.command",
    "alembic.config",
    "alembic.context",
    "crawler.commands.crawling.crawl",
    "crawler.spider.session",
    "crawler.httpclient",
    "crawler.commands.upkeep.replay",
    "crawler.offline.reindex",
    "pipelines.deposit",
    "pipelines.validate",
    "scrapy.cmdline",
    "scrapy.core.downloader",
    "scrapy.core.engine",
    "scrapy.core.scraper",
    "scrapy.extensions.corestats",
    "scrapy.extensions.logstats",
    "scrapy.extensions.memusage",
    "scrapy.downloadermiddlewares.redirect",
    "scrapy.http",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
)
#: What verbs import beyond a crawl's.
_ALSO_IMPORTED = (
    "archive.backup.create",
    "archive.backup.restore",
    "archive.export.article_files",
    "archive.export.articles",
    "archive.takedown.execute",
    "archive.verify.archive",
    "crawler.jobs.runner",
)
#: Bytes of a request's length, and of an answer.
_LENGTH = 8


def can_fork(environment: Mapping[str, str], checkout: Path) -> bool:
    """Return whether a process of this environment and folder would start as the forked one does."""
    special = {name for name in environment if name.startswith(_READ_AT_START)}
    return (
        checkout == _ROOT
        and special <= {"PYTHONPATH"}
        and environment.get("PYTHONPATH") == str(_ROOT)
    )


def run(
    args: Sequence[str], environment: Mapping[str, str], seconds: float
) -> tuple[int, bytes, bytes]:
    """Run ``scrapy`` with the arguments; return its exit status, standard output and error.

    The status is minus the signal's number where one ended it.

    :raises subprocess.TimeoutExpired: it took longer; it is killed.
    """
    request = json.dumps({"args": list(args), "environment": dict(environment)}).encode()
    out, err = _Output(), _Output()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(_address())
        descriptors = array.array("i", [out.write_end, err.write_end])
        connection.sendmsg(
            [len(request).to_bytes(_LENGTH)],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)],
        )
        connection.sendall(request)
        out.begin()
        err.begin()
        pid = _number(connection)
        connection.settimeout(seconds)
        try:
            code = _number(connection)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(args), seconds) from None
        return code, out.all(), err.all()


class _Output:
    """A pipe that is read to its end in a thread of its own."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)

    def begin(self) -> None:
        """Read; to be called once the other process has the pipe's other end."""
        os.close(self.write_end)
        self._thread.start()

    def all(self) -> bytes:
        """Return all that was written, once everyone has closed the pipe."""
        self._thread.join()
        return b"".join(self._pieces)

    def _read(self) -> None:
        with os.fdopen(self._read_end, "rb") as stream:
            self._pieces.append(stream.read())


def _number(connection: socket.socket) -> int:
    found = connection.recv(_LENGTH, socket.MSG_WAITALL)
    assert len(found) == _LENGTH, "the process that forks the verbs has ended"
    return int.from_bytes(found, signed=True)


@functools.cache
def _address() -> str:
    """Start the process that forks the verbs, once; return where it listens."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked_verbs"],
        cwd=_ROOT,
        env=kept | {"PYTHONPATH": str(_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    atexit.register(process.wait)
    atexit.register(process.stdin.close)
    address = process.stdout.readline().decode().strip()
    process.stdout.close()
    assert address, "the process that forks the verbs did not start"
    return f"\0{address}"


def _serve() -> None:
    """Fork a process for each request, until the standard input ends."""
    for name in (*IMPORTED, *_ALSO_IMPORTED):
        import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind("")  # Linux chooses an abstract address
        server.listen(16)
        print(server.getsockname()[1:].decode(), flush=True)
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = server.accept()
            with connection:
                if not os.fork():
                    server.close()
                    _answer(connection)


def _answer(connection: socket.socket) -> NoReturn:
    """Fork the verb, say its process id, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, descriptors, _, _ = socket.recv_fds(connection, _LENGTH, 2)
    request = json.loads(connection.recv(int.from_bytes(head), socket.MSG_WAITALL))
    pid = os.fork()
    if not pid:
        connection.close()
        _become(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(pid.to_bytes(_LENGTH, signed=True))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.sendall(code.to_bytes(_LENGTH, signed=True))
    os._exit(0)


def _become(request: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Be ``python -m scrapy`` in the environment of the request."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, *descriptors)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    _open_streams()
    coerced = os.environ.get("LC_CTYPE")
    os.environ.clear()
    os.environ.update(request["environment"])
    if coerced is not None:
        os.environ["LC_CTYPE"] = coerced  # as Python sets it at its start (PEP 538)
    sys.argv = ["scrapy", *request["args"]]
    runpy.run_module("scrapy", run_name="__main__", alter_sys=True)
    sys.exit()


def _open_streams() -> None:
    """Open the three standard streams as Python does at its start."""
    encoding = sys.stdout.encoding
    sys.stdin = sys.__stdin__ = _opened(0, "r", encoding, "strict")
    sys.stdout = sys.__stdout__ = _opened(1, "w", encoding, "strict")
    sys.stderr = sys.__stderr__ = _opened(2, "w", encoding, "backslashreplace")
    sys.stderr.reconfigure(line_buffering=True)


def _opened(descriptor: int, mode: str, encoding: str, errors: str) -> io.TextIOWrapper:
    stream = open(descriptor, mode, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115  (as long as the process)
    assert isinstance(stream, io.TextIOWrapper)
    return stream


if __name__ == "__main__":
    _serve()
