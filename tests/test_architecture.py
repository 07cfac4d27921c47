"""The house's rules, held over the whole tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive.index.database import SCHEMA
from crawler import settings
from crawler.extraction import reading
from crawler.outlets import known_outlets
from tests.conftest import BEGIN_FIRST
from tests.support.documents import SEEDS, fixtures, read_article, read_fixture
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from crawler.model.outlet import Outlet

PACKAGES = ("archive", "pipelines", "crawler")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
OUTLETS = list(known_outlets().values())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_keep_to_the_contracts() -> None:
    """Layers, circles and who may use SQL: the contracts are in pyproject.toml."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_that_begin_first_are_there() -> None:
    assert [name for name in BEGIN_FIRST if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.name)
def test_an_outlets_file_is_its_name_and_its_seed_folder(outlet: Outlet) -> None:
    assert (ROOT / "crawler" / "outlets" / f"{outlet.name}.py").exists()
    assert (SEEDS / outlet.name).is_dir()
    assert re.fullmatch("[a-z][a-z0-9]*", outlet.name)
    for path in fixtures():
        if path.parent.name == outlet.name and path.suffix == ".html":
            url = read_article(path).url
            address = outlet.identify(url)
            assert address is not None, f"{url} of {path.name}"
            assert address.url == url, "the canonical address is its own"


def test_every_seed_folder_is_an_outlets() -> None:
    assert {path.name for path in SEEDS.iterdir() if path.is_dir()} == {
        outlet.name for outlet in OUTLETS
    }


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda outlet: outlet.name)
def test_every_layout_has_a_seed_that_is_read_by_it(outlet: Outlet) -> None:
    pages = [read_fixture(path) for path in fixtures() if path.parent.name == outlet.name]
    read = {page.article.layout for page in pages if page.article is not None}
    assert read == {layout.name for layout in outlet.layouts} | ({"text"} if outlet.text else set())


def test_item_pipelines_are_the_steps_of_reading_in_their_order() -> None:
    """`reading._interpreted` calls them within each other; the innermost comes first."""
    tree = ast.parse((ROOT / "crawler" / "extraction" / "reading.py").read_text("utf-8"))
    (function,) = [
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "_interpreted"
    ]
    steps = [
        n.func.id
        for n in ast.walk(function)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]
    modules = [getattr(reading, step).__module__ for step in steps]
    ours = settings.ITEM_PIPELINES_BASE
    ordered = sorted(ours, key=lambda name: ours[name])
    steps_of_settings = [name.rpartition(".")[0] for name in ordered]
    assert [name for name in steps_of_settings if name in modules] == modules[::-1]
    assert steps_of_settings[: len(modules)] == modules[::-1], "what reads comes before what keeps"


def test_the_schema_named_is_the_newest_migration() -> None:
    versions = sorted(
        path.stem for path in (ROOT / "archive" / "index" / "migrations" / "versions").glob("v*.py")
    )
    assert versions[-1] == f"v{SCHEMA}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_conditional_expression_stands_in_another(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp):
            parts = [part for child in ast.iter_child_nodes(node) for part in ast.walk(child)]
            assert not any(isinstance(part, ast.IfExp) for part in parts), f"line {node.lineno}"


#: What only SQLite has.
WORDS_OF_SQLITE = re.compile(
    r"PRAGMA|fts5|\bMATCH\b|json_each|json_extract|strftime\('%Y|sqlite_|rowid|BEGIN IMMEDIATE"
    r"|import sqlite3|dialects\.sqlite|ATTACH DATABASE"
)
#: The modules that may use it, each with what it is for; folders end with a slash.
OF_SQLITE = {
    "archive/index/dialect.py": "the expressions that differ",
    "archive/index/rows/image_urls.py": "a look into stored JSON",
    "archive/index/migrations/": "the steps from earlier schemas, which only files have",
    "archive/index/rows/row_ids.py": "two numbers in the head of a file",
    "archive/index/schema.py": "the tables of full-text search, and partial indexes",
    "archive/index/search/": "full-text search",
    "archive/index/sqlite/": "the index as a file",
    "archive/backup/index_snapshot.py": "the copy of a file",
    "archive/backup/restore.py": "its restore",
    "archive/reindex/": "a file that replaces another one",
    "archive/export/article_package.py": "what a selection of captures may raise",
    "archive/export/captures.py": "the same",
    "archive/export/selection.py": "a file of its own for what is sorted",
    "archive/verify/links.py": "the same",
}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_only_named_modules_use_what_only_sqlite_has(path: Path) -> None:
    if not relative(path).startswith(tuple(OF_SQLITE)):
        found = WORDS_OF_SQLITE.search(path.read_text("utf-8"))
        assert not found, found


def test_each_of_these_modules_does() -> None:
    for name in OF_SQLITE:
        paths = (ROOT / name).rglob("*.py") if name.endswith("/") else [ROOT / name]
        assert any(WORDS_OF_SQLITE.search(path.read_text("utf-8")) for path in paths), name


#: Modules that go to the local folder of an archive by themselves, and why.
LOCAL = {
    "archive/segments/writer.py": "writes open segments",
    "archive/segments/recovery.py": "closes what dead writers left open",
    "archive/backup/destination.py": "a backup is a folder, and must not lie in the archive",
    "crawler/offline/recovery.py": "finds what dead writers left open",
    "archive/backup/archive_place.py": "makes an archive of a backup's files",
    "archive/backup/restore.py": "must not lie in the backup",
    "crawler/commands/upkeep/verify.py": "says that a file is no folder",
    "crawler/alarms/disk.py": "watches the free room of its file system",
}


def test_only_the_store_knows_the_folder_of_an_archive() -> None:
    """All others ask `Store`, which may be something else than a folder."""
    words = {"FolderStore", "spool", "archive_folder", "closed_segments", "open_segments"}
    of_stores = ("store.py", "names.py", "archive_url.py", "s3/store.py")
    own = {f"archive/segments/{name}" for name in of_stores}
    found = set()
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        names = {
            one.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for one in n.names
        }
        names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)} & {"spool"}
        if names & words:
            found.add(relative(path))
    assert found - own == set(LOCAL)
