"""The write lock of an index: to hold it beside what is tested, and to wait for it only briefly."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from archive.index.database import Index

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


def wait_briefly(monkeypatch: pytest.MonkeyPatch, milliseconds: int = 50) -> None:
    """Let this process wait so long for a lock, of either database, instead of a minute."""
    for kind in ("sqlite", "postgres"):
        monkeypatch.setattr(f"archive.index.{kind}.database.BUSY_TIMEOUT", milliseconds)


@contextmanager
def held(url: str) -> Iterator[None]:
    """Hold the write lock of an index by a connection of its own."""
    with Index(url, brief=True) as other, other.writing():
        yield
