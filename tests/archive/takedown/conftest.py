"""Fixtures of the take-down tests: an archive of two segments that both hold the article."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives.takedown import two_segments
from tests.support.databases.postgres import copy_folder
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive that no test changes."""
    return two_segments(tmp_path_factory.mktemp("made"))


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    """Return a copy of it."""
    copy_folder(made, tmp_path / "copy")
    return Workspace(tmp_path / "copy")
