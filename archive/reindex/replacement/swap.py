"""Replacing the old index by the new one, which no other process has open meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.index.database import file_url, index_file
from archive.reindex.replacement import database_swap, file_swap
from archive.reindex.replacement.carried import CARRIED as CARRIED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from sqlalchemy import Connection

    #: The old index, locked against every other process.
    OldIndex: TypeAlias = sqlite3.Connection | Connection

#: Seconds to wait for other processes to close the index.
WAIT = 10.0


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """The old index, which is kept: how it is named to a person, and its address."""

    name: str
    url: str

    def __str__(self) -> str:
        return self.name


def check_old_index(url: str) -> bool:
    """Return whether there is an old index, after reading the tables that will be copied once.

    :raises IndexUnusableError: it is not an index of Sacho, of a newer version, or damaged.
    """
    path = index_file(url)
    return database_swap.check_old(url) if path is None else file_swap.check_old(path, url)


@contextmanager
def exclusive(url: str, wait: float = WAIT) -> Iterator[OldIndex | None]:
    """Lock the index against every other process; yield None if there is none.

    A file has no write-ahead log meanwhile; a database of a server can be read.

    :raises IndexUnusableError: another process has it open, or it is not usable.
    """
    path = index_file(url)
    if path is None:
        with database_swap.exclusive(url, wait) as connection:
            yield connection
    else:
        with file_swap.exclusive(path, wait) as file:
            yield file


def carry_over(old: OldIndex, fresh: str) -> None:
    """Copy runs, frontier and robots.txt from the old index to the new one, which must be closed.

    :raises IndexUnusableError: one of them cannot be read or written.
    """
    if isinstance(old, sqlite3.Connection):
        path = index_file(fresh)
        assert path is not None, "both are files"
        file_swap.carry_over(old, path)
    else:
        database_swap.carry_over(old, fresh)


def swap_in(fresh: str, url: str, old: OldIndex | None) -> KeptIndex | None:
    """Give the new index, which must be closed, the old one's place; return where that is kept.

    The caller has locked the old one with `exclusive`. Return None if there was none.

    :raises IndexUnusableError: it cannot be put there; everything is then as it was.
    """
    path, new = index_file(url), index_file(fresh)
    if path is not None and new is not None:
        kept = file_swap.swap_in(new, path)
        return None if kept is None else KeptIndex(str(kept), file_url(kept))
    assert not isinstance(old, sqlite3.Connection), "both are in one database"
    if old is None:
        database_swap.move_in(url)
        return None
    return KeptIndex(*database_swap.swap_in(url, old))
