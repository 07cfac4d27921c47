"""Garbage collection and malloc settings for reading hundreds of pages a second.

Each page is parsed into a tree of about a megabyte that is freed at once. Replaying 1,500 pages
takes 9 % less CPU time with these settings than without (5 pairs of runs, 1 to 17 %), mostly
system time for memory that is returned to the kernel and requested again.
"""

from __future__ import annotations

import ctypes
import gc

#: Parameters of mallopt(3), and their values in bytes: freed memory that is kept, and the largest
#: block that is taken from it. No page needs a longer one; the bodies of 20 MB that may come would
#: leave holes.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST_BLOCK = 2**26, 2**23
#: New objects before Python searches them for cycles: pages make many objects and few cycles.
_YOUNG_OBJECTS = 20_000


def tune() -> None:
    """Apply the settings; call it before and after most imports. It changes nothing but speed."""
    gc.freeze()  # what is imported lives until exit and need not be searched again
    gc.set_threshold(_YOUNG_OBJECTS)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; other systems have none
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
