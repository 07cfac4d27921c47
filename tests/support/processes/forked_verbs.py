"""Verbs run to their end as processes that are forked with Scrapy and our modules already imported.

Each is a process of its own, with its own environment, standard output and error; only the second
that Python needs for the imports is saved. So are the verbs that a forked scheduler or worker
starts. What depends on how the interpreter itself starts
(``PYTHON…`` and locale variables, libraries loaded before it, another checkout) is started as
usual: see `can_fork`. The end is Python's own too, but for taking all modules apart.
"""

from __future__ import annotations

import array
import atexit
import ctypes
import functools
import gc
import io
import json
import os
import re
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import walk_packages
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import NoReturn

_ROOT = Path(__file__).parents[3]
#: Prefixes of the variables that are read before a program's first line.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "FAKETIME")
#: Variables of a clock of our own (libfaketime), and those of them that are read at a start alone:
#: for these there is a process of its own that forks.
_OF_CLOCKS = frozenset({"LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"})
_OF_LIBRARY = ("LD_PRELOAD", "FAKETIME_DONT_FAKE_MONOTONIC")
#: The variable by which verbs are started as their users start them.
_AFRESH = "SACHO_TEST_AFRESH"
#: What a crawl imports, but for Twisted's reactor and what knows this process's surroundings
#: (settings).
IMPORTED = (
    "alembic.command",
    "alembic.config",
    "alembic.context",
    "crawler.discovery.id_walks",
    "crawler.discovery.list_pages",
    "crawler.httpclient",
    "crawler.middlewares.decompression",
    "crawler.middlewares.failures",
    "crawler.middlewares.redirects",
    "crawler.offline.reindex",
    "crawler.spider.candidates",
    "crawler.spider.loader",
    "crawler.spider.session",
    "crawler.spider.spider",
    "crawler.spider.stats",
    "defusedxml.expatreader",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.utf_32_le",
    "encodings.utf_8_sig",
    "pipelines.deposit",
    "pipelines.validate",
    "queuelib",
    "rich._emoji_codes",
    "scrapy.cmdline",
    "scrapy.core.downloader",
    "scrapy.core.engine",
    "scrapy.core.scraper",
    "scrapy.downloadermiddlewares.defaultheaders",
    "scrapy.downloadermiddlewares.httpproxy",
    "scrapy.downloadermiddlewares.redirect",
    "scrapy.downloadermiddlewares.stats",
    "scrapy.dupefilters",
    "scrapy.exporters",
    "scrapy.extensions.closespider",
    "scrapy.extensions.corestats",
    "scrapy.extensions.logcount",
    "scrapy.extensions.logstats",
    "scrapy.extensions.memusage",
    "scrapy.http",
    "scrapy.logformatter",
    "scrapy.pqueues",
    "scrapy.spidermiddlewares.httperror",
    "scrapy.squeues",
    "scrapy.statscollectors",
    "scrapy.utils.request",
    "scrapy.utils.serialize",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "xml.sax.expatreader",
)
#: What verbs import beyond a crawl's, on any database and storage.
_ALSO_IMPORTED = (
    "apscheduler.triggers.cron",
    "apscheduler.triggers.interval",
    "archive.backup.create",
    "archive.backup.restore",
    "archive.export.article_files",
    "archive.export.articles",
    "archive.takedown.execute",
    "archive.verify.archive",
    "boto3",
    "crawler.jobs.execution.own_process",
    "crawler.jobs.execution.runner",
    "crawler.jobs.execution.shared_process",
    "crawler.jobs.queue.worker",
    "crawler.offline.article_reader",
    "crawler.status.json_report",
    "crawler.status.overview",
    "crawler.status.console",
    "encodings.cp949",
    "psycopg",
    "psycopg_pool",
    "sqlalchemy.dialects.postgresql.psycopg",
)
#: Verbs that start verbs as processes, and the modules in which they do.
_STARTING_VERBS = (["schedule"], ["worker"])
_WITH_PROCESSES = (
    "crawler.jobs.execution.own_process",
    "crawler.jobs.execution.shared_process",
)
#: Packages that Scrapy imports whole, module by module, whichever verb is asked for.
_WHOLLY_IMPORTED = ("crawler.commands", "crawler.outlets", "scrapy.commands")
#: Bytes of a request's length, and of an answer.
_LENGTH = 8
#: What Python itself sets at its start in the POSIX locale (PEP 538), and so a forked verb sees.
_COERCED = "C.UTF-8"
#: Where the process listens that forks the verbs which this one starts, if this is a verb itself.
_listening = ""


