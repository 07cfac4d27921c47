"""Fixtures of the tests of reading from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive import open_archive
from tests.support.archives.captures import Keeper
from tests.support.archives.takedown import two_segments
from tests.support.databases.postgres import copy_folder, url_of
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.reading.archive import Archive


def opened(folder: Path) -> Archive:
    """Open the archive and index that tests make in a folder."""
    return open_archive(str(folder / "archive"), url_of(folder / "index.sqlite3"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of the seeds that no test changes."""
    return two_segments(tmp_path_factory.mktemp("made"))


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    """Return a copy of it."""
    copy_folder(made, tmp_path / "copy")
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
