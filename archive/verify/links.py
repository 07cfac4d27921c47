"""Checks of what records say of each other: unique ids, links and revisits that resolve.

Most links lead to a record of the same file, a moment ago. The rest wait in a temporary SQLite
database, which keeps itself on disk when it grows: an archive of any size is proven in bounded
memory.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.verify.parts import packed
from archive.verify.warc_file.findings import Finding, Rule, Severity
from archive.warc.dates import parse_standard_date
from archive.warc.record_header import without_brackets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.strict_reader import CheckedRecord
    from archive.warc.record_header import HeaderFields

_TABLES = """
    CREATE TABLE record (id TEXT, file TEXT, place INTEGER, kind TEXT, uri TEXT, date TEXT,
                         payload TEXT);
    CREATE TABLE link (source TEXT, file TEXT, place INTEGER, own INTEGER, kind TEXT, field TEXT,
                       target TEXT, uri TEXT, date TEXT);
    CREATE TABLE revisit (source TEXT, file TEXT, place INTEGER, own INTEGER, target TEXT, uri TEXT,
                          date TEXT, payload TEXT, identical INTEGER, own_uri TEXT);
"""
_INDEXES = (
    "CREATE INDEX by_id ON record (id, file, place); CREATE INDEX by_uri ON record (uri, payload)"
)
_FIELDS = {"warc-concurrent-to": "WARC-Concurrent-To", "warc-warcinfo-id": "WARC-Warcinfo-ID"}
_REFERS = "warc-refers-to"
#: The last records of a file among which a link is looked up before it waits for the end; also the
#: number of rows written at once.
_RECENT = 2000
_BATCH = 1000
#: Rows that are packed together.
_PACKED = 20_000
_ORIGINALS = ("response", "resource")


class _Record(NamedTuple):
    """A row of ``record``."""

    id: str
    file: str
    place: int
    kind: str
    uri: str
    date: str
    payload: str


class _Revisit(NamedTuple):
    """A row of ``revisit``."""

    source: str
    file: str
    place: int
    own: bool
    target: str
    uri: str
    date: str
    payload: str
    identical: bool
    own_uri: str

    @property
    def unusual(self) -> Severity:
        """The severity of what is legal, but not as this project writes it."""
        return Severity.ERROR if self.own else Severity.NOTE


class Links:
    """Collects what records say of each other.

    Call `add` with each record of each file, then `finish`, and `close` at the end.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary one, on disk if need be
        self._database.executescript(_TABLES)
        self._recent: dict[str, _Record] = {}
        self._infos: dict[str, _Record] = {}
        self._file = ""
        self._rows: dict[str, list[tuple[Any, ...]]] = {
            "record": [],
            "link": [],
            "revisit": [],
        }

    def close(self) -> None:
        """Close the temporary database."""
        self._database.close()

    def add(self, file: str, seen: CheckedRecord, *, own: bool) -> Iterator[Finding]:
        """Store a record; return the findings that need no other record."""
        if file != self._file:
            self._file = file
            self._recent, self._infos = {}, {}
        fields = seen.fields
        kind, uri = fields["warc-type"], fields["warc-target-uri"]
        record = _Record(
            seen.record_id,
            file,
            seen.offset,
            kind,
            uri,
            fields["warc-date"],
            fields["warc-payload-digest"],
        )
        for name, value in fields.pairs:
            if name in _FIELDS:
                yield from self._add_link(record, name, without_brackets(value), own=own)
        if kind == "revisit":
            self._add_revisit(record, fields, own=own)
        elif fields[_REFERS]:
            link = (record.id, file, record.place, own, kind, _REFERS, fields[_REFERS], "", "")
            self._put("link", link)
        self._remember(record)

    def _add_link(self, record: _Record, name: str, target: str, *, own: bool) -> Iterator[Finding]:
        """Check a link to a recently read record; store any other one for `finish`."""
        known = self._recent.get(target) or self._infos.get(target)
        if known is not None:
            yield from _linked(record, name, known, own=own)
            return
        place = (record.id, record.file, record.place)
        is_request = name == "warc-concurrent-to" and record.kind == "request"
        about = (record.uri, record.date) if is_request else ("", "")
        link = (*place, own, record.kind, name, target, *about)
        self._put("link", link)

    def _add_revisit(self, record: _Record, fields: HeaderFields, *, own: bool) -> None:
        identical = "identical-payload-digest" in fields["warc-profile"]
        refers = (
            fields[_REFERS],
            fields["warc-refers-to-target-uri"],
            fields["warc-refers-to-date"],
        )
        revisit = _Revisit(*record[:3], own, *refers, record.payload, identical, record.uri)
        self._put("revisit", revisit)

    def _remember(self, record: _Record) -> None:
        if record.kind == "warcinfo":
            self._infos[record.id] = record
        elif len(self._recent) > _RECENT:
            self._recent.clear()
        self._recent[record.id] = record
        if record.id:
            self._put("record", record)

    def rows(self) -> Iterator[bytes]:
        """Yield all that is stored, for `load`."""
        for table in self._rows:
            self._flush(table)
            with closing(self._database.execute(f"SELECT * FROM {table}")) as cursor:  # noqa: S608  (a name of ours)
                while rows := cursor.fetchmany(_PACKED):
                    yield packed({"table": table, "rows": rows})

    def load(self, values: dict[str, Any]) -> None:
        """Store what another one has yielded, as if its records had been added."""
        for row in values["rows"]:
            self._put(values["table"], tuple(row))

    def finish(self, *, whole: bool) -> Iterator[Finding]:
        """Yield findings that need all records; ``whole``: no linked record can be elsewhere."""
        for table in self._rows:
            self._flush(table)
        self._database.executescript(_INDEXES)
        yield from self._twice(whole=whole)
        yield from self._dangling(whole=whole)
        yield from self._unresolved(whole=whole)

    def _put(self, table: str, row: tuple[Any, ...]) -> None:
        self._rows[table].append(row)
        if len(self._rows[table]) >= _BATCH:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._rows[table]
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  (a name of ours)
            rows.clear()

    def _select(self, query: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with closing(self._database.execute(query, values)) as cursor:
            yield from cursor

    def _twice(self, *, whole: bool) -> Iterator[Finding]:
        query = (
            "SELECT id, file, place, lag(file) OVER same, lag(place) OVER same "
            "FROM record WHERE id IN "
            "(SELECT id FROM record GROUP BY id HAVING count(*) > 1) "
            "WINDOW same AS (PARTITION BY id ORDER BY file, place) ORDER BY file, place"
        )
        for record_id, file, place, before, at in self._select(query):
            if before is not None:
                # Files given together may be copies of each other; segments of one archive never
                # are.
                severity = Severity.ERROR if whole or before == file else Severity.NOTE
                sentence = f"Its id is also that of the record at byte {at} of {before}."
                yield Finding(file, place, record_id, Rule.DUPLICATE_ID, sentence, severity)

    def _dangling(self, *, whole: bool) -> Iterator[Finding]:
        query = (
            "SELECT l.source, l.file, l.place, l.own, l.kind, l.field, l.target, "
            "l.uri, l.date, r.id, r.file, r.place, r.kind, "
            "r.uri, r.date, r.payload "
            "FROM link l LEFT JOIN record r "
            "ON r.rowid = (SELECT min(o.rowid) FROM record o WHERE o.id = l.target) "
            "ORDER BY l.file, l.place"
        )
        for source, file, place, own, kind, field, target, uri, date, *found in self._select(query):
            if found[0] is not None:
                record = _Record(source, file, place, kind, "", "", "")
                yield from _linked(record, field, _Record(*found), own=False)
                continue
            # Records that were taken out of their file may keep the id of its warcinfo (ISO 28500
            # §5.12), and what a record belongs to may lie in another of the tool's files.
            elsewhere = not own and not (uri and self._has_answer(file, uri, date))
            name = _FIELDS.get(field, "WARC-Refers-To")
            sentence = (
                f"{name} leads to {target[:120] or 'nothing'}, which is in none of the files."
            )
            severity = Severity.NOTE if elsewhere and not whole else Severity.ERROR
            yield Finding(file, place, source, Rule.LINK, sentence, severity)

    def _has_answer(self, file: str, uri: str, date: str) -> bool:
        """Return whether a file has a response of this address and date.

        A link to nothing should then lead to that one.
        """
        query = (
            "SELECT 1 FROM record WHERE uri = ? AND date = ? AND file = ? "
            "AND kind IN ('response', 'revisit')"
        )
        return any(self._select(query, uri, date, file))

    def _unresolved(self, *, whole: bool) -> Iterator[Finding]:
        columns = ", ".join(_Revisit._fields)
        for row in self._select(f"SELECT {columns} FROM revisit ORDER BY file, place"):  # noqa: S608  (names of ours)
            revisit = _Revisit(*row)
            for sentence, severity in self._resolve(revisit, whole=whole):
                yield Finding(
                    revisit.file, revisit.place, revisit.source, Rule.REVISIT, sentence, severity
                )

    def _resolve(self, revisit: _Revisit, *, whole: bool) -> Iterator[tuple[str, Severity]]:
        """Yield what is wrong with the original of a revisit, and the severity."""
        original = self._one(revisit.target) if revisit.target else None
        by_address = self._at(revisit.uri or revisit.own_uri, revisit.date)
        if original is None and revisit.target and by_address is not None:
            yield (
                f"It refers to {revisit.target[:120]}, but its address and date are those of"
                f" {by_address.id}.",
                Severity.ERROR,
            )
            return
        original = original or by_address
        if original is None:
            yield self._unresolved_revisit(revisit, whole=whole)
        else:
            yield from _compare_revisit(revisit, original)

    def _unresolved_revisit(self, revisit: _Revisit, *, whole: bool) -> tuple[str, Severity]:
        stated = revisit.target or revisit.uri
        is_wrong = whole or (
            bool(stated)
            and any(self._repeats(revisit, uri) for uri in {revisit.uri, revisit.own_uri})
        )
        if stated or is_wrong:
            sentence = (
                f"The record it refers to ({stated[:120] or 'none'}) is in none of the files."
            )
            return sentence, Severity.ERROR if is_wrong else Severity.NOTE
        return "It does not state what it is a revisit of.", revisit.unusual

    def _repeats(self, revisit: _Revisit, uri: str) -> bool:
        """Return whether an earlier capture of its file has this address and payload.

        That is the one which it should refer to.
        """
        if not uri or not revisit.payload:
            return False
        query = (
            "SELECT 1 FROM record WHERE uri = ? AND payload = ? AND file = ? AND place < ? "
            "AND kind <> 'revisit'"
        )
        return any(self._select(query, uri, revisit.payload, revisit.file, revisit.place))

    def _at(self, uri: str, date: str) -> _Record | None:
        if not uri or not date:
            return None
        rows = self._select(
            "SELECT * FROM record WHERE uri = ? AND kind IN ('response', 'resource')", uri
        )
        return next(
            (one for one in (_Record(*row) for row in rows) if _same_moment(date, one.date)), None
        )

    def _one(self, record_id: str) -> _Record | None:
        query = "SELECT * FROM record WHERE id = ? ORDER BY kind = 'revisit' LIMIT 1"
        row = next(self._select(query, record_id), None)
        return _Record(*row) if row is not None else None


def _compare_revisit(revisit: _Revisit, original: _Record) -> Iterator[tuple[str, Severity]]:
    """Compare what a revisit states of its original with that record."""
    if original.kind not in _ORIGINALS:
        severity = revisit.unusual if original.kind == "revisit" else Severity.ERROR
        yield f"It refers to a {original.kind[:40]}, not to a response.", severity
    if revisit.uri and revisit.uri != original.uri:
        yield (
            f"It refers to {revisit.uri[:200]}, but {original.id} is of {original.uri[:200]}.",
            Severity.ERROR,
        )
    if revisit.date and not _same_moment(revisit.date, original.date):
        yield (
            f"It refers to a capture of {revisit.date[:40]}, but {original.id} is of"
            f" {original.date[:40]}.",
            Severity.ERROR,
        )
    if _differ(revisit.payload, original.payload):
        severity = Severity.ERROR if revisit.identical else revisit.unusual
        yield f"Its payload digest is not that of {original.id}, to which it refers.", severity


def _linked(record: _Record, field: str, to: _Record, *, own: bool) -> Iterator[Finding]:
    """Yield what is wrong with a link that leads to a record."""
    if field == "warc-warcinfo-id" and to.kind != "warcinfo":
        sentence = f"WARC-Warcinfo-ID leads to a {to.kind[:40]}, not to a warcinfo."
        yield Finding(record.file, record.place, record.id, Rule.LINK, sentence)
    elif field == "warc-concurrent-to" and to.id == record.id:
        yield Finding(
            record.file, record.place, record.id, Rule.CONCURRENT, "It is concurrent to itself."
        )
    elif field == "warc-concurrent-to" and own and (record.uri, record.date) != (to.uri, to.date):
        sentence = f"It belongs to {to.id}, but has another address or date."
        yield Finding(record.file, record.place, record.id, Rule.CONCURRENT, sentence)


def _same_moment(one: str, other: str) -> bool:
    """Return whether two dates are the same to the second; WARC/1.0 has no finer ones."""
    a, b = parse_standard_date(one), parse_standard_date(other)
    if a is None or b is None or one == other:
        return one == other
    if a.microsecond and b.microsecond:
        return a == b
    return a.replace(microsecond=0) == b.replace(microsecond=0)


def _differ(one: str, other: str) -> bool:
    """Return whether two digests of one algorithm, in one encoding, differ."""
    if not one or not other or one.partition(":")[0].lower() != other.partition(":")[0].lower():
        return False
    return len(one) == len(other) and one.lower() != other.lower()
