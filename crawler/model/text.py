"""Text of command-line arguments and paths."""

from __future__ import annotations


def as_text(argument: str) -> str:
    """Return an argument or a path as text that can be stored as UTF-8.

    Arguments are bytes; what Python could not decode is in them as surrogates (in a C locale, all
    of Hangul). Bytes that are not UTF-8 become U+FFFD.
    """
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