def can_fork(environment: Mapping[str, str], checkout: Path) -> bool:
    """Return whether a process of this environment and folder would start as the forked one does."""
    if _AFRESH in os.environ:
        return False
    special = {name for name in environment if name.startswith(_READ_AT_START)}
    if environment.get("LC_CTYPE") == _COERCED:
        special -= {"LC_CTYPE"}
    return (
        checkout == _ROOT
        and special <= {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", *_OF_CLOCKS}
        and ("FAKETIME" in special or not special & _OF_CLOCKS)
        and environment.get("PYTHONPATH", "").split(os.pathsep)[0] == str(_ROOT)
    )


def start_afresh() -> None:
    """Let every verb be started as its users start it, from now on: where starts are measured."""
    os.environ[_AFRESH] = "1"


def own_environment() -> dict[str, str]:
    """Return the environment of a program that needs nothing but this checkout."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    return kept | {"PYTHONPATH": str(_ROOT)}


def run(
    args: Sequence[str], environment: Mapping[str, str], seconds: float
) -> tuple[int, bytes, bytes]:
    """Run ``scrapy`` with the arguments; return its exit status, standard output and error.

    The status is minus the signal's number where one ended it.

    :raises subprocess.TimeoutExpired: it took longer; it is killed.
    """
    out, err = _Output(), _Output()
    with (
        Path(os.devnull).open("rb") as nothing,
        _asked(args, environment, (nothing.fileno(), out.write_end, err.write_end)) as connection,
    ):
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


#: What a `ForkedVerb` can be started with.
OPTIONS = frozenset(
    {"stdin", "stdout", "stderr", "process_group", "user", "group", "extra_groups", "limits"}
)


class ForkedVerb(subprocess.Popen[bytes]):
    """``scrapy`` with arguments, left running: a child of this process like any other.

    ``module`` is another one to run in its place, ``limits`` are what it is allowed of a resource
    (RLIMIT_…).
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        module: str = "scrapy",
        limits: Mapping[int, int] | None = None,
        **given: Any,
    ) -> None:
        self._module, self._limits = module, dict(limits or {})  # before it is started there
        super().__init__(args, **given)

    def _execute_child(self, args: Sequence[str], *given: Any) -> None:  # as Popen calls it
        (*_, environment), pipes, group = given[:6], given[9:15], given[-1]
        gid, gids, uid = given[16:19]
        ends = (pipes[0], pipes[3], pipes[5])
        descriptors = [own if end == -1 else end for own, end in enumerate(ends)]
        with _ADOPTION:
            _set_subreaper(True)
            try:
                with _asked(
                    args,
                    environment,
                    descriptors,
                    module=self._module,
                    is_left=True,
                    group=group,
                    user={"gids": gids, "gid": gid, "uid": uid},
                    limits=self._limits,
                ) as connection:
                    self.pid = _number(connection)
                    _wait_for_adoption(self.pid)
            finally:
                _set_subreaper(False)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]  # what Popen does then


#: Held while processes that lose their parents become children of this one.
_ADOPTION = threading.Lock()
#: The number of the call (prctl(2)) by which a process asks for them, or no longer does, and of that
#: by which it may be looked into.
_PR_SET_CHILD_SUBREAPER, _PR_SET_DUMPABLE = 36, 4


