"""Whether the system gives a process more memory."""

from __future__ import annotations

import mmap


def may_take(size: int) -> bool:
    """Return whether the process may use so many more bytes of memory now; at least 1."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True
