"""A simulated month of two outlets: a new template, six hours of 503, a silence; which alarms come, and when."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests import month
from tests.clocks import library


def main() -> int:
    """Print the alarms and their delays; 1 if others come than should, or an article is not archived once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    if library() is None:
        raise SystemExit("libfaketime is not installed (Debian: faketime)")
    began = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lived = month.live(Path(folder), options.days, lambda line: print(line, flush=True))
    causes = {
        ("drift", "etoday"): month.REDESIGNED * 24,
        ("job_failed", "newspim"): month.BUSY * 24 + month.BUSY_HOURS[0],
        ("silent", "newspim"): month.SILENT * 24,
    }
    due = {key: hour for key, hour in causes.items() if hour < options.days * 24}
    print(
        f"{options.days} days, {lived.runs} runs, {lived.articles} articles ({lived.unread} of them pages that no "
        f"layout reads): not archived once {len(lived.not_once)}, "
        f"findings {len(lived.findings)}, {monotonic() - began:.0f} s"
    )
    for alarm in lived.alarms:
        cause = due.get((alarm.kind, alarm.subject))
        delay = f"{alarm.came - cause:.1f} h after its cause" if cause is not None else "UNEXPECTED"
        until = "open" if alarm.went is None else f"over on day {alarm.went / 24:.2f}"
        print(f"day {alarm.came / 24:.2f} {alarm.kind} {alarm.subject}, {delay}, {until}: {alarm.sentence}")
    exact = sorted((alarm.kind, alarm.subject) for alarm in lived.alarms) == sorted(due)
    return 0 if exact and not lived.not_once and not lived.findings else 1


if __name__ == "__main__":
    raise SystemExit(main())
