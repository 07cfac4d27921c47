"""The reading room on a port of the system's, over an archive of seeds."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from httpx import Client
from uvicorn import Config, Server

from archive.index.database import Index
from crawler.web.app import reading_room
from crawler.web.room import Room
from tests.support.cli import ROOT, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from crawler.web.security import Access

SEEDS = (ROOT / "seeds/etoday", ROOT / "seeds/newspim")


def replayed(folder: Path) -> Workspace:
    """An archive with the seeds of two outlets."""
    workspace = Workspace(folder)
    assert workspace.call("replay", *SEEDS).code in (0, 1)
    return workspace


@contextmanager
def served(app: ASGIApp, **how: object) -> Iterator[str]:
    """Yield the address at which an application answers, by a server in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = Config(app, log_config=None, access_log=False, lifespan="off", **how)  # type: ignore[arg-type]
        server = Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.start()
        # A request waits in the listener's queue until the server takes it.
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=60)
            assert not thread.is_alive()


@contextmanager
def opened_room(
    workspace: Workspace, access: Access | None = None, searches: float = 0, **more: object
) -> Iterator[Client]:
    """Yield a client of a reading room over a workspace's archive; redirects are not followed."""
    url = f"sqlite:///{workspace.index}"
    with Index(url, read_only=True, brief=True) as index:
        room = Room(index=index, archive=str(workspace.archive), **more)  # type: ignore[arg-type]
        with (
            served(reading_room(room, access, searches)) as address,
            Client(base_url=address, trust_env=False, timeout=60) as client,
        ):
            yield client
