"""Numbers with their nouns: ``1 file``, ``2 files``."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return the number and its noun; ``plural`` is the noun with an ``s`` unless given."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
