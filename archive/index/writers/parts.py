"""Names of the parts of an index that a write transaction can have alone: see `Index.writing`."""

from __future__ import annotations

#: All alarms: whether one is open already decides whether it is raised.
ALARMS = "alarms"
#: The runs of all jobs, of which those that died are looked for.
RUNS = "runs"


def outlet_part(outlet: str) -> str:
    """Return the name of an outlet's articles, captures and frontier.

    Those of ``""`` are of no outlet that is known.
    """
    return f"outlet {outlet}"


def lease_part(lease: str) -> str:
    """Return the name of a lease."""
    return f"lease {lease}"


def reindex_part(number: int) -> str:
    """Return the name of how far a part of a reindex has read."""
    return f"reindex {number}"


def run_part(run_id: str) -> str:
    """Return the name of a run's row and outcomes."""
    return f"run {run_id}"


def robots_part(origin: str) -> str:
    """Return the name of the stored robots.txt of an origin."""
    return f"robots {origin}"
