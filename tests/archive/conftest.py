"""Fixtures of the tests of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives.captures import Keeper

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    """Return an empty archive and index."""
    return Keeper(tmp_path)
