"""Shares as percentages."""

from __future__ import annotations


def percent(share: float) -> str:
    """Return a share as a percentage, with a digit behind the point where it is small."""
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"
