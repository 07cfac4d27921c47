"""Articles whose captures were lost: due again after a reindex, as if they had never been stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from archive.frontier.revisit_policy import State
from archive.index.schema import frontier
from archive.model.outcome import Outcome, Reason
from tests.archive.frontier.test_doubted import row
from tests.support.archives.captures import Keeper
from tests.support.archives.history import OWN_ID, URL, page
from tests.support.archives.reindex import reindexed
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_what_has_no_capture_any_more_is_fetched_as_new(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.read("etoday", page(0))
    stored = {"state": State.DONE, "outcome": str(Outcome.NEW), "visits": 4, "etag": "x"}
    rows = [
        row(OWN_ID, URL, **stored),
        row("renamed", URL, **stored),
        row("lost", **stored),
        row("soon", **stored | {"state": State.DUE, "outcome": str(Outcome.UNCHANGED)}),
        row("removed", **stored | {"state": State.DEAD, "reason": str(Reason.REMOVED)}),
        row("unread", **stored | {"outcome": str(Outcome.UNPARSED)}),
    ]
    with keeper.index() as index, index.writing() as connection:
        connection.execute(insert(frontier), rows)
    workspace = Workspace(tmp_path)
    said = reindexed(workspace)
    assert said.code == 0, said.err
    assert "2 articles of which the archive holds no capture any more are due again\n" in said.out
    assert "missing from the frontier" not in said.out
    found = {one["article_id"]: one for one in workspace.rows("frontier")}
    fresh = {name for name, one in found.items() if not one["visits"] and not one["etag"]}
    assert fresh == {"lost", "soon"}
    assert {found[name]["state"] for name in fresh} == {"due"}
    assert found[OWN_ID]["state"] == "done"
