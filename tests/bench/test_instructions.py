"""bench.instructions says what it lacks, and finds the total that valgrind prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bench import instructions

if TYPE_CHECKING:
    from pathlib import Path

#: What stands for valgrind, which not every machine has: it runs the command, and prints a total.
_VALGRIND = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do shift; done
"$@" || exit
echo "==1== I refs:        1,234,567" >&2
"""


def _ended_with(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["instructions.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        instructions.main()
    return str(ended.value.code)


def _checkout(folder: Path, script: str) -> Path:
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return folder


def test_without_valgrind_or_checkout_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs valgrind" in _ended_with(monkeypatch)
    (tmp_path / "valgrind").write_text(_VALGRIND)
    (tmp_path / "valgrind").chmod(0o755)
    assert "no checkout with a .venv" in _ended_with(monkeypatch, str(tmp_path / "none"))


def test_the_total_is_read_and_a_failing_run_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "valgrind").write_text(_VALGRIND)
    (tmp_path / "valgrind").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    good = _checkout(tmp_path / "good", "exit 0")
    bad = _checkout(tmp_path / "bad", "echo broken >&2; exit 3")
    assert instructions.count(good, ["-m", "x"], {}) == 1_234_567
    with pytest.raises(SystemExit, match="ended with 3"):
        instructions.count(bad, ["-m", "x"], {})
