"""Whether the system gives a process more memory."""

from __future__ import annotations

import mmap


def may_take(size: int) -> bool:
    """Return whether the process may use so many more bytes of memory now; at least 1."""
    try:
        # Private, as what a program allocates is; shared memory takes twice as long to get.
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return False
    return True
