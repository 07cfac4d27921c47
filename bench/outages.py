"""Let a loopback outlet answer oddly for one run, in each way, and then heal.

    python -m bench.outages [NAME …]

Fails if an article is lost or called deleted, if the run in which nothing came in does not exit
with 1 and raise the alarm `blocked`, or if the run afterwards does not end it. Answers that say
that an article is gone are given in two outages, too, hours apart: that is no second look. A real
deletion must be confirmed at the second look, and not before. NAME are the kinds to try, all by
default.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.support.sites.odd_answers import (
    ARTICLES,
    GONE_ANSWERS,
    ODD_ANSWERS,
    delete_one,
    drill,
    two_outages,
)

#: By name, the status with which a deleted article answers; 200 with a page that says so.
DELETIONS = {"deleted, 404": 404, "deleted, 410": 410, "deleted, a notice": 200}


def try_answers(names: list[str]) -> tuple[int, int, int]:
    """Print a line for each kind; return the wrong kinds, articles lost and falsely deleted."""
    wrong = lost = deleted = 0
    for answer in ODD_ANSWERS:
        if names and answer.name not in names:
            continue
        with tempfile.TemporaryDirectory() as place:
            found = drill(Path(place), answer)
        faults = found.faults(answer)
        wrong += bool(faults)
        lost += found.lost
        deleted += found.deleted
        alarms = "/".join(found.alarms) or "none"
        print(
            f"{answer.name:22} lost {found.lost} of {ARTICLES}, deleted {found.deleted}; blocked run: "
            f"exit {found.code}, alarm {alarms}; healed: exit {found.healed_code}, alarm "
            f"{'/'.join(found.healed_alarms) or 'none'}  {'; '.join(faults) or 'right'}",
            flush=True,
        )
    return wrong, lost, deleted


def try_two_outages(names: list[str]) -> tuple[int, int, int]:
    """Print a line for each kind of two outages; return what `try_answers` does."""
    wrong = lost = deleted = 0
    for answer in GONE_ANSWERS:
        name = f"{answer.name}, twice"
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as place:
            given_up, called_deleted, missing = two_outages(Path(place), answer)
        right = not given_up and not called_deleted and not missing
        wrong += not right
        lost += missing
        deleted += called_deleted
        print(
            f"{name:22} given up {given_up}, deleted {called_deleted}; healed: lost {missing}  "
            f"{'right' if right else 'WRONG'}",
            flush=True,
        )
    return wrong, lost, deleted


def try_deletions(names: list[str]) -> int:
    """Print a line for each kind of real deletion; return how many are wrong."""
    wrong = 0
    for name, status in DELETIONS.items():
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as place:
            found = delete_one(Path(place), status)
        right = found.first[0] == "due" and found.first[1] != "deleted"
        right = right and found.second == ("dead", "deleted") and not found.visits_after
        wrong += not right
        print(
            f"{name:22} first look: {'/'.join(found.first)}; second: {'/'.join(found.second)}; "
            f"asked again {found.visits_after} times  {'right' if right else 'WRONG'}",
            flush=True,
        )
    return wrong


def main() -> int:
    """Try the kinds that are named, or all; return 1 if one is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a kind to try; all by default")
    names: list[str] = parser.parse_args().names
    once, twice = try_answers(names), try_two_outages(names)
    wrong, lost, deleted = (sum(pair) for pair in zip(once, twice, strict=True))
    wrong += try_deletions(names)
    print(f"articles lost {lost}, falsely deleted {deleted}, kinds that are wrong {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
