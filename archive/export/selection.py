"""Selection of the captures to export: those of articles, and what a player needs besides them.

They are collected in a temporary database next to the exported file, so that memory use does not
grow with their number.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.articles.mementos import SHOWN
from archive.articles.queries import published
from archive.captures.address_forms import forms
from archive.captures.rows import record_of
from archive.http.message import REDIRECT_STATUSES
from archive.index.dialect import one_of
from archive.index.schema import articles, captures, revisions
from archive.model.exchange import Location
from archive.segments.lookup import read_at
from archive.warc.record_parser import original_of
from archive.warc.redirects import redirect_target
from archive.warc.wacz.cdxj import TIMESTAMP, line, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy import Connection, Row, Select

    from archive.segments.store import StoreOrFolder

_NOT_MODIFIED = 304
#: Redirects followed in a row; a browser follows as many.
_HOPS = 20
#: Rows read or looked up at once.
_MANY = 500
_ADD = """
INSERT OR IGNORE INTO chosen VALUES (
    :record_id, :warc_file, :warc_offset, :warc_length, :payload_digest,
    :url, :captured_at, :record_type, :media_type, :status, :outlet
)
"""
_TABLES = """
CREATE TABLE chosen (
    record_id TEXT PRIMARY KEY, file TEXT, offset INTEGER, length INTEGER, digest TEXT,
    url TEXT, moment TEXT, kind TEXT, media_type TEXT, status INTEGER, outlet TEXT
) WITHOUT ROWID;
CREATE TABLE wanted (url TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE moved (record_id TEXT PRIMARY KEY, target TEXT) WITHOUT ROWID;
CREATE TABLE referred (record_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE lines (line TEXT NOT NULL);
"""
_COLUMNS = (
    captures.c.record_id,
    captures.c.warc_file,
    captures.c.warc_offset,
    captures.c.warc_length,
    captures.c.payload_digest,
    captures.c.url,
    captures.c.captured_at,
    captures.c.record_type,
    captures.c.media_type,
    captures.c.status,
    captures.c.outlet,
)


@dataclass(frozen=True, slots=True)
class SelectedCapture:
    """A capture to export; ``moment`` is its `timestamp`, ``kind`` its record's type."""

    location: Location
    url: str
    moment: str
    kind: str
    media_type: str
    status: int | None

    def line(self, offset: int) -> str:
        """Return its CDXJ line, for a record at that offset of a file of the same name."""
        place = self.location
        return line(
            url=self.url,
            moment=self.moment,
            kind=self.kind,
            media_type=self.media_type,
            status=self.status,
            digest=place.payload_digest,
            file=place.file,
            offset=offset,
            length=place.length,
        )


class CaptureSelection:
    """The captures that `choose` selects, and the CDXJ lines that `add_line` adds."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(_TABLES)

    def choose(
        self,
        connection: Connection,
        archive: StoreOrFolder,
        outlet: str = "",
        since: date | None = None,
        until: date | None = None,
    ) -> int:
        """Select captures; return their number.

        Without days these are all of the outlet, or of the archive. With days: all that show an
        article published on them, its images, and the redirects that lead to it. In both cases the
        originals of revisits are added.

        :raises RecordError: a record that has to be read is damaged.
        """
        if since or until:
            asked = select(revisions.c.article).join(articles).where(revisions.c.current)
            asked = published(asked, outlet, since, until)
            showing = select(*_COLUMNS).join(revisions, captures.c.revision_id == revisions.c.id)
            self._add(connection, showing.where(revisions.c.article.in_(asked)))
            images = select(revisions.c.images).where(revisions.c.article.in_(asked))
            self._add_images(connection, images)
            self._add_redirects(connection, archive)
        elif outlet:
            self._add(connection, select(*_COLUMNS).where(captures.c.outlet == outlet))
        else:
            self._add(connection, select(*_COLUMNS))
        if outlet or since or until:
            self._add_originals(connection, archive)
        (number,) = self._database.execute("SELECT count(*) FROM chosen").fetchone()
        return int(number)

    def choose_article(
        self, connection: Connection, archive: StoreOrFolder, capture: int, article: int | None
    ) -> int:
        """Select one capture with those of the article that it shows; return their number.

        To these belong its images, other captures of the addresses in any form, such as redirects,
        and the originals of revisits. ``article`` is the id of its row, None if it shows none.

        :raises RecordError: a record that has to be read is damaged.
        """
        query = select(*_COLUMNS)
        self._add(connection, query.where(captures.c.id == capture))
        if article is not None:
            showing = query.join(revisions, captures.c.revision_id == revisions.c.id)
            self._add(connection, showing.where(revisions.c.article == article))
            images = select(revisions.c.images).where(revisions.c.article == article)
            self._add_images(connection, images)
        urls = [url for (url,) in self._database.execute("SELECT DISTINCT url FROM chosen")]
        self._add_urls(connection, {form for url in urls for form in forms(url)})
        self._drop_removed(connection)
        self._add_originals(connection, archive)
        self._drop_removed(connection)
        (number,) = self._database.execute("SELECT count(*) FROM chosen").fetchone()
        return int(number)

    def newest(self) -> datetime | None:
        """Return when the newest of the selected captures was made; None if there is none."""
        (moment,) = self._database.execute("SELECT max(moment) FROM chosen").fetchone()
        return datetime.strptime(moment, TIMESTAMP).replace(tzinfo=UTC) if moment else None

    def captures(self, kind: str = "") -> Iterator[SelectedCapture]:
        """Yield the selected captures in the order of the archive, of one kind if it is given."""
        query = "SELECT * FROM chosen WHERE ? IN ('', kind) ORDER BY file, offset"
        for row in self._database.execute(query, (kind,)):
            record_id, file, offset, length, payload_digest, *facts, _ = row
            location = Location(file, offset, length, record_id, payload_digest)
            yield SelectedCapture(location, *facts)

    def add_line(self, capture: SelectedCapture, offset: int) -> None:
        """Add the CDXJ line of a capture, for a file of the same name where it lies at ``offset``.

        A 304 has none: players would serve it as an empty page instead of the earlier copy.
        """
        if capture.status != _NOT_MODIFIED:
            self._database.execute("INSERT INTO lines VALUES (?)", (capture.line(offset),))

    def lines(self) -> Iterator[str]:
        """Yield the lines, sorted as bytes."""
        for (found,) in self._database.execute("SELECT line FROM lines ORDER BY line"):
            yield found

    def _add(self, connection: Connection, query: Select[Any]) -> None:
        for row in connection.execute(query.execution_options(yield_per=_MANY)):
            values = {**row._mapping, "captured_at": timestamp(row.captured_at)}
            self._database.execute(_ADD, values)

    def _add_images(self, connection: Connection, query: Select[Any]) -> None:
        found: set[str] = set()
        for images in connection.scalars(query.execution_options(yield_per=_MANY)):
            found |= {image["url"] for image in images if image.get("url")}
            if len(found) >= _MANY:
                self._add_urls(connection, found)
                found = set()
        self._add_urls(connection, found)

    def _add_urls(self, connection: Connection, urls: Iterable[str]) -> None:
        self._add(connection, select(*_COLUMNS).where(one_of(captures.c.url, urls)))

    def _add_redirects(self, connection: Connection, archive: StoreOrFolder) -> None:
        """Add the redirects, one hop after the other, that end at a selected URL."""
        outlets = [name for (name,) in self._database.execute("SELECT DISTINCT outlet FROM chosen")]
        query = select(*_COLUMNS).where(
            captures.c.status.in_(REDIRECT_STATUSES), captures.c.outlet.in_(outlets)
        )
        for row in connection.execute(query.execution_options(yield_per=_MANY)):
            target = _target(archive, row)
            moved = row.record_id, target
            self._database.execute("INSERT OR IGNORE INTO moved VALUES (?,?)", moved)
        for _ in range(_HOPS):
            self._database.execute("INSERT OR IGNORE INTO wanted SELECT url FROM chosen")
            self._database.execute(
                "INSERT OR IGNORE INTO referred"
                " SELECT record_id FROM moved WHERE target IN (SELECT url FROM wanted)"
            )
            if not self._add_referred(connection):
                return

    def _add_originals(self, connection: Connection, archive: StoreOrFolder) -> None:
        """Add the originals of the selected revisits, which are never revisits themselves."""
        for revisit in self.captures("revisit"):
            original = original_of(read_at(archive, revisit.location))
            self._database.execute("INSERT OR IGNORE INTO referred VALUES (?)", (original,))
        self._add_referred(connection)

    def _drop_removed(self, connection: Connection) -> None:
        """Drop the selected captures that are not shown because they were removed."""
        ids = [record_id for (record_id,) in self._database.execute("SELECT record_id FROM chosen")]
        query = select(captures.c.record_id).where(one_of(captures.c.record_id, ids), SHOWN)
        dropped = [(record_id,) for record_id in set(ids).difference(connection.scalars(query))]
        self._database.executemany("DELETE FROM chosen WHERE record_id = ?", dropped)

    def _add_referred(self, connection: Connection) -> bool:
        """Add the captures of the records in ``referred``; return whether any was not selected."""
        lacking = (
            "SELECT record_id FROM referred"
            " WHERE record_id NOT IN (SELECT record_id FROM chosen) ORDER BY +record_id"
        )
        cursor = self._database.execute(lacking)  # sorted, so read whole before the first is added
        any_added = False
        while some := [found for (found,) in cursor.fetchmany(_MANY)]:
            any_added = True
            self._add(connection, select(*_COLUMNS).where(one_of(captures.c.record_id, some)))
        return any_added


def _target(archive: StoreOrFolder, row: Row[*tuple[Any, ...]]) -> str:
    """Return the URL that a redirect leads to, or ``""`` if it names none."""
    found = record_of(archive, row)
    head = found.exchange.head if found.exchange is not None else found.block
    return redirect_target(head, row.url)


@contextmanager
def open_selection(path: Path) -> Iterator[CaptureSelection]:
    """Yield a selection whose database is a file at that path, deleted at the end."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        # of no use after a crash
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        yield CaptureSelection(database)
    finally:
        database.close()
        path.unlink(missing_ok=True)
