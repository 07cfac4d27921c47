"""A small archive, and the removal of one of its articles in the test's own process."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.takedown import log as takedown_log
from archive.takedown.execute import TakedownExecutor
from crawler.outlets import article_id
from tests.support.archives.traces import articles
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = ("newspim", "20230915999901")


def two_segments(folder: Path) -> Path:
    """Make an archive of two segments, both with captures of the article, and its index."""
    assert Workspace(folder).call("replay", SEEDS / "newspim", SEEDS / "etoday").code == 0
    again = folder / "again"
    again.mkdir()
    for path in (SEEDS / "newspim").glob("*.json"):
        page = path.with_suffix(".html")
        if page.exists() and NAME[1] in path.read_text("utf-8"):
            (again / page.name).write_bytes(page.read_bytes() + b"<!-- served again -->")
            shutil.copy(path, again / path.name)
    assert Workspace(folder).call("replay", again).code == 0
    shutil.rmtree(again)
    return folder


def remove(workspace: Workspace, step: Callable[[str], None] = lambda _: None) -> None:
    """Remove the article in this process."""
    with (
        Index(workspace.index_url) as index,
        takedown_log.locked(workspace.archive) as log,
    ):
        assert log is not None
        removing = TakedownExecutor(workspace.archive, index, log, article_id, step=step)
        removing.begin([NAME], "test", "tests")
        assert removing.finish().waiting == []


def text_of(workspace: Workspace) -> str:
    """Return the article's longest paragraph."""
    return max(articles(workspace)[NAME].split("\n\n"), key=len)
