"""What tests of odd texts say reaches whoever started them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_TESTS = r"""
def test_that_fails():
    raise ValueError("a \ud800")

def test_that_prints():
    print("b \udfff")
    assert False

def test_behind_them():
    pass
"""


def test_lone_surrogates_end_no_process(tmp_path: Path) -> None:
    file = tmp_path / "test_odd.py"
    file.write_text(_TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "1"]
    command += ["-p", "tests.conftest", "-c", "/dev/null", "--rootdir", str(tmp_path), str(file)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "INTERNALERROR" not in said.stdout
    assert r"ValueError: a \ud800" in said.stdout
    assert r"b \udfff" in said.stdout
    assert "2 failed, 1 passed" in said.stdout
