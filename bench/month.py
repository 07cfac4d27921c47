"""Simulate a month of two outlets with three faults; check which alarms are raised when.

An alarm is to come within the hour of its cause. A silence is a cause only when it is longer than
chance makes one in fifty years: an outlet of six articles an hour is not silent because a quarter
of an hour brought none.

    python -m bench.month [--days 30] [--apart 6]
"""

from __future__ import annotations

import argparse
import tempfile
from math import log
from pathlib import Path
from time import monotonic

from tests.support.archives import simulated_month
from tests.support.processes.fake_clock import library

#: Hours without an article of which so many years have one, where articles come by chance: x are
#: missing in one of exp(x) gaps, and a year has as many gaps as articles.
YEARS, HOURS_A_YEAR = 50, 8766
SILENCE = log(YEARS * HOURS_A_YEAR * simulated_month.AN_HOUR) / simulated_month.AN_HOUR
WITHIN = 1.0


def main() -> int:
    """Print alarms and delays; return 1 if an alarm or an article is missing or extra."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument(
        "--apart", type=int, default=6, help="hours between crawls on days when nothing goes wrong"
    )
    options = parser.parse_args()
    if library() is None:
        raise SystemExit("libfaketime is not installed (Debian: faketime)")
    began = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lived = simulated_month.live(
            Path(folder), options.days, options.apart, lambda line: print(line, flush=True)
        )
    causes = {
        ("drift", "etoday"): simulated_month.REDESIGNED * 24,
        ("job_failed", "newspim"): simulated_month.BUSY * 24 + simulated_month.BUSY_HOURS[0],
        ("silent", "newspim"): simulated_month.SILENT * 24 + SILENCE,
    }
    due = {key: hour for key, hour in causes.items() if hour < options.days * 24}
    print(
        f"{options.days} days, {lived.runs} runs, {lived.articles} articles ({lived.unread} of them pages that no "
        f"layout reads): not archived once {len(lived.not_once)}, "
        f"findings {len(lived.findings)}, {monotonic() - began:.0f} s"
    )
    late = 0
    for alarm in lived.alarms:
        cause = due.get((alarm.kind, alarm.subject))
        delay = f"{alarm.came - cause:.1f} h after its cause" if cause is not None else "UNEXPECTED"
        late += cause is not None and not 0 <= alarm.came - cause <= WITHIN
        until = "open" if alarm.went is None else f"over on day {alarm.went / 24:.2f}"
        print(
            f"day {alarm.came / 24:.2f} {alarm.kind} {alarm.subject}, {delay}, {until}: {alarm.sentence}"
        )
    exact = sorted((alarm.kind, alarm.subject) for alarm in lived.alarms) == sorted(due)
    print(
        f"alarms: {'exactly' if exact else 'NOT'} those that should come, {late} of them early or late"
    )
    return 0 if exact and not late and not lived.not_once and not lived.findings else 1


if __name__ == "__main__":
    raise SystemExit(main())
