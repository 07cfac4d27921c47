"""Run crawls and schedulers under clocks that are wrong or jump, in several time zones (F13).

    python -m bench.clocks

Crawls of one outlet under a clock a day behind, right and a day ahead, in UTC and in Seoul: the
same dates, no name of a segment twice. A crawl a year ahead, and the next one under a right clock:
everything is due again, once, and robots.txt is asked again. A scheduler through midnight, new year
and jumps: each moment fires once. Needs libfaketime. Exit status 1 if anything is otherwise.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from archive.model.article import KST
from tests.support.crawling.clock_crawls import crawl_a_year_ahead, crawl_under_clocks
from tests.support.mock_site.server import MockSite
from tests.support.processes.fake_clock import NEW_YEAR, ZONES, jump, library, live_through
from tests.support.processes.schedules import Schedule


def main() -> int:
    """Print the figures; return 1 if a date, a name or a firing is not as it should be."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    if library() is None:
        raise SystemExit("libfaketime is not installed (Debian: faketime)")
    good = [_dates(), _year_ahead(), _new_year(), _jump()]
    return 0 if all(good) else 1


def _dates() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        found = crawl_under_clocks(Path(folder))
    print(
        f"{found.crawls} crawls under {found.crawls} clocks: {found.articles} articles, other dates "
        f"{len(found.other_dates)}; {len(found.segments)} segments, names twice {found.doubled}",
        *found.other_dates,
        sep="\n",
    )
    return bool(found.articles) and not found.other_dates and not found.doubled


def _year_ahead() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        found = crawl_a_year_ahead(Path(folder))
    print(
        f"a crawl a year ahead, then a right clock: of {found.articles} articles asked again "
        f"{found.asked}, current {found.current}, dated by the wrong clock {found.beyond}, then due "
        f"again {found.due_again}; "
        f"robots.txt asked {found.robots} times"
    )
    is_asked = found.asked == found.current == found.articles and found.robots > 0
    return is_asked and found.due_again == 0


def _new_year() -> bool:
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
    for line in wrong:
        print(line)
    return not wrong and not lost


def _jump() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(Path(folder))
        schedule.jobs('name = "j"\ncommand = "verify"\nevery = "1h"')
        fired = jump(schedule, Path(folder))
        print(f"a running scheduler, a day ahead, back, an hour ahead: {fired}")
    endings = {ending for _, ending in fired}
    return len(fired) == len(dict(fired)) == 3 and endings == {"succeeded"}


if __name__ == "__main__":
    raise SystemExit(main())
