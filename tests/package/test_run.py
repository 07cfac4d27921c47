"""`python3 run.py` says what it knows, before it sets anything up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "run.py", folder)
    command = [sys.executable, "run.py", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_help_is_no_error(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: python3 run.py COMMAND")


@pytest.mark.parametrize(
    ("words", "first"),
    [([], "usage: python3 run.py COMMAND"), (["nonsense"], "run.py has no command 'nonsense'.")],
)
def test_an_unknown_command_is_named(tmp_path: Path, words: list[str], first: str) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == first
    assert "test [ARGS]" in done.stderr
    assert not (tmp_path / ".venv").exists()
