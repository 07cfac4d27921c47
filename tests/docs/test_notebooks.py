"""The notebooks: current, without outputs, and run whole by this Python, with and without Hangul fonts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from docs.notebooks.make import LANGUAGES, notebook, path_of
from docs.notebooks.week import WEEK, write_week
from tests.support.processes.cli import ROOT, Workspace, summary

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

#: Runs in a process of its own: the libraries' own warnings are no concern of the tests. Each cell
#: has a minute.
RUN = """
import sys, nbformat
from nbclient import NotebookClient
place = sys.argv[1]
read = nbformat.read(place, as_version=4)
NotebookClient(read, timeout=300, startup_timeout=300, kernel_name="own").execute()
nbformat.write(read, place)
"""
#: The kernel's first cell: no network, and what matplotlib warns of (a character without a glyph)
#: is an error. A kernel has sockets to its client, which are open by then.
GUARD = """
import logging, socket, warnings
# It tells how long it looks for fonts, if that takes long.
logging.getLogger("matplotlib.font_manager").setLevel("ERROR")
warnings.filterwarnings("error", module="matplotlib")
warnings.filterwarnings("error", message=".*[Gg]lyph.*")
def refuse(*_): raise AssertionError("a notebook needs no network")
socket.create_connection = socket.getaddrinfo = refuse
"""
NO_HANGUL = """
from matplotlib import font_manager
manager = font_manager.fontManager
manager.ttflist = [font for font in manager.ttflist if font.name.startswith("DejaVu")]
"""


def run(language: str, place: Path, first: str) -> list[dict[str, Any]]:
    """Run a copy of a notebook beside its module, and return its cells of code."""
    kernel = place / "jupyter" / "kernels" / "own"
    kernel.mkdir(parents=True)
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": launch, "display_name": "own", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(about))
    values = json.loads(path_of(language).read_text("utf-8"))
    guard = {"cell_type": "code", "id": "guard", "metadata": {}, "outputs": [], "source": first}
    values["cells"].insert(0, guard | {"execution_count": None})
    copy = place / path_of(language).name
    copy.write_text(json.dumps(values), "utf-8")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR")}
    own = {
        "HOME": str(place),
        "JUPYTER_PATH": str(place / "jupyter"),
        "MPLCONFIGDIR": str(place / "matplotlib"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "docs" / "notebooks")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(copy)],
        cwd=place,
        env=kept | own,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [
        cell for cell in json.loads(copy.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"
    ]


def printed(cells: list[dict[str, Any]]) -> str:
    """What the cells print and show, as text."""
    texts = []
    for cell in cells:
        for output in cell["outputs"]:
            texts += [*output.get("text", ()), *output.get("data", {}).get("text/plain", ())]
    return "".join(texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notebook_is_the_one_that_its_script_writes(language: str) -> None:
    """`python3 run.py docs` writes it, without outputs."""
    text = path_of(language).read_text("utf-8")
    assert text == notebook(language)
    for cell in json.loads(text)["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_both_notebooks_have_the_same_code() -> None:
    codes = []
    for language in LANGUAGES:
        cells = json.loads(path_of(language).read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        codes.append([re.sub(r'^    "\w+": ".*",$', "", text, flags=re.M) for text in code])
    assert codes[0] == codes[1]
    assert len(codes[0]) == 7


def test_the_week_is_read_and_says_that_it_is_ours(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    number = write_week(pages)
    assert number == sum(len(story.headlines) for story in WEEK) == len(list(pages.glob("*.html")))
    for path in pages.iterdir():
        assert "Written by the Sacho project" in path.read_text("utf-8")
    workspace = Workspace(tmp_path)
    counts = summary(workspace.call("replay", pages))
    read = {name: sum(row[name] for row in counts.values()) for name in counts["etoday"]}
    assert read["captures"] == number
    assert (read["new"], read["changed"], read["unchanged"]) == (6, 10, 1)
    assert {one["quality"] for one in workspace.export()} == {"layout"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notebook_draws_the_changes(language: str, tmp_path: Path) -> None:
    cells = run(language, tmp_path, GUARD)
    said = printed(cells)
    assert "17 pages" in said
    assert "relabel" in said
    assert "05-08 10:00 [2보] 은하은행, 동전 저금통 금리 0.1%p 올려 [" in said
    figures = [
        one for cell in cells for one in cell["outputs"] if "image/png" in one.get("data", {})
    ]
    assert len(figures) == 2
    assert not [one for cell in cells for one in cell["outputs"] if one.get("name") == "stderr"]


def test_without_hangul_a_notebook_draws_ids_and_warns_of_nothing(tmp_path: Path) -> None:
    cells = run("ko", tmp_path, GUARD + NO_HANGUL)
    figures = [
        one for cell in cells for one in cell["outputs"] if "image/png" in one.get("data", {})
    ]
    assert len(figures) == 2
    assert not [one for cell in cells for one in cell["outputs"] if one.get("name") == "stderr"]
