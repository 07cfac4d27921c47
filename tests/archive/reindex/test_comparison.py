"""What a reindex says that it changed, and old archives judged by the rules of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.index.database import file_url
from archive.reindex.comparison import FIELDS, Difference, compare_indexes
from tests.support.archives.captures import Keeper
from tests.support.archives.history import GONE, OWN_ID, another, answer, other_url, page
from tests.support.archives.reindex import of_the_seeds, reindexed
from tests.support.databases.index_rows import change
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = range(1, 6)

#: Makes an index one of an earlier version, whose tables may be others.
EARLIER = "UPDATE alembic_version SET version_num = '0006'"


def outage_and_deletion(folder: Path) -> Workspace:
    """Return an archive with one run of odd answers for all articles, and one true deletion."""
    keeper = Keeper(folder)
    everything = [page(0), *(another(number, 0) for number in OTHERS)]
    keeper.read("etoday", *everything)
    odd = [answer(200, 1, GONE), *(answer(200, 1, GONE, other_url(n)) for n in OTHERS)]
    keeper.read("etoday", *odd)
    served = [another(number, 2) for number in OTHERS if number < 3]
    keeper.read("etoday", answer(404, 2), *served)
    keeper.read("etoday", *(another(number, 2.2) for number in OTHERS if number < 3))
    keeper.read("etoday", answer(404, 3))
    return Workspace(folder)


def change_index(workspace: Workspace, *statements: str) -> None:
    for statement in statements:
        change(workspace.index_url, statement)


@pytest.mark.sqlite_only(reason="there is no earlier schema in PostgreSQL")
def test_an_archive_of_the_previous_version_is_judged_again(tmp_path: Path) -> None:
    workspace = outage_and_deletion(tmp_path)
    # before deletions were confirmed the frontier did not say when an article was found gone
    change_index(workspace, "ALTER TABLE frontier DROP COLUMN gone_at", EARLIER)
    said = reindexed(workspace)
    assert said.code == 0, said.err
    assert compare_indexes(file_url(workspace.index), file_url(tmp_path / "index.sqlite3.old")) == [
        Difference("status", "deleted", "published", 3)
    ]
    assert "what changed against the old index:" in said.out
    assert ["status", "deleted", "published", "3"] in table(said.out)
    records = {record["article_id"]: record for record in workspace.export()}
    own = records.pop(OWN_ID)
    assert own["status"] == "deleted"
    assert len(own["deletion"]["captures"]) == 2
    assert {record["status"] for record in records.values()} == {"published"}


def test_the_place_in_full_text_search_is_no_field() -> None:
    """It depends on the order in which articles of one minute were entered."""
    assert not {"search_position", "search_spill"} & {*FIELDS}
    assert {"headline", "published_at", "body", "removed"} <= {*FIELDS}


def test_nothing_changes_without_a_reason(tmp_path: Path) -> None:
    assert "nothing changed against the old index\n" in reindexed(of_the_seeds(tmp_path)).out
    workspace = outage_and_deletion(tmp_path / "deleted")
    assert "nothing changed against the old index\n" in reindexed(workspace).out


def test_changed_outcomes_and_fields_are_counted(tmp_path: Path) -> None:
    workspace = of_the_seeds(tmp_path)
    change_index(
        workspace,
        "UPDATE captures SET outcome = 'unparsed', reason = 'no_body' WHERE outcome = 'new'",
        "UPDATE revisions SET headline = ''",
        "UPDATE revisions SET published_at = NULL, body = 'x' WHERE article = 1",
    )
    new = sum(row["outcome"] == "unparsed" for row in workspace.rows("captures"))
    revisions = workspace.rows("revisions")
    of_first = sum(row["article"] == 1 for row in revisions)
    rows = table(reindexed(workspace).out)
    assert ["outcome", "unparsed/no_body", "new", str(new)] in rows
    assert ["headline", "empty", "filled", str(len(revisions))] in rows
    assert ["published_at", "empty", "filled", str(of_first)] in rows
    assert ["body", "filled", "another", str(of_first)] in rows


def test_a_capture_that_one_index_lacks_is_counted(tmp_path: Path) -> None:
    workspace = of_the_seeds(tmp_path)
    last = "(SELECT max(id) FROM captures)"
    change_index(
        workspace,
        f"DELETE FROM outcomes WHERE capture_id = {last}",
        f"DELETE FROM captures WHERE id = {last}",
    )
    rows = [row for row in table(reindexed(workspace).out) if row[0] == "outcome"]
    assert [(row[1], row[3]) for row in rows] == [("no capture", "1")]


@pytest.mark.sqlite_only(reason="there is no earlier schema in PostgreSQL")
def test_an_old_index_that_cannot_be_read_is_no_failure(tmp_path: Path) -> None:
    workspace = of_the_seeds(tmp_path)
    change_index(workspace, "ALTER TABLE captures RENAME COLUMN reason TO why", EARLIER)
    said = reindexed(workspace)
    assert said.code == 0, said.err
    assert "cannot be compared with the new index" in said.out


def table(out: str) -> list[list[str]]:
    """Return the cells of the rows of tables."""
    return [
        [cell.strip() for cell in line.strip("│ ").split("│")]
        for line in out.splitlines()
        if line.startswith("│")
    ]
