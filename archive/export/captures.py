"""Handing captures on: a WACZ that holds them, or the CDXJ that leads to them in the archive's own segments."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.articles.queries import published
from archive.export import wacz_writer as package
from archive.export.articles import CAPTURE_ENDINGS, ExportError, replacing
from archive.export.selection import open_selection
from archive.export.wacz_writer import PackageInfo, WaczPage
from archive.index.schema import articles, captures, revisions
from archive.segments.lookup import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.export.selection import CaptureSelection


@dataclass(frozen=True, slots=True)
class CaptureFilter:
    """Which articles' captures: of an outlet, if it is named, and published between two days (KST), inclusive."""

    outlet: str = ""
    since: date | None = None
    until: date | None = None

    def __str__(self) -> str:
        days = [str(day) if day else "" for day in (self.since, self.until)]
        return " ".join(
            part for part in ("사초", self.outlet, "–".join(days) if any(days) else "") if part
        )


def export_captures(
    path: Path,
    connection: Connection,
    folder: Path | str,
    asked: CaptureFilter,
    software: str = "",
    begin: Callable[[int], Callable[[], None]] = lambda _: lambda: None,
) -> tuple[int, int]:
    """Write what was asked for to a .wacz or .cdxj file, replacing it only when all is written.

    ``begin`` is told how many captures there are, and gives what to call after each. Gives the
    numbers of captures and of pages.

    :raises ExportError: another ending, nothing to hand over, a damaged record, or the file can't
        be written.
    """
    if path.suffix not in CAPTURE_ENDINGS:
        raise ExportError(
            f"{path}: can't tell the format; end the name in {' or '.join(CAPTURE_ENDINGS)}"
        )
    try:
        with replacing(path) as part:
            part.open("wb").close()  # what can't be written is said before the work
            with open_selection(part.with_suffix(".scratch")) as selection:
                number = selection.choose(
                    connection, folder, asked.outlet, asked.since, asked.until
                )
                if not number:
                    raise ExportError(
                        f"no capture is of what was asked for, so {path} was not written"
                    )
                step = begin(number)
                if path.suffix == ".cdxj":
                    pages = 0
                    _write_cdxj(part, selection, step)
                else:
                    about = PackageInfo(str(asked), software, datetime.now(UTC))
                    with part.open("wb") as file:
                        pages = package.write_wacz(
                            file, selection, _pages(connection, asked), folder, about, step
                        )
    except RecordError as error:
        raise ExportError(f"{error} So {path} was not written.") from error
    except sqlite3.Error as error:
        raise ExportError(
            f"{path} can't be written (notes beside it: {error}); nothing was changed"
        ) from error
    return number, pages


def _write_cdxj(path: Path, selection: CaptureSelection, step: Callable[[], None]) -> None:
    for chosen in selection.captures():
        selection.put(chosen, chosen.location.offset)
        step()
    with path.open("w", encoding="ascii", newline="\n") as file:
        for line in selection.lines():
            file.write(line + "\n")


def _pages(connection: Connection, asked: CaptureFilter) -> Iterator[WaczPage]:
    """Each version of each article at the capture that it was read from, oldest first."""
    among = published(
        select(revisions.c.article).join(articles).where(revisions.c.current),
        asked.outlet,
        asked.since,
        asked.until,
    )
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
        .where(revisions.c.article.in_(among))
        .order_by(captures.c.captured_at, revisions.c.id)
        .execution_options(yield_per=500)
    )
    for url, moment, headline, outlet, article_id, number in connection.execute(query):
        yield WaczPage(url, moment, headline, f"{outlet}/{article_id}/{number}")
