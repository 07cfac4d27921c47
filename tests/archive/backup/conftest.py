"""Fixtures of the backup tests: an archive of three segments, and the folder to back it up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives.backups import copy_of, made

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import Workspace


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return an archive that no test changes."""
    return made(tmp_path_factory.mktemp("origin"))


@pytest.fixture
def workspace(origin: Workspace, tmp_path: Path) -> Workspace:
    """Return a copy of it."""
    return copy_of(origin, tmp_path / "desk")


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Return the folder to back it up to, which does not exist yet."""
    return tmp_path / "backup"
