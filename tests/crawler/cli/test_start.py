"""Ctrl-C while the program starts, at whatever is being imported then."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

#: Python runs a module of this name before anything else.
_INTERRUPT = """
import signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.parametrize(
    "name",
    ["crawler.cli.main", "scrapy", "lxml", "archive.model", "crawler.commands.reading.show"],
)
def test_ctrl_c_at_an_import_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(_INTERRUPT.format(name=name))
    workspace = Workspace(tmp_path)
    paths = f"{tmp_path}:{workspace.environment()['PYTHONPATH']}"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "crawler", "show"],
        env=workspace.environment({"PYTHONPATH": paths}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "sacho: stopped\n"
