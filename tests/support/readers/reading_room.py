"""The reading room on a port of the system's, over an archive of seeds."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from httpx import Client

from archive.index.database import Index
from crawler.web.app import reading_room
from crawler.web.room import Room
from tests.archive.articles.test_identity import PAGE, edited
from tests.support.archives.captures import Keeper
from tests.support.archives.history import GONE, another, answer, page, relabelled
from tests.support.archives.run_history import DAY, HOUR, NOW, History
from tests.support.processes.cli import ROOT, Workspace
from tests.support.sites.web_servers import served_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from crawler.web.security import Access

#: A text that would run, hide or ring if a page let it.
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x07"
#: What the pages tell nobody: a folder and the name of the server.
FOLDER, HOST = "/var/log/sacho", "server-7"
SEEDS = (ROOT / "seeds/etoday", ROOT / "seeds/newspim")


def replayed(folder: Path) -> Workspace:
    """An archive with the seeds of two outlets."""
    workspace = Workspace(folder)
    assert workspace.call("replay", *SEEDS).code in (0, 1)
    return workspace


def eventful(folder: Path) -> Workspace:
    """An archive of an article: labelled, relabelled, deleted, back with another text, hostile, gone."""
    words = HOSTILE.replace("<", "&lt;").replace(">", "&gt;") + "달빛"
    hostile = PAGE["etoday"].replace("달빛마을도서관".encode(), words.encode())
    Keeper(folder).read(
        "etoday",
        page(0, relabelled("[속보]")),
        page(1),
        page(1.25, PAGE["etoday"] + b"<!-- 1 -->"),
        answer(404, 2),
        another(1, 2.5),
        answer(200, 3, GONE),
        page(4, edited(1)),
        page(5, hostile),
        answer(404, 6),
    )
    return Workspace(folder)


def busy(folder: Path) -> Workspace:
    """An index with sixty crawls a day apart, a failed job, a verification, and alarms."""
    history = History(folder / "index.sqlite3")
    for day in range(60, 0, -1):
        outlet = "etoday" if day % 2 else "newspim"
        history.run(day * DAY, {"new": 1}, outlet=outlet, host=HOST)
    # Two of one moment.
    for _ in range(2):
        history.run(90 * DAY, {"new": 1}, host=HOST)
    failed = {"job": "etoday", "due_at": NOW - HOUR, "attempt": 1, "ending": "failed"}
    counts = {"new": 2, "failed/timeout": 3, "unchanged": 4}
    history.run(HOUR, counts, exit_code=1, log=f"{FOLDER}/2.log", host=HOST, **failed)
    history.run(
        2 * HOUR, {"skipped": 1}, verb="verify", arguments=[f"{FOLDER}/a.warc.gz"], host=HOST
    )
    history.alarm("etoday", f"etoday is silent: {HOSTILE} Read {FOLDER}/2.log, then try")
    history.alarm("newspim", f"newspim was silent {HOSTILE}", ended=True)
    history.alarm(f"{FOLDER}/archive", f"{FOLDER}/archive: 1 GB is left", kind="disk")
    history.index().close()
    history.archive()
    return Workspace(folder)


@contextmanager
def opened_room(
    workspace: Workspace,
    access: Access | None = None,
    searches: float = 0,
    proxies: Sequence[str] = (),
    **more: object,
) -> Iterator[Client]:
    """Yield a client of a reading room over a workspace's archive; redirects are not followed."""
    url = workspace.index_url
    with Index(url, read_only=True, brief=True) as index:
        room = Room(index=index, archive=str(workspace.archive), **more)  # type: ignore[arg-type]
        with (
            served_at(lambda _: reading_room(room, access, searches), proxies) as address,
            Client(base_url=address, trust_env=False, timeout=60) as client,
        ):
            yield client
