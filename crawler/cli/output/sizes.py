"""Sizes in bytes as people read them."""

from __future__ import annotations


def size_text(number: int) -> str:
    """Return a number of bytes as ``12.3 MiB``."""
    size, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"
