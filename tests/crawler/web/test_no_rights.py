"""The reading room of a process that may not write beside the index: it shows what others change."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from httpx import Client

from tests.support.readers.reading_room import replayed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.processes.cli import Workspace

ARTICLE = "/articles/newspim/20230915999901"
#: Root without what lets root write where others may not.
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can give rights up"
    ),
    pytest.mark.sqlite_only(reason="it is of a file and its folder"),
]


@contextmanager
def served_without_rights(workspace: Workspace) -> Iterator[Client]:
    """Yield a client of a reading room that may read a workspace's folder, and write nothing."""
    folder = workspace.folder
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(0o755 if path.is_dir() else 0o644)
    with workspace.start(
        *("serve", "--port", "0", "--searches", "0"),
        under=WITHOUT_RIGHTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"(http://\S+)/", process.stdout.readline().decode())
            assert found is not None
            with Client(base_url=found[1], trust_env=False, timeout=60) as client:
                yield client
        finally:
            process.terminate()


def test_what_others_change_is_shown(tmp_path: Path) -> None:
    workspace = replayed(tmp_path)
    with served_without_rights(workspace) as client:
        assert client.get(ARTICLE).status_code == 200
        said = workspace.run("remove", ARTICLE.removeprefix("/articles/"), "--reason", "x", "--yes")
        assert said.code == 0, said.err
        assert client.get(ARTICLE).status_code == 410
        assert workspace.run("reindex").code == 0
        assert client.get(ARTICLE).status_code == 410
        assert client.get("/search.json", params={"q": "푸틴"}).json()["number"] == 1
        workspace.index.unlink()
        assert client.get("/").status_code == 503
