"""Articles that an earlier version gave up: due again after a reindex, unless they are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from archive.index.schema import frontier
from archive.model.outcome import Reason
from tests.archive.frontier.test_doubted import row
from tests.support.archives.captures import Keeper
from tests.support.archives.history import OWN_ID, URL, another, answer, page
from tests.support.archives.reindex import reindexed
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

STATUS = str(Reason.HTTP_STATUS)


def test_what_was_given_up_for_one_answer_is_due_again(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.read("etoday", page(0), another(1, 0))
    missing = another(1, 0).url.rpartition("/")[2]
    keeper.read("etoday", answer(404, 1), another(2, 1.5), answer(404, 2))
    keeper.read("etoday", answer(404, 3, url=another(1, 0).url))
    walks = {"channels": ["id_walk"]}
    feed = {"channels": ["id_walk", "rss"]}
    rows = [
        row(OWN_ID, URL, reason=STATUS, **feed),
        row(missing, reason=STATUS, **feed),
        row("81", reason=STATUS, **feed),
        row("82", reason=STATUS, **walks),
        row("83", reason=str(Reason.LOGIN_WALL), **feed),
        row("84", reason=str(Reason.REMOVED), **feed),
        row("85", reason=STATUS, visited_at=another(1, 3).captured_at, **feed),
    ]
    with keeper.index() as index, index.writing() as connection:
        connection.execute(insert(frontier), rows)
    workspace = Workspace(tmp_path)
    said = reindexed(workspace)
    assert said.code == 0, said.err
    assert "3 articles that an earlier version gave up are due again\n" in said.out
    found = {one["article_id"]: one for one in workspace.rows("frontier")}
    due = {article_id for article_id, one in found.items() if one["state"] == "due"}
    assert due & {one["article_id"] for one in rows} == {missing, "81", "83"}
    assert found[missing]["gone_at"] is not None
    assert found["81"]["gone_at"] is None
