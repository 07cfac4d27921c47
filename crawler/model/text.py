"""What all verbs share: the archive and the index they work on, and how a fault ends them."""

from __future__ import annotations


def as_text(argument: str) -> str:
    """An argument or a path as text that can be kept: it is bytes, and in a C locale Python takes Hangul for none."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
