"""What a hand-over holds: the captures of the articles asked for, and what a player needs beside them.

They are noted in a scratch database beside the file that is written, so that ten million take no
more memory than ten.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from sqlalchemy import select

from archive.articles.captures import record_of
from archive.articles.queries import published
from archive.index.schema import articles, captures, revisions
from archive.model.exchange import Location
from archive.segments.lookup import read_at
from archive.warc.cdxj import line, timestamp
from archive.warc.http_message import REDIRECT_STATUSES, MessageError, parse_head
from archive.warc.record_writer import WarcError, safe_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy import Connection, Row, Select

_NOT_MODIFIED = 304
#: Redirects that are followed one behind the other; a browser follows as many.
_HOPS = 20
#: Rows read or looked up at once.
_MANY = 500
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
    """One capture of a hand-over; ``moment`` is its `timestamp`, ``kind`` its record's type."""

    location: Location
    url: str
    moment: str
    kind: str
    media_type: str
    status: int | None

    def line(self, offset: int) -> str:
        """Its line in a CDXJ, lying at that offset of a file of the same name."""
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
    """The captures chosen by `choose`, and the CDXJ lines put in by `put`, in any number."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(_TABLES)

    def choose(
        self,
        connection: Connection,
        folder: Path | str,
        outlet: str = "",
        since: date | None = None,
        until: date | None = None,
    ) -> int:
        """Choose captures, and give their number.

        Without days those are all of the outlet, or of the archive. With days: all that show an
        article published on them, its pictures, and the redirects that lead there. Either way the
        originals of revisits come with them.

        :raises RecordError: a record that has to be looked into is damaged.
        """
        if since or until:
            asked = select(revisions.c.article).join(articles).where(revisions.c.current)
            asked = published(asked, outlet, since, until)
            showing = select(*_COLUMNS).join(revisions, captures.c.revision_id == revisions.c.id)
            self._add(connection, showing.where(revisions.c.article.in_(asked)))
            self._add_pictures(
                connection, select(revisions.c.images).where(revisions.c.article.in_(asked))
            )
            self._add_redirects(connection, folder)
        else:
            self._add(
                connection,
                select(*_COLUMNS).where(captures.c.outlet == outlet)
                if outlet
                else select(*_COLUMNS),
            )
        if outlet or since or until:
            self._add_originals(connection, folder)
        (number,) = self._database.execute("SELECT count(*) FROM chosen").fetchone()
        return int(number)

    def captures(self, kind: str = "") -> Iterator[SelectedCapture]:
        """The chosen captures, of one kind if it is named, in the order in which they lie in the archive."""
        query = "SELECT * FROM chosen WHERE ? IN ('', kind) ORDER BY file, offset"
        for record_id, file, offset, length, payload_digest, *facts, _ in self._database.execute(
            query, (kind,)
        ):
            yield SelectedCapture(Location(file, offset, length, record_id, payload_digest), *facts)

    def put(self, chosen: SelectedCapture, offset: int) -> None:
        """Put the capture's line of the CDXJ aside, for a file of the same name where it lies at ``offset``.

        A 304 has none: players serve it as it is, with nothing to show, in place of the copy that
        was good still.
        """
        if chosen.status != _NOT_MODIFIED:
            self._database.execute("INSERT INTO lines VALUES (?)", (chosen.line(offset),))

    def lines(self) -> Iterator[str]:
        """The lines, sorted as bytes."""
        return (
            found for (found,) in self._database.execute("SELECT line FROM lines ORDER BY line")
        )

    def _add(self, connection: Connection, query: Select[Any]) -> None:
        for row in connection.execute(query.execution_options(yield_per=_MANY)):
            values = [timestamp(value) if at == 6 else value for at, value in enumerate(row)]
            self._database.execute(
                "INSERT OR IGNORE INTO chosen VALUES (?,?,?,?,?,?,?,?,?,?,?)", values
            )

    def _add_pictures(self, connection: Connection, query: Select[Any]) -> None:
        found: set[str] = set()
        for images in connection.scalars(query.execution_options(yield_per=_MANY)):
            found |= {image["url"] for image in images if image.get("url")}
            if len(found) >= _MANY:
                self._add_addresses(connection, found)
                found = set()
        self._add_addresses(connection, found)

    def _add_addresses(self, connection: Connection, urls: Iterable[str]) -> None:
        self._add(connection, select(*_COLUMNS).where(captures.c.url.in_(list(urls))))

    def _add_redirects(self, connection: Connection, folder: Path | str) -> None:
        """Add the redirects, one hop after the other, that end at a chosen address."""
        outlets = [name for (name,) in self._database.execute("SELECT DISTINCT outlet FROM chosen")]
        query = select(*_COLUMNS).where(
            captures.c.status.in_(REDIRECT_STATUSES), captures.c.outlet.in_(outlets)
        )
        for row in connection.execute(query.execution_options(yield_per=_MANY)):
            target = _target(folder, row)
            self._database.execute("INSERT OR IGNORE INTO moved VALUES (?,?)", (row[0], target))
        for _ in range(_HOPS):
            self._database.execute("INSERT OR IGNORE INTO wanted SELECT url FROM chosen")
            self._database.execute(
                "INSERT OR IGNORE INTO referred SELECT record_id FROM moved WHERE target IN (SELECT url FROM wanted)"
            )
            if not self._add_referred(connection):
                return

    def _add_originals(self, connection: Connection, folder: Path | str) -> None:
        """Add what the chosen revisits refer to; that is never a revisit itself."""
        for chosen in self.captures("revisit"):
            original = read_at(folder, chosen.location).fields.get("warc-refers-to", "")
            self._database.execute("INSERT OR IGNORE INTO referred VALUES (?)", (original,))
        self._add_referred(connection)

    def _add_referred(self, connection: Connection) -> bool:
        """Add the captures of the records noted as referred to; whether there was one that was not chosen."""
        lacking = (
            "SELECT record_id FROM referred"
            " WHERE record_id NOT IN (SELECT record_id FROM chosen) ORDER BY +record_id"
        )
        cursor = self._database.execute(lacking)  # sorted, so read whole before the first is added
        any_added = False
        while some := [found for (found,) in cursor.fetchmany(_MANY)]:
            any_added = True
            self._add(connection, select(*_COLUMNS).where(captures.c.record_id.in_(some)))
        return any_added


def _target(folder: Path | str, row: Row[*tuple[Any, ...]]) -> str:
    """Return the URL that a redirect leads to, or ``""`` if it names none."""
    found = record_of(folder, row)
    head = found.exchange.head if found.exchange is not None else found.block
    try:
        where = parse_head(head).get("Location").encode("latin-1").decode("utf-8", "replace")
        return safe_url(urljoin(row.url, where).partition("#")[0]) if where else ""
    except (MessageError, WarcError, ValueError):
        return ""


@contextmanager
def open_selection(path: Path) -> Iterator[CaptureSelection]:
    """A selection whose database is a file at that path, which is gone afterwards."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        # Nobody needs it after a crash.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        yield CaptureSelection(database)
    finally:
        database.close()
        path.unlink(missing_ok=True)
