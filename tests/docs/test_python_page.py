"""The page on Python: its examples run, in their order, on the archive of the demo, and say what they claim."""

from __future__ import annotations

import ast
import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from archive import open_archive
from archive.reading import archive as opened
from archive.reading import articles, captures, errors
from tests.support.documents import SEEDS
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.S)
#: What is printed by an expression, and what the page says of that.
CLAIM = re.compile(r"print\((?P<expression>.*)\)  # (?P<value>.*)")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that `python3 run.py demo` makes."""
    workspace = Workspace(tmp_path_factory.mktemp("demo"))
    assert workspace.call("replay", SEEDS / "etoday", SEEDS / "newspim").code == 0
    return workspace.folder


@pytest.mark.sqlite_only(reason="its examples open the file in SACHO_HOME")
def test_the_examples_run_in_their_order(
    demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SACHO_HOME", str(demo))
    for name in ("ARCHIVE_URL", "INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    values: dict[str, Any] = {}
    for number, example in enumerate(EXAMPLES, 1):
        exec(compile(example, f"example {number}", "exec"), values)
        for claim in CLAIM.finditer(example):
            assert str(eval(claim["expression"], values)) == claim["value"]
    said = capsys.readouterr().out
    assert "etoday 2023-09-05 14:41:00+09:00 [종합] 북·러" in said
    assert "9000000001 1 published" in said
    assert "| 푸틴" in said
    assert "there is no article newspim/20240101000001 in the index" in said
    assert len(EXAMPLES) >= 8


def test_every_claim_is_one_that_is_held() -> None:
    """A comment behind a printed value is a claim."""
    printed = [
        line for line in "".join(EXAMPLES).splitlines() if re.search(r"print\(.*\)\s+#", line)
    ]
    assert len(printed) == len(CLAIM.findall("".join(EXAMPLES))) >= 3


def test_the_reference_names_what_there_is() -> None:
    named = re.findall(r"^::: ([\w.]+)$", PAGE, re.M)
    assert len(named) == len(set(named))
    for name in named:
        module, _, thing = name.rpartition(".")
        assert hasattr(importlib.import_module(module), thing), name
    classes = {
        f"{module.__name__}.{name}"
        for module in (opened, articles, captures)
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    assert classes <= set(named)
    assert open_archive.__module__ == "archive"


def test_the_table_of_errors_names_each_of_ours() -> None:
    tree = ast.parse((ROOT / "archive" / "reading" / "errors.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            assert f"| `{errors.__name__}.{node.name}` |" in PAGE
