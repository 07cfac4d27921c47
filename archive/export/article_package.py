"""A WACZ of one article: every capture of it, with its images, for those who were shown one."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from archive.articles.mementos import article_of
from archive.export.articles import ExportError
from archive.export.captures import pages_of
from archive.export.selection import open_selection
from archive.export.wacz_writer import PackageInfo, WaczPage, write_wacz
from archive.index.schema import revisions
from archive.segments.lookup import RecordError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from sqlalchemy import Connection

    from archive.articles.mementos import Memento
    from archive.segments.store import StoreOrFolder


def write_article_package(
    file: IO[bytes],
    connection: Connection,
    archive: StoreOrFolder,
    memento: Memento,
    software: str,
    scratch: Path,
) -> int:
    """Write the captures of the article that a capture shows, or it alone; return their number.

    The same captures make the same bytes: the package is of the moment of the newest one.
    Temporary files are made in the folder ``scratch``.

    :raises ExportError: a record is damaged, or there is no place for temporary files.
    """
    shown = article_of(connection, memento)
    article = shown.row_id if shown is not None else None
    try:
        with open_selection(scratch / "selection") as selection:
            number = selection.choose_article(connection, archive, memento.id, article)
            pages = _pages(connection, memento, article)
            # Not the time of today: a player asks for a package more than once, and takes the parts
            # of several answers for those of one.
            created = selection.newest() or memento.captured_at
            about = PackageInfo(f"사초 {memento.url}", software, created)
            write_wacz(file, selection, pages, archive, about, scratch)
    except RecordError as error:
        raise ExportError(f"{error} So there is no package of it.") from error
    except sqlite3.Error as error:
        raise ExportError(f"cannot write to {scratch} (temporary database: {error})") from error
    return number


def _pages(connection: Connection, memento: Memento, article: int | None) -> list[WaczPage]:
    """Return the page of each revision, and that of the capture; players open the newest first."""
    pages = [*pages_of(connection, revisions.c.article == article)]
    return pages or [
        WaczPage(memento.url, memento.captured_at, memento.url, f"capture/{memento.id}")
    ]