def _set_subreaper(is_one: bool) -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, int(is_one))


def _prctl(option: int, value: int) -> None:
    done = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    assert not done, os.strerror(ctypes.get_errno())


def _wait_for_adoption(pid: int) -> None:
    """Wait until the process is this one's child: the one that forked it is about to end."""
    stat = Path(f"/proc/{pid}/stat")
    while int(stat.read_text().rpartition(")")[2].split()[1]) != os.getpid():
        os.sched_yield()


def _umask() -> int:
    """Return this process's umask, which a process that it starts inherits."""
    (line,) = re.findall(r"^Umask:\t(\d+)$", Path("/proc/self/status").read_text(), re.M)
    return int(line, 8)


@contextmanager
def _asked(
    args: Sequence[str],
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    *,
    module: str = "scrapy",
    is_left: bool = False,
    group: int = -1,
    user: Mapping[str, Any] | None = None,
    limits: Mapping[int, int] | None = None,
) -> Iterator[socket.socket]:
    """Ask for a module with arguments and these standard streams.

    It is left to this process, or waited for.

    ``group`` is that of `subprocess.Popen`, -1 for this process's own; ``user`` what it becomes,
    None where it stays what it is.
    """
    asked = {
        "module": module,
        "args": list(args),
        "environment": dict(environment),
        "left": is_left,
        "group": group,
        "umask": _umask(),
        "user": dict(user or {}),
        "limits": list((limits or {}).items()),
    }
    request = json.dumps(asked).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(_address(_clock_of(environment)))
        connection.sendmsg(
            [len(request).to_bytes(_LENGTH)],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))],
        )
        connection.sendall(request)
        yield connection


def _popen(args: Sequence[str], **given: Any) -> subprocess.Popen[Any]:
    """Start a process as `subprocess.Popen` does, but fork it if it is a verb that can be."""
    environment = given.get("env") or os.environ
    if (
        [*args[:3]] == [sys.executable, "-m", "scrapy"]
        and given.keys() <= OPTIONS | {"env"}
        and can_fork(environment, Path.cwd())
        and _clock_of(environment) == _clock_of(os.environ)
    ):
        return ForkedVerb([*args[3:]], **given | {"env": environment})
    return subprocess.Popen(args, **given)


#: What modules that start verbs find in place of `subprocess`.
_FORKING = SimpleNamespace(Popen=_popen, PIPE=subprocess.PIPE, STDOUT=subprocess.STDOUT)


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


def _clock_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the library of a clock of our own reads at a start; nothing without one."""
    found = tuple(environment.get(name, "") for name in _OF_LIBRARY)
    return found if any(found) else ()


@functools.cache
def _address(clock: tuple[str, ...]) -> str:
    """Start the process that forks the verbs, once for each clock; return where it listens."""
    if _listening:
        return f"\0{_listening}"
    own = own_environment()
    if clock:
        # Its own is right. Each verb has another, which the library has to look for.
        own |= dict(zip(_OF_LIBRARY, clock, strict=True))
        own |= {"FAKETIME": "+0", "FAKETIME_NO_CACHE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.processes.forked_verbs"],
        cwd=_ROOT,
        env=own,
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


@functools.cache
def _entry_points(_folders: tuple[str, ...], group: str) -> metadata.EntryPoints:
    return metadata.entry_points(group=group)


def remember_entry_points() -> None:
    """Let Scrapy look once for commands of installed packages, not at each verb of a process."""

    def remembered(group: str) -> metadata.EntryPoints:
        return _entry_points(tuple(sys.path), group)

    vars(import_module("scrapy.cmdline"))["entry_points"] = remembered
    remembered("scrapy.commands")


def import_ahead(*more: str) -> None:
    """Import what every crawl does, all verbs and outlets, and more modules."""
    for name in (*IMPORTED, *more):
        import_module(name)
    for package in _WHOLLY_IMPORTED:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    # For the regular expressions that `re` then has compiled, and for what a process finds out once.
    import_module("archive.index.sqlite.schema_check").find_foreign(())
    remember_entry_points()
    outlets = import_module("crawler.outlets")
    outlets.known_outlets()
    outlets.use_modules(())


def _serve() -> None:
    """Fork a process for each request, until the standard input ends."""
    import_ahead(*_ALSO_IMPORTED)
    gc.collect()
    gc.freeze()
    with _listener() as server:
        print(server.getsockname()[1:].decode(), flush=True)
        _fork_each(server, sys.stdin.fileno())


def _listener() -> socket.socket:
    """Return a socket that listens at an abstract address of Linux's choice."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind("")
    server.listen(16)
    return server


