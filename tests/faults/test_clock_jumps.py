"""Each moment fires once, in the right window, whatever the clock does and whatever zone the machine is in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from tests.support.fake_clock import SHORT, library, live_through
from tests.support.mock_site.server import MockSite
from tests.support.schedules import Schedule

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(library() is None, reason="libfaketime is not installed (Debian: faketime)")
def test_through_midnight_the_new_year_and_a_clock_that_jumps(tmp_path: Path) -> None:
    with MockSite("newspim", 6, clock=datetime(2026, 12, 31, 23, tzinfo=KST)) as site:
        schedule = Schedule(tmp_path, [site])
        schedule.jobs('outlet = "newspim"\nevery = "1h"')
        assert live_through(schedule, SHORT) == []
        (crawls,) = schedule.crawls
        assert set(crawls.revisions()) == set(site.ids())
