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


@pytest.mark.parametrize(
    ("words", "first"),
    [([], "usage: python3 run.py COMMAND"), (["nonsense"], "run.py has no command 'nonsense'.")],
)
def test_an_unknown_command_is_named(tmp_path: Path, words: list[str], first: str) -> None:
    shutil.copy(ROOT / "run.py", tmp_path)
    command = [sys.executable, "run.py", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == first
    assert "test [ARGS]" in done.stderr
    assert not (tmp_path / ".venv").exists()
