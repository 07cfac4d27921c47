"""Fixtures of the tests of reading from Python."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from archive import open_archive
from tests.support.captures import Keeper
from tests.support.cli import Workspace
from tests.support.takedown import two_segments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.reading.archive import Archive


def opened(folder: Path) -> Archive:
    """Open the archive and index that tests make in a folder."""
    return open_archive(str(folder / "archive"), f"sqlite:///{folder / 'index.sqlite3'}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of the seeds that no test changes."""
    return two_segments(tmp_path_factory.mktemp("made"))


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    """Return a copy of it."""
    shutil.copytree(made, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


@pytest.fixture
def seeds(made: Path) -> Iterator[Archive]:
    """Open it."""
    with opened(made) as archive:
        yield archive


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    """Return an empty archive and index."""
    return Keeper(tmp_path)
