"""A copy of what the package is built from."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("archive", "crawler", "pipelines", "pyproject.toml", "README.md", "LICENSE")


def copy_sources(folder: Path, *others: str) -> None:
    """Copy the sources, and other files of the checkout, so that a build writes nothing into it."""
    for name in (*SOURCES, *others):
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder / name)
