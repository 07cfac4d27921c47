"""Each moment fires once, in the right window, whatever the clock does and whatever zone the machine is in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from tests.support.clocks import SHORT, library, live_through
from tests.support.scheduling import Board
from tests.support.twin.server import Twin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(library() is None, reason="libfaketime is not installed (Debian: faketime)")
def test_through_midnight_the_new_year_and_a_clock_that_jumps(tmp_path: Path) -> None:
    with Twin("newspim", 6, clock=datetime(2026, 12, 31, 23, tzinfo=KST)) as twin:
        board = Board(tmp_path, [twin])
        board.jobs('outlet = "newspim"\nevery = "1h"')
        assert live_through(board, SHORT) == []
        (crawls,) = board.crawls
        assert set(crawls.revisions()) == set(twin.ids())
