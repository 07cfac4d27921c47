"""The standard streams, where the process was started without one of them (``sacho show >&-``)."""

from __future__ import annotations

import os
import sys

#: The streams in the order of their file descriptors, and how each is opened.
_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed_streams() -> None:
    """Open the null device for each standard stream that is closed.

    Else the next file that is opened, be it the index or a segment, would take its place.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  (kept open, by its number)


def discard_output() -> None:
    """Send further output to /dev/null: Python would otherwise fail to flush stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
