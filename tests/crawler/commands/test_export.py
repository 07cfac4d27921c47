"""``sacho export`` by a query, to Parquet, and to a folder of it, as its users start it."""

from __future__ import annotations

import json
import os
import pty
import resource
import subprocess
from typing import TYPE_CHECKING

import polars
import pytest

from archive.index.database import Index
from archive.model.article import GENERIC_LAYOUT
from tests.crawler.commands.test_verbs import MADE
from tests.support.archives.made_articles import SEEN, article, enter
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The seeds' articles, one of a site, and one that no layout read."""
    workspace = Workspace(tmp_path_factory.mktemp("query"))
    assert workspace.run("replay", *MADE).code == 0
    with Index(workspace.index_url) as index:
        of_site = {"outlet": "site:a.example", "layout": GENERIC_LAYOUT}
        enter(index, [article(1, body=("푸틴 소식이다.",), **of_site)])
        enter(index, [article(2, layout=GENERIC_LAYOUT, headline="푸틴 일정")])
        enter(index, [article(3, published_at=SEEN), article(3, headline="고친 제목")])
    return workspace


@pytest.mark.parametrize(
    "query",
    [
        "푸틴",
        "푸틴 OR 우체국",
        '"무기 거래" 푸틴',
        "푸틴 -무기",
        "outlet:newspim",
        "author:한누리",
        "section:글로벌",
        "since:2023-09-06 until:2023-09-15",
        "edited:yes",
        "edited:no 푸틴",
        "quality:any 푸틴",
        "quality:generic",
        "outlet:site:a.example",
        "김",
        "없는낱말이다",
    ],
)
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_a_query_exports_what_a_search_for_it_finds(
    workspace: Workspace, tmp_path: Path, query: str, ending: str
) -> None:
    said = workspace.call("search", "--json", "--limit", "99", query)
    found = json.loads(said.out)["articles"]
    path = tmp_path / f"x{ending}"
    result = workspace.call("export", "--query", query, path)
    assert result.code == 0, result.err
    if ending == ".jsonl":
        values = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert values == sorted(found, key=lambda one: (one["outlet"], one["article_id"]))
    read = {
        ".jsonl": polars.read_ndjson,
        ".csv": polars.read_csv,
        ".parquet": polars.read_parquet,
    }[ending]
    if found or ending != ".jsonl":
        frame = read(path)
        ids = sorted((one["outlet"], one["article_id"]) for one in found)
        assert frame.height == len(ids)
        assert [(row[0], str(row[1])) for row in frame.select("outlet", "article_id").rows()] == ids
    left_out = json.loads(said.out)["left_out"]
    assert (f"left out: {left_out}" in result.err) is bool(left_out)


def test_a_query_goes_with_the_other_options(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    narrowed = [
        (["--outlet", "newspim"], 1),
        (["--since", "2023-09-06"], 1),
        (["--until", "2023-09-06"], 1),
        (["--quality", "any"], 4),
        (["--quality", "generic"], 2),
        (["--outlet", "site:a.example"], 1),
        (["--outlet", "etoday", "--quality", "layout"], 1),
    ]
    for options, expected in narrowed:
        assert workspace.call("export", "--query", "푸틴", *options, path).code == 0
        assert len(path.read_text("utf-8").splitlines()) == expected, options
    said = workspace.call("export", "--query", "edited:yes", "--revisions", "all", path)
    values = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [(one["article_id"], one["revision"]) for one in values] == [("3", 1), ("3", 2)]
    assert said.out == f"2 revisions written to {path}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--query", "푸틴 outlet:newspim", "--outlet", "etoday", "x.csv"], "given twice"),
        (["--query", "since:2023-01-01", "--since", "2023-01-02", "x.csv"], "given twice"),
        (["--query", "OR", "x.csv"], "OR stands between two terms"),
        (["--query", "", "x.csv"], "nothing to search for"),
        (["--query", "title:푸틴", "x.csv"], "no field title:"),
        (["--query", "outlet:nobody", "x.csv"], "nobody"),
        (["--query", "푸틴", "x.wacz"], "--query is for articles"),
        (["--partition", "x.parquet"], "writes a folder"),
        (["--partition", "-"], "writes a folder"),
        (["--partition"], "name one file"),
    ],
)
def test_what_contradicts_itself_is_refused(
    workspace: Workspace, arguments: list[str], sentence: str
) -> None:
    result = workspace.call("export", *arguments)
    assert (result.code, result.out) == (2, "")
    assert sentence in result.err
    assert "Traceback" not in result.err


def test_a_folder_of_parquet(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    for query, expected in (("quality:any", 8), ("outlet:etoday", 3)):
        result = workspace.call("export", "--partition", "--query", query, folder)
        assert result.out == f"{expected} articles written to {folder}\n"
        assert polars.read_parquet(folder).height == expected
    result = workspace.call("export", "--partition", "--query", "없는낱말이다", folder)
    assert result.code == 1
    assert (
        result.sentences == [f"sacho export: no article matches, so {folder} was not written"]
        or "no article matches" in result.err
    )
    assert polars.read_parquet(folder).height == 3


def test_places_that_cannot_be_written(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    places = (tmp_path / "file", tmp_path / "mine", tmp_path / "none" / "x", "/proc/none")
    for place in places:
        result = workspace.call("export", "--partition", place)
        assert result.code == 1
        assert str(place) in result.err
        assert len(result.sentences) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "mine", "notes.txt"]


def test_a_full_disk_is_said_and_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """No file may be larger than one byte, which fails as a full disk does."""
    for name in ("x.parquet", "x.csv", "x.jsonl", "--partition"):
        arguments = [tmp_path / name] if name != "--partition" else [name, tmp_path / "x"]
        process = workspace.start(
            "export",
            *arguments,
            limits={resource.RLIMIT_FSIZE: 1},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = process.communicate(timeout=300)
        assert process.returncode == 1, (name, err)
        assert b"cannot write" in err
        assert b"Traceback" not in err
        assert out == b""
        assert not any(tmp_path.iterdir())


def test_a_reader_that_leaves_is_no_failure(workspace: Workspace) -> None:
    for name in ("-", "-:csv", "-:parquet"):
        with workspace.start(
            "export", name, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()
            assert process.wait(timeout=300) == 0


def test_parquet_is_not_written_to_a_terminal(workspace: Workspace) -> None:
    ours, theirs = pty.openpty()
    process = workspace.start("export", "-:parquet", stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    _, err = process.communicate(timeout=300)
    os.close(ours)
    assert process.returncode == 1
    assert "no text for a terminal" in err.decode()
