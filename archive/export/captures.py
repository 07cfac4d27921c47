"""Export of captures: a WACZ that holds them, or a CDXJ that refers to the archive's segments."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.articles.queries import published
from archive.export.articles import CAPTURE_ENDINGS, ExportError, ending_of, replacing
from archive.export.selection import open_selection
from archive.export.wacz_writer import PackageInfo, WaczPage, write_wacz
from archive.index.schema import articles, captures, revisions
from archive.segments.lookup import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection

    from archive.export.selection import CaptureSelection
    from archive.segments.store import StoreOrFolder


@dataclass(frozen=True, slots=True)
class CaptureFilter:
    """The articles whose captures are exported, all by default.

    ``outlet`` selects one outlet, ``since`` and ``until`` the days of publication (KST), inclusive.
    """

    outlet: str = ""
    since: date | None = None
    until: date | None = None

    def __str__(self) -> str:
        parts = ["사초", self.outlet]
        if self.since or self.until:
            parts.append(f"{self.since or ''}–{self.until or ''}")
        return " ".join(part for part in parts if part)


def export_captures(
    path: Path,
    connection: Connection,
    archive: StoreOrFolder,
    asked: CaptureFilter,
    software: str = "",
    begin: Callable[[int], Callable[[], None]] = lambda _: lambda: None,
) -> tuple[int, int]:
    """Write captures to a .wacz or .cdxj file, which is replaced only when all are written.

    Return the number of captures and of pages. ``begin`` is called with the number of captures and
    returns a function that is called after each.

    :raises ExportError: another ending, no captures, a damaged record, or the file cannot be
        written.
    """
    ending = ending_of(path, CAPTURE_ENDINGS)
    try:
        with replacing(path) as part:
            part.open("xb").close()  # fail before the work if the file cannot be written
            with open_selection(part.with_suffix(".scratch")) as selection:
                number = selection.choose(
                    connection, archive, asked.outlet, asked.since, asked.until
                )
                if not number:
                    raise ExportError(f"no capture matches, so {path} was not written")
                step = begin(number)
                if ending == ".cdxj":
                    pages = 0
                    _write_cdxj(part, selection, step)
                else:
                    about = PackageInfo(str(asked), software, datetime.now(UTC))
                    with part.open("wb") as file:
                        of_articles = _pages(connection, asked)
                        pages = write_wacz(
                            file, selection, of_articles, archive, about, part.parent, step
                        )
    except RecordError as error:
        raise ExportError(f"{error} So {path} was not written.") from error
    except sqlite3.Error as error:
        raise ExportError(
            f"cannot write {path} (temporary database next to it: {error}); nothing was changed"
        ) from error
    return number, pages


def _write_cdxj(path: Path, selection: CaptureSelection, step: Callable[[], None]) -> None:
    for capture in selection.captures():
        selection.add_line(capture, capture.location.offset)
        step()
    with path.open("w", encoding="ascii", newline="\n") as file:
        for line in selection.lines():
            file.write(line + "\n")


def _pages(connection: Connection, asked: CaptureFilter) -> Iterator[WaczPage]:
    """Yield each revision of each article, at the capture it was read from, oldest first."""
    current = select(revisions.c.article).join(articles).where(revisions.c.current)
    among = published(current, asked.outlet, asked.since, asked.until)
    yield from pages_of(connection, revisions.c.article.in_(among))


def pages_of(connection: Connection, condition: ColumnElement[bool]) -> Iterator[WaczPage]:
    """Yield the revisions that meet a condition, each at the capture it was read from.

    The oldest come first.
    """
    query = (
        select(
            captures.c.url,
            captures.c.captured_at,
            revisions.c.headline,
            articles.c.outlet,
            articles.c.article_id,
            revisions.c.number,
        )
        .select_from(revisions)
        .join(articles)
        .join(captures, captures.c.id == revisions.c.capture_id)
        .where(condition)
        .order_by(captures.c.captured_at, revisions.c.id)
        .execution_options(yield_per=500)
    )
    with connection.execute(query) as rows:
        for url, moment, headline, outlet, article_id, number in rows:
            yield WaczPage(url, moment, headline, f"{outlet}/{article_id}/{number}")
