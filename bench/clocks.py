"""Run a scheduler through midnight, new year and clock jumps in three time zones (F13).

Needs libfaketime.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from archive.model.article import KST
from tests.support.fake_clock import NEW_YEAR, ZONES, jump, library, live_through
from tests.support.mock_site.server import MockSite
from tests.support.schedules import Schedule


def main() -> int:
    """Print what fired; return 1 if a moment was missed or fired twice."""
    if library() is None:
        raise SystemExit("libfaketime is not installed (Debian: faketime)")
    with (
        tempfile.TemporaryDirectory() as folder,
        MockSite("newspim", 6, clock=datetime(2026, 12, 31, 22, tzinfo=KST)) as t,
    ):
        schedule = Schedule(Path(folder), [t])
        schedule.jobs('outlet = "newspim"\nevery = "1h"')
        wrong = live_through(schedule)
        lost = set(t.ids()) - set(schedule.crawls[0].revisions())
        print(
            f"{len(NEW_YEAR)} moments in {len(ZONES)} zones: wrong {len(wrong)}, articles lost {len(lost)}"
        )
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(Path(folder))
        schedule.jobs('name = "j"\ncommand = "verify"\nevery = "1h"')
        fired = jump(schedule, Path(folder))
        good = len(fired) == len(dict(fired)) == 3 and {ending for _, ending in fired} == {
            "succeeded"
        }
        print(f"a running scheduler, a day ahead, back, an hour ahead: {fired}")
    for line in wrong:
        print(line)
    return 0 if good and not wrong and not lost else 1


if __name__ == "__main__":
    raise SystemExit(main())
