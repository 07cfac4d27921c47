"""The documentation: current, complete, without broken links or files from other sites."""

from __future__ import annotations

import ast
import json
import re
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from crawler.cli.verbs import each_verb, verb_names
from crawler.model.outlet import Outlet
from crawler.model.outlet_facts import basis
from crawler.outlets import known_outlets
from docs import generate
from tests.support.documents import SEEDS
from tests.support.processes.cli import ROOT, Workspace

DOCS = ROOT / "docs"
TOP = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
PAGES = [*generate.pages(), *(ROOT / name for name in TOP)]
EXAMPLES = [
    ROOT / "jobs.example.toml",
    ROOT / "Dockerfile",
    *filter(Path.is_file, (DOCS / "deploy").rglob("*")),
]
VERBS = [name for name, _ in each_verb()]
SETTINGS = [
    target.id
    for node in ast.parse((ROOT / "crawler" / "settings.py").read_text("utf-8")).body
    if isinstance(node, ast.Assign | ast.AnnAssign)
    for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    if isinstance(target, ast.Name) and target.id.isupper() and not target.id.startswith("_")
]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", generate.pages(), ids=name_of)
def test_generated_parts_are_current(path: Path) -> None:
    """`python3 run.py docs` writes them."""
    text = path.read_text("utf-8")
    assert generate.generated(text) == text


def test_the_page_of_the_outlets_is_made_when_the_documentation_is_built() -> None:
    page = generate.known_outlets_page()
    for outlet in known_outlets().values():
        assert f"\n## {outlet.name}\n" in page
        assert f"**{basis(outlet)}**" in page


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 600


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_line_page_describes_the_verb(verb: str) -> None:
    assert f"\n## {verb}\n" in (DOCS / "cli.md").read_text("utf-8")


@pytest.mark.parametrize("name", SETTINGS)
def test_the_settings_page_names_the_setting(name: str) -> None:
    assert f"`{name}`" in (DOCS / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=name_of)
def test_commands_on_a_page_exist(path: Path) -> None:
    """A command is a line or a span of code that begins with the program's name."""
    text = path.read_text("utf-8")
    named = re.findall(r"(?:^|[`/\"]|    |\$ )sacho +([a-z]+)\b", text, re.M)
    assert set(named) <= set(verb_names())
    if path.name != "CHANGELOG.md":
        assert "close" not in named


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_files_linked_from_a_page_exist(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
    linked = [link for link in links if link not in generate.BUILT]
    assert [link for link in linked if not (path.parent / link).exists()] == []


def test_the_six_answers_lead_to_code() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    answers = re.findall(r"`([\w/]+\.py): ([\w.]+)`", text)
    assert len(answers) >= 6
    for path, name in answers:
        assert name in defined(ROOT / path), f"{path}: {name}"


def defined(path: Path) -> set[str]:
    """The names that a module defines: functions, methods as Class.method, and values."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ClassDef):
            methods = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
            names |= {node.name, *(f"{node.name}.{method}" for method in methods)}
    return names


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=name_of)
def test_paths_named_on_a_page_exist(path: Path) -> None:
    """Paths of the packages, where they name a file or folder."""
    named = re.findall(
        r"`((?:archive|pipelines|crawler|docs|bench|tests)/[a-z\d_/.]*)`", path.read_text("utf-8")
    )
    missing = [
        name for name in named if not any((ROOT / f"{name}{end}").exists() for end in ("", ".py"))
    ]
    assert missing == []


def test_the_example_of_an_outlet_is_one() -> None:
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S
    )
    values: dict[str, object] = {}
    exec(textwrap.dedent(example), values)
    assert isinstance(values["OUTLET"], Outlet)


@pytest.mark.sqlite_only(reason="the queries of the page are SQLite's")
def test_the_way_from_a_row_to_its_bytes_is_one(tmp_path: Path) -> None:
    """The queries and the code of the page, on an archive of the seeds."""
    text = (DOCS / "index-schema.md").read_text("utf-8")
    query, newest = re.findall(r"```sql\n(.*?)```", text, re.S)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", SEEDS / "newspim", SEEDS / "etoday").code == 0
    with closing(sqlite3.connect(workspace.index)) as connection:
        rows = connection.execute(query).fetchall()
        hits = [row[0] for row in connection.execute(newest)]
    said = workspace.call("search", "--json", "outlet:etoday 도서관").out
    found = json.loads(said)["articles"]
    assert hits == [article["article_id"] for article in found]
    assert hits
    assert rows
    for file, offset, length, _ in rows:
        values = {"warc_file": file, "warc_offset": offset, "warc_length": length}
        exec(code.replace("var/archive", str(workspace.archive)), values)
        record = values["record"]
        assert isinstance(record, bytes)
        assert record.startswith(b"WARC/1.1")
        assert "푸틴".encode() in record


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `python3 run.py docs` builds it."""
    pytest.importorskip("material")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_every_page(site: Path) -> None:
    assert {path.stem for path in DOCS.glob("*.md")} <= {path.stem for path in site.glob("*.html")}


def test_a_page_fetches_nothing_from_other_sites(site: Path) -> None:
    for path in site.glob("*.html"):
        fetched = re.findall(
            r"<(?:script|img|link)\b[^>]*(?:src|href)=\"(https?:[^\"]*)\"", path.read_text("utf-8")
        )
        assert fetched == []
