"""The standard streams: closed ones (``sacho show >&-``), and readers that leave (``| head``)."""

from __future__ import annotations

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper, UnsupportedOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

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


class _Outlasting(FileIO):
    """A file that takes what nobody reads any more, and loses it.

    It keeps ``below``, the stream whose file it is, which would close that at its own end.
    """

    def __init__(self, below: TextIOWrapper) -> None:
        super().__init__(below.fileno(), "w", closefd=False)
        self._below = below

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes; return how many were written, or lost."""
        try:
            return super().write(data)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return memoryview(data).nbytes


def outlasting(stream: TextIOWrapper) -> TextIOWrapper:
    """Return a stream to the same file that does not fail where its reader has left.

    Return one that leads to no file as it is.
    """
    try:
        file = _Outlasting(stream)
    except UnsupportedOperation:
        return stream
    stream.flush()
    return TextIOWrapper(
        BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
