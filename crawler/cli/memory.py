"""A process's memory, set up for its work: hundreds of pages a second, each a megabyte of tree that is gone at once."""

from __future__ import annotations

import ctypes
import gc

#: glibc's names for what can be set (mallopt(3)), and how much freed memory it keeps at hand.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_AT_HAND, _LARGEST = 2**26, 2**25
#: New objects until Python looks for garbage cycles among them: pages make many objects, and hardly
#: a cycle.
_YOUNG = 20_000


def settle() -> None:
    """To be called once, when what a verb needs is imported. Changes nothing but speed."""
    # what is imported by now stays to the end: nobody need look through it for garbage again
    gc.freeze()
    gc.set_threshold(_YOUNG)
    # Left to itself, glibc gives each tree's memory back to the kernel, and asks for it anew with
    # the next page.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _AT_HAND)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
