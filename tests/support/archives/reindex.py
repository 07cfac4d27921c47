"""Reindexes of archives, and what their tests compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.documents import MADE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import CommandResult

#: What a reindex makes from the WARCs alone.
DERIVED = ("captures", "articles", "aliases", "revisions", "search")


def of_the_seeds(folder: Path) -> Workspace:
    """Make an archive of the seeds."""
    made = Workspace(folder)
    assert made.call("replay", *MADE).code == 0
    return made


def reindexed(workspace: Workspace, *options: str) -> CommandResult:
    """Reindex, and check that no temporary file is left."""
    result = workspace.call("reindex", *options)
    assert not [
        path.name
        for path in workspace.folder.iterdir()
        if "reindex" in path.name or path.name.endswith("-wal")
    ]
    return result


def without_the_run(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the tables without the row of the reindex itself."""
    return tables | {"runs": [row for row in tables["runs"] if '"verb": "reindex"' not in row]}
