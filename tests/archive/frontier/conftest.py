"""Fixtures of the tests of the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.frontier import Kit, kit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Kit]:
    """Yield an index with a frontier, and a clock."""
    with kit(tmp_path / "index.sqlite3") as made:
        yield made