def _fork_each(server: socket.socket, until: int) -> None:
    """Fork a process for each request, until that descriptor is at its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([server, until], [], [])
        if until in ready:
            return
        connection, _ = server.accept()
        with connection:
            if not os.fork():
                server.close()
                _answer(connection)


def _serve_beside(descriptors: Sequence[int]) -> None:
    """Start a process that forks the verbs which this one will start, and ends with it.

    It is a child of this one, which thereby can be the parent of what is forked there.
    """
    global _listening
    until, held = os.pipe()
    with _listener() as server:
        _listening = server.getsockname()[1:].decode()
        if not os.fork():
            for descriptor in (held, *descriptors):
                os.close(descriptor)
            _fork_each(server, until)
            os._exit(0)
    os.close(until)


def _answer(connection: socket.socket) -> NoReturn:
    """Fork the verb, say its process id, and, unless it is left to who asked, how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, descriptors, _, _ = socket.recv_fds(connection, _LENGTH, 3)
    request = json.loads(connection.recv(int.from_bytes(head), socket.MSG_WAITALL))
    pid = os.fork()
    if not pid:
        connection.close()
        _become(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    if request["group"] != -1:
        os.setpgid(pid, request["group"])
    connection.sendall(pid.to_bytes(_LENGTH, signed=True))
    if request["left"]:
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.sendall(code.to_bytes(_LENGTH, signed=True))
    os._exit(0)


def _become(request: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Be ``python -m`` with the module and the environment of the request."""
    if request["args"][:1] in _STARTING_VERBS:
        _serve_beside(descriptors)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    _open_streams()
    os.umask(request["umask"])
    set_limits(dict(request["limits"]))
    _become_user(request["user"])
    coerced = os.environ.get("LC_CTYPE")
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    if coerced is not None:
        os.environ["LC_CTYPE"] = coerced  # as Python sets it at its start (PEP 538)
    sys.dont_write_bytecode = bool(request["environment"].get("PYTHONDONTWRITEBYTECODE"))
    # After this folder, which stands there for itself and as the first of PYTHONPATH.
    sys.path[2:2] = request["environment"]["PYTHONPATH"].split(os.pathsep)[1:]
    sys.argv = [request["module"], *request["args"]]
    for name in _WITH_PROCESSES if _listening else ():
        vars(import_module(name))["subprocess"] = _FORKING
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        _end(end.code or 0)
    _end(0)


def set_limits(limits: Mapping[int, int]) -> None:
    """Let this process have no more of each resource (RLIMIT_…) than that, for ever."""
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


def _become_user(user: Mapping[str, Any]) -> None:
    """Have the rights of a user and groups, for ever."""
    for name, become in (("gids", os.setgroups), ("gid", os.setgid), ("uid", os.setuid)):
        if user.get(name) is not None:
            become(user[name])
            # As after the start of a program, this process's own files of /proc are its own.
            _prctl(_PR_SET_DUMPABLE, 1)


def _end(status: int) -> NoReturn:
    """End as Python does, but without taking apart all modules, which takes 70 ms of a fork."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does here
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except OSError:
        sys.exit(status)  # Python says it
    os._exit(status & 0xFF)


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
