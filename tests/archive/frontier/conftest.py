"""Fixtures of the tests of the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives.frontier import FrontierIndex, frontier_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def at(tmp_path: Path) -> Iterator[FrontierIndex]:
    """Yield an index with a frontier, and a clock."""
    with frontier_index(tmp_path / "index.sqlite3") as made:
        yield made
