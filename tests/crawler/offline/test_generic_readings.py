"""Articles that no layout reads are kept as what they are, and give way to what a layout reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://www.etoday.co.kr/news/view/9000000002"
NAME = "etoday/9000000002"
WORD = "달빛마을도서관"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def save(folder: Path, hour: int, *, broken: bool, word: str = "") -> Path:
    """Save the page as captured at that hour; ``broken``: in a template that no layout knows."""
    html = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
    if broken:
        html = html.replace('class="articleView"', 'class="newTemplate"')
        html = html.replace('itemprop="articleBody"', "")
    html = html.replace("한자리에", f"한자리에{word}")
    folder.mkdir(exist_ok=True)
    path = folder / f"{hour:02}-{broken}.html"
    path.write_text(html, "utf-8")
    stated = {"url": URL, "captured_at": f"2026-11-20T{hour:02}:00:00+09:00"}
    path.with_suffix(".json").write_text(json.dumps(stated), "utf-8")
    return path


def rebuilt_and_verified(workspace: Workspace) -> None:
    """Rebuild the index: it must be the same; and verify it."""
    before = workspace.rows("revisions")
    shown = [(row["url"], row["outcome"], row["reason"]) for row in workspace.rows("captures")]
    assert workspace.run("reindex").code == 0
    after = workspace.rows("revisions")
    assert [(r["number"], r["quality"], r["body"]) for r in before] == [
        (r["number"], r["quality"], r["body"]) for r in after
    ]
    assert sorted(shown) == sorted(
        (row["url"], row["outcome"], row["reason"]) for row in workspace.rows("captures")
    )
    said = workspace.run("verify")
    assert said.code == 0, said


def test_what_no_layout_reads_is_kept_and_never_passed_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    said = workspace.run("replay", save(tmp_path / "pages", 9, broken=True))
    assert said.code == 1, "a page that no layout reads is a failure, as it was"
    assert "unparsed/no_layout etoday: 1" in said.out
    assert "generic etoday: 1 read by no layout" in said.out
    (revision,) = workspace.rows("revisions")
    assert (revision["quality"], revision["layouts"]) == ("generic", '["generic"]')
    assert workspace.run("search", WORD).out.splitlines()[0] == "0 found"
    assert "left out: 1" in workspace.run("search", WORD).out
    for query in (f"{WORD} quality:any", f"{WORD} quality:generic"):
        assert "1 found" in workspace.run("search", query).out
    assert "generic" in workspace.run("show").out
    assert "no layout of its outlet" in workspace.run("show", NAME).out
    assert json.loads(workspace.run("show", "--json", NAME).out)["article"]["quality"] == "generic"
    lines = workspace.run("export", "-").out.splitlines()
    assert [json.loads(line)["quality"] for line in lines] == ["generic"]
    assert workspace.run("export", "--quality", "layout", "-").out == ""
    rebuilt_and_verified(workspace)


def test_a_layouts_reading_of_the_same_capture_replaces_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = save(tmp_path / "pages", 9, broken=False)
    with monkeypatch.context() as patch:
        patch.setattr("crawler.extraction.html.reader.PageReader.containers", lambda *_: [])
        workspace.call("replay", page)
    assert [row["quality"] for row in workspace.rows("revisions")] == ["generic"]
    assert workspace.call("replay", page).code == 0, "the layout is mended"
    (revision,) = workspace.rows("revisions")
    assert revision["quality"] == "layout"
    (capture,) = workspace.rows("captures")
    assert (capture["outcome"], capture["revision_id"]) == ("new", revision["id"])
    assert "1 found" in workspace.run("search", WORD).out
    rebuilt_and_verified(workspace)


@pytest.mark.parametrize("first", [True, False], ids=["generic first", "layout first"])
def test_a_generic_reading_is_no_revision_beside_a_layouts(
    workspace: Workspace, tmp_path: Path, first: bool
) -> None:
    pages = tmp_path / "pages"
    workspace.run("replay", save(pages, 9, broken=first))
    workspace.run("replay", save(pages, 12, broken=not first))
    (revision,) = workspace.rows("revisions")
    assert revision["quality"] == "layout"
    outcomes = {row["outcome"]: row["revision_id"] for row in workspace.rows("captures")}
    assert outcomes == {"unparsed": None, "new": revision["id"]}
    rebuilt_and_verified(workspace)


def test_generic_readings_of_another_text_are_revisions(
    workspace: Workspace, tmp_path: Path
) -> None:
    pages = tmp_path / "pages"
    workspace.run("replay", save(pages, 9, broken=True))
    workspace.run("replay", save(pages, 12, broken=True, word=" 모두"))
    assert [row["quality"] for row in workspace.rows("revisions")] == ["generic", "generic"]
    workspace.run("replay", save(pages, 15, broken=False))
    assert [row["quality"] for row in workspace.rows("revisions")] == ["layout"]
    rebuilt_and_verified(workspace)


@pytest.mark.parametrize("query", ["quality:good", "-quality:generic"])
def test_a_quality_that_there_is_not_is_a_sentence(workspace: Workspace, query: str) -> None:
    said = workspace.run("search", f"{WORD} {query}")
    assert said.code == 2
    assert "quality:" in said.err


def test_what_a_reindex_leaves_out_without_the_tool_is_said(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.run("replay", save(tmp_path / "pages", 9, broken=True))
    monkeypatch.setattr("crawler.extraction.reading.tool", lambda: None)
    monkeypatch.setattr("crawler.offline.reindex.generic_tool", lambda: "")
    said = workspace.call("reindex")
    assert "1 article that no layout reads is left out" in said.err
    assert "pip install 'sacho[generic]'" in said.err
    assert workspace.rows("articles") == []
    assert workspace.run("verify").code == 0
    monkeypatch.undo()
    said = workspace.call("reindex")
    assert "left out" not in said.err
    assert len(workspace.rows("articles")) == 1
