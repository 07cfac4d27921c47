"""History of an article as `scrapy show` and `scrapy export` print it."""

from __future__ import annotations

import csv
import json
import os
import pty
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from archive.model.article import KST
from tests.archive.articles.test_identity import DAY, PAGE, edited
from tests.support.archives.captures import Keeper
from tests.support.archives.history import GONE, OWN_ID, URL, another, answer, page, relabelled
from tests.support.documents import NOON
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return an archive of an article: labelled, relabelled, deleted, back with another text.

    Other captures of it change only bytes or widgets.
    """
    noisy = PAGE["etoday"].replace("동네한바퀴".encode(), "마을한바퀴".encode())
    assert noisy != PAGE["etoday"]
    Keeper(tmp_path).read(
        "etoday",
        page(0, relabelled("[속보]")),
        page(1),
        page(1.25, PAGE["etoday"] + b"<!-- 1 -->"),
        page(1.5, noisy),
        answer(404, 2),
        another(1, 2.5),
        answer(200, 3, GONE),
        page(4, edited(1)),
    )
    return Workspace(tmp_path)


def cells(out: str, column: int) -> list[str]:
    """Return a column of the table of captures."""
    return [line.split("│")[column].strip() for line in out.splitlines() if ".warc.gz" in line]


def test_show_prints_the_history_with_what_each_revision_changed(workspace: Workspace) -> None:
    said = workspace.call("show", f"etoday/{OWN_ID}")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert "   status  published" in lines
    table = [line for line in lines if line.startswith("│ 2024-05-") and ".warc.gz" not in line]
    what = [tuple(cell.strip() for cell in line.strip("│").split("│"))[1:] for line in table]
    assert what == [
        ("1", "first seen", ""),
        ("2", "relabel", ""),
        ("", "missing", f"404 {URL}"),
        ("", "deletion", f"deleted {URL}"),
        ("", "reappearance", URL),
        ("3", "body", "+1 -1 words, +1 -4 characters"),
    ]
    assert any(line.strip().startswith("headline  [-[속보] -]달빛마을도서관") for line in lines)
    assert any("[-3200-]{+1+}쪽을 처음으로" in line for line in lines)
    assert any(line.strip() == "body  (4 unchanged)" for line in lines)
    assert cells(said.out, 2) == ["1", "2", "2", "2", "gone", "gone", "3"]
    assert cells(said.out, 3) == ["", "article", "payload", "document", "", "", "article"]
    assert "\x1b" not in said.out


def test_colours_are_for_terminals_only(workspace: Workspace) -> None:
    reading, writing = pty.openpty()
    process = workspace.start(
        "show", f"etoday/{OWN_ID}", stdout=writing, env={"TERM": "xterm-256color"}
    )
    os.close(writing)
    seen = b""
    with suppress(OSError):  # how a terminal says that the other side has closed
        while part := os.read(reading, 65536):
            seen += part
    os.close(reading)
    assert process.wait(300) == 0
    assert "\x1b[31m[-3200-]\x1b[0m\x1b[32m{+1+}\x1b[0m쪽을" in seen.decode()
    assert "\x1b[3" not in workspace.run("show", f"etoday/{OWN_ID}").out


def test_show_says_when_the_archive_can_not_tell_how_deep_a_change_went(
    workspace: Workspace,
) -> None:
    (segment,) = workspace.archive.glob("*.warc.gz*")
    segment.unlink()
    said = workspace.call("show", f"etoday/{OWN_ID}")
    assert said.code == 0
    assert cells(said.out, 3) == ["", "article", "unknown", "unknown", "", "", "article"]


@pytest.mark.parametrize(
    ("time", "revision", "state"),
    [
        ("2024-05-07", "1", "published"),
        ("2024-05-07T12:00", "1", "published"),
        ("2024-05-08 11:59:59", "1", "published"),
        ("2024-05-08 12:00:00", "2", "published"),
        ("2024-05-08T03:00:00Z", "2", "published"),
        (
            "2024-05-09T12:00:00.000000",
            "2",
            "missing (first seen gone 2024-05-09 12:00:00: 404; not confirmed)",
        ),
        (
            "2024-05-10",
            "2",
            "deleted (first seen gone 2024-05-09 12:00:00: 404; confirmed 2024-05-10 12:00:00)",
        ),
        ("2024-05-11T12:00:00+09:00", "3", "published"),
        ("9999-12-31", "3", "published"),
    ],
)
def test_show_at_a_time_is_what_stood_then(
    workspace: Workspace, time: str, revision: str, state: str
) -> None:
    said = workspace.call("show", "--at", time, f"etoday/{OWN_ID}")
    assert (said.code, said.err) == (0, "")
    assert f"   status  {state}\n" in said.out
    assert f" revision  {revision} of 3, " in said.out
    assert ("3200쪽을 처음으로" in said.out) == (revision != "3")
    assert said.out.startswith("[속보]") == (revision == "1")
    assert ".warc.gz" not in said.out
    assert workspace.call(
        "show", "--revision", revision, f"etoday/{OWN_ID}"
    ).out == said.out.replace(f"   status  {state}\n", "")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (
            ["--at", "2024-05-06"],
            1,
            "etoday/9000000002 was not captured until 2024-05-06 23:59:59",
        ),
        (["--revision", "4"], 1, "no revision 4; it has 1, 2, 3"),
        (["--at", "yesterday"], 2, "is not a valid time"),
        (["--at", "2024-13-01"], 2, "is not a valid time"),
        (["--at", "2024-05-07", "--revision", "1"], 2, "not allowed with"),
        (["--revision", "x"], 2, "invalid int"),
    ],
)
def test_show_says_what_is_wrong(
    workspace: Workspace, options: list[str], code: int, words: str
) -> None:
    said = workspace.call("show", *options, f"etoday/{OWN_ID}")
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert "Traceback" not in said.err


def test_show_at_needs_an_article(workspace: Workspace) -> None:
    assert workspace.call("show", "--at", "2024-05-07", "etoday").code == 2
    assert workspace.call("show", "--revision", "1").code == 2


def test_export_gives_the_change_and_all_revisions_when_asked(
    workspace: Workspace, tmp_path: Path
) -> None:
    current = exported(workspace)
    assert current["change"] == {
        "classes": ["body"],
        "words_added": 1,
        "words_removed": 1,
        "chars_added": 1,
        "chars_removed": 4,
    }
    assert (current["revision"], current["status"], current["deleted_at"]) == (3, "published", None)
    path = tmp_path / "all.jsonl"
    said = workspace.call("export", "--revisions", "all", path)
    assert (said.code, said.out) == (0, f"4 revisions written to {path}\n")
    every = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    every = [record for record in every if record["article_id"] == OWN_ID]
    assert [(r["revision"], (r["change"] or {"classes": None})["classes"]) for r in every] == [
        (1, None),
        (2, ["relabel"]),
        (3, ["body"]),
    ]
    assert every[2] == current
    assert workspace.call("export", "--revisions", "some", path).code == 2


def test_export_states_a_deletion_when_it_is_confirmed_and_by_which_captures(
    workspace: Workspace, tmp_path: Path
) -> None:
    current = exported(workspace)
    assert (current["status"], current["deletion"]) == ("published", None)
    first, confirmed = ((NOON + day * DAY).astimezone(KST).isoformat() for day in (9, 9.25))
    Keeper(tmp_path).read("etoday", answer(410, 9), another(1, 9.1))
    missing = exported(workspace)
    assert (missing["status"], missing["deleted_at"]) == ("missing", None)
    (looked,) = workspace.rows("captures WHERE status = 410")
    assert missing["deletion"] == {
        "first_seen_gone_at": first,
        "confirmed_at": None,
        "captures": [looked["record_id"]],
    }
    Keeper(tmp_path).read("etoday", answer(410, 9.25))
    deleted = exported(workspace)
    assert (deleted["status"], deleted["deleted_at"]) == ("deleted", first)
    records = [row["record_id"] for row in workspace.rows("captures WHERE status = 410")]
    assert deleted["deletion"] == {
        "first_seen_gone_at": first,
        "confirmed_at": confirmed,
        "captures": records,
    }
    assert deleted["body"] == current["body"]
    path = tmp_path / "all.csv"
    assert workspace.call("export", path).code == 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["article_id"]: row for row in csv.DictReader(file)}
    assert rows[OWN_ID]["deletion_confirmed_at"] == confirmed
    assert json.loads(rows[OWN_ID]["deletion_captures"]) == records


def exported(workspace: Workspace) -> dict[str, Any]:
    """Return the article's record in the export."""
    return next(record for record in workspace.export() if record["article_id"] == OWN_ID)
