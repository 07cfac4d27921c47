"""The servers of the reading room and of playback, in one process, until a signal ends them."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyio import to_thread
from uvicorn import Config, Server

from crawler.web.connections import Connection, allow_files, most_connections
from crawler.web.security import through_proxies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.types import ASGIApp

#: Requests that are worked on at once: more threads than cores only wait for each other.
THREADS = 8
#: Seconds in which a request that is under way may end after a signal.
_GRACE = 5
#: Connections that wait to be accepted, and those that are at once: before they are counted.
_QUEUE, _AT_ONCE = 1_024, 16


class ListenError(Exception):
    """An address cannot be listened at; the message is a sentence."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is any free one.

    :raises ListenError: it is in use, or may not be used.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_QUEUE)
    except (OSError, UnicodeError, OverflowError) as error:
        raise ListenError(_sentence(host, port, error)) from error
    return listener


def _sentence(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is in use already: name another one with --port."
    if number == errno.EACCES:
        return f"this user may not listen at port {port}: name one above 1023 with --port."
    return f"{host} port {port} can't be listened at ({getattr(error, 'strerror', '') or error})."


def address_of(listener: socket.socket, host: str) -> str:
    """Return the address that a browser reaches a listener at, by the name it was asked for."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def serve(
    apps: Sequence[tuple[ASGIApp, socket.socket]],
    ready: Callable[[], None],
    proxies: Sequence[str] = (),
) -> None:
    """Serve each application at its listener until SIGINT or SIGTERM; then let requests end.

    ``ready`` is called when all of them answer. ``proxies`` are addresses whose X-Forwarded
    headers are believed.
    """
    asyncio.run(_serve(apps, ready, proxies))


async def _serve(
    apps: Sequence[tuple[ASGIApp, socket.socket]],
    ready: Callable[[], None],
    proxies: Sequence[str],
) -> None:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    allow_files()
    Connection.most = most_connections(len(apps))
    servers = [_QuietServer(config_of(app, proxies)) for app, _ in apps]
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, (_, listener) in zip(servers, apps, strict=True)
    ]
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            break
        await asyncio.sleep(0.01)
    else:
        for _, listener in apps:
            listener.listen(_QUEUE)  # the server has set it to what it accepts at once
        ready()
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


def config_of(app: ASGIApp, proxies: Sequence[str] = ()) -> Config:
    """Return how an application is served."""
    return Config(
        through_proxies(app, proxies) if proxies else app,
        http=Connection,
        ws="none",
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        backlog=_AT_ONCE,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=2**16,
    )


class _QuietServer(Server):
    """A server that leaves signals to its caller, who has several."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
