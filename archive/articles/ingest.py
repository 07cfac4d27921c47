"""Write a batch of read captures into the index: articles, revisions, captures, full text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, false, or_, select, update

from archive.articles.ingest_model import (
    ArticleState,
    Revision,
    StoredDocument,
    changed_changes,
)
from archive.articles.placement import Placement
from archive.index.dialect import insert_missing, one_of, unindexed
from archive.index.fulltext import add_documents, delete_documents
from archive.index.rows.article_rows import to_article, to_document, to_row
from archive.index.rows.bulk import insert_rows
from archive.index.rows.row_ids import free_ids
from archive.index.schema import aliases, articles, captures, revisions
from archive.index.search.position import Place, Positions, place_of
from archive.model.article import content_key
from archive.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from archive.articles.ingest_model import CaptureEntry
    from archive.index.search.documents import Document

#: The columns of ``captures`` that reading a document fills in.
_READ = ("charset_declared", "charset_used", "charset_damage")


class ArticleWriter:
    """Writes one batch of captures within one write transaction.

    Call `load` with all entries, `enter` for each of them, then `write` once. `Placement` decides
    which article and revision a capture shows; this class reads and writes the rows.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._capture_ids = free_ids(connection, captures)
        self._placement = Placement(
            free_ids(connection, articles), free_ids(connection, revisions), self._later_captures
        )
        self._new_captures: list[dict[str, Any]] = []
        self._known_captures: list[dict[str, Any]] = []

    def load(self, entries: Sequence[CaptureEntry]) -> None:
        """Read from the index the articles that the entries may belong to."""
        readings = [entry.article for entry in entries if entry.article is not None]
        names = {(article.outlet, article.article_id) for article in readings}
        known = {entry.known_revision for entry in entries if entry.known_revision is not None}
        by_alias = self._rows_of_aliases(names)
        by_content = self._rows_of_content(
            {content_key(article) for article in readings}, {name for name, _ in names}
        )
        row_ids = {
            *self._rows_of_ids(names),
            *by_alias.values(),
            *(row_id for _, row_id in by_content),
            *self._rows_of_revisions(known),
        }
        self._placement.load(self._load_states(row_ids), by_alias, by_content)

    def enter(self, entry: CaptureEntry) -> tuple[Verdict, int]:
        """Decide what became of a capture; return the verdict and the id of the capture's row."""
        capture_id = entry.known_id or next(self._capture_ids)
        verdict, revision_id = entry.verdict, entry.known_revision
        placed = None
        if entry.article is not None:
            placed = self._placement.place(entry, entry.article, capture_id)
        if placed is not None:
            # The outcome of a page that no layout reads stays what it is.
            verdict, revision_id = verdict or placed[0], placed[1].id
        assert verdict is not None, "an entry without an article has a verdict"
        became = {"outcome": str(verdict.outcome), "reason": str(verdict.reason or "")}
        if entry.known_id is None:
            row = entry.capture | became | {"id": capture_id, "revision_id": revision_id}
            self._new_captures.append(row)
        elif _is_news_of_known(entry, verdict, revision_id, is_placed=placed is not None):
            read = {name: entry.capture[name] for name in _READ}
            row = became | read | {"known": capture_id, "revision": revision_id}
            self._known_captures.append(row)
        return verdict, capture_id

    def write(self) -> None:
        """Write everything entered. Call it once; the object can't be used afterwards."""
        states = list(self._placement.states.values())
        self._write_articles(states)
        self._delete_dropped()
        self._write_revisions(states)
        by_id = update(revisions).where(revisions.c.id == bindparam("pk"))
        self._execute(by_id, changed_changes(states))
        insert_rows(self._connection, captures, self._new_captures)
        shows = (
            update(captures)
            .where(captures.c.id == bindparam("known"))
            .values(revision_id=bindparam("revision"))
        )
        self._execute(shows, self._known_captures)
        self._execute(shows, self._placement.moved_captures)

    def _write_articles(self, states: Sequence[ArticleState]) -> None:
        new = [
            {"id": s.id, "outlet": s.outlet, "article_id": s.article_id, "url": s.url}
            for s in states
            if not s.stored
        ]
        insert_rows(self._connection, articles, new)
        for duplicate, state in self._placement.absorbed:
            moved = update(aliases).where(aliases.c.article == duplicate.id)
            self._connection.execute(moved.values(article=state.id))
        changed = [
            {"pk": s.id, "article_id": s.article_id, "url": s.url}
            for s in states
            if s.stored and s.dirty
        ]
        self._execute(update(articles).where(articles.c.id == bindparam("pk")), changed)
        self._execute(insert_missing(self._connection, aliases), self._placement.aliases)

    def _delete_dropped(self) -> None:
        """Delete the revisions that no article has any longer; their captures show none."""
        dropped = self._placement.dropped
        if not dropped:
            return
        ids = {revision.id for revision in dropped}
        for rows, name in (
            (self._new_captures, "revision_id"),
            (self._known_captures, "revision"),
            (self._placement.moved_captures, "revision"),
        ):
            for row in rows:
                if row[name] in ids:
                    row[name] = None
        delete_documents(self._connection, filter(None, map(_stored_document, dropped)))
        shown = update(captures).where(one_of(captures.c.revision_id, ids))
        self._connection.execute(shown.values(revision_id=None))
        self._connection.execute(delete(revisions).where(one_of(revisions.c.id, ids)))

    def _write_revisions(self, states: Sequence[ArticleState]) -> None:
        by_id = update(revisions).where(revisions.c.id == bindparam("pk"))
        # No two revisions of an article may have the same number, not even for a moment.
        renamed = [revision.id for state in states for revision in state.renumber()]
        self._execute(by_id, [{"pk": row_id, "number": -row_id} for row_id in renamed])
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        written: list[tuple[ArticleState, Revision]] = []
        for state in states:
            for revision in state.revisions:
                if revision.dirty or revision.current != _is_current(state, revision):
                    written.append((state, revision))
        places = self._places(written)
        for state, revision in written:
            row = _revision_row(state, revision, places.get(revision.id))
            if revision.stored is None:
                new.append(row | {"id": revision.id})
            else:
                changed.append(row | {"pk": revision.id})
        insert_rows(self._connection, revisions, new)
        self._execute(by_id, changed)
        for duplicate, _ in self._placement.absorbed:
            self._connection.execute(delete(articles).where(articles.c.id == duplicate.id))
        self._write_fulltext(written, places)

    def _places(self, written: Sequence[tuple[ArticleState, Revision]]) -> dict[int, Place]:
        """Return where in full-text search each revision of these that is current has its place."""
        places: dict[int, Place] = {}
        moved: list[Revision] = []
        for state, revision in written:
            if not _is_current(state, revision):
                continue
            published_at, old = revision.article.published_at, revision.stored
            if revision.document is None or old is None or old.published_at != published_at:
                moved.append(revision)
            else:
                places[revision.id] = place_of(revision.document.position, published_at)
        positions = Positions(self._connection, (one.article.published_at for one in moved))
        for revision in moved:
            places[revision.id] = positions.take(revision.id, revision.article.published_at)
        return places

    def _write_fulltext(
        self, written: Sequence[tuple[ArticleState, Revision]], places: dict[int, Place]
    ) -> None:
        old: list[Document] = []
        new: list[Document] = []
        for state, revision in written:
            stored, document = _stored_document(revision), None
            if revision.id in places:
                edited = len(state.revisions) > 1
                position = places[revision.id].position
                document = to_document(position, revision.article, edited=edited)
            if stored == document:
                continue
            old += [stored] if stored is not None else []
            new += [document] if document is not None else []
        delete_documents(self._connection, old)
        add_documents(self._connection, new)

    def _rows_of_ids(self, names: set[tuple[str, str]]) -> Iterable[int]:
        query = select(articles.c.id)
        named = _among(articles.c.outlet, articles.c.article_id, names)
        return self._connection.scalars(query.where(named))

    def _rows_of_aliases(self, names: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
        query = select(aliases).where(_among(aliases.c.outlet, aliases.c.alias, names))
        return {(row.outlet, row.alias): row.article for row in self._connection.execute(query)}

    def _rows_of_content(self, keys: set[str], outlets: set[str]) -> list[tuple[str, int]]:
        """Return the rows with this content, of these outlets: others may be changing meanwhile."""
        query = select(revisions.c.content_key, revisions.c.article).join(articles)
        query = query.where(one_of(unindexed(articles.c.outlet), outlets))
        found = self._connection.execute(query.where(one_of(revisions.c.content_key, keys)))
        return [(row.content_key, row.article) for row in found]

    def _rows_of_revisions(self, revision_ids: set[int]) -> Iterable[int]:
        query = select(revisions.c.article).where(one_of(revisions.c.id, revision_ids))
        return self._connection.scalars(query)

    def _load_states(self, row_ids: set[int]) -> Iterable[ArticleState]:
        if not row_ids:
            return ()
        query = select(articles).where(one_of(articles.c.id, row_ids))
        states = {
            row.id: ArticleState(row.id, row.outlet, row.article_id, row.url)
            for row in self._connection.execute(query)
        }
        joined = select(revisions, articles.c.outlet, articles.c.article_id, articles.c.url)
        joined = joined.join(articles).where(one_of(revisions.c.article, row_ids))
        joined = joined.order_by(revisions.c.captured_at, revisions.c.number)
        rows = [dict(row) for row in self._connection.execute(joined).mappings()]
        numbers = Counter(row["article"] for row in rows)
        for row in rows:
            revision = _stored_revision(row, edited=numbers[row["article"]] > 1)
            states[row["article"]].revisions.append(revision)
        return states.values()

    def _later_captures(self, revision_id: int, moment: datetime) -> list[tuple[datetime, int]]:
        """Return the captures later than a moment, of this batch too, that show the revision."""
        query = select(captures.c.captured_at, captures.c.id).where(
            captures.c.revision_id == revision_id,
            captures.c.captured_at > moment,
            captures.c.time_known,
        )
        later = [(row.captured_at, row.id) for row in self._connection.execute(query)]
        later += [
            (row["captured_at"], row["id"])
            for row in self._new_captures
            if row["revision_id"] == revision_id
            and row["captured_at"] > moment
            and row["time_known"]
        ]
        return later

    def _execute(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)


def _is_news_of_known(
    entry: CaptureEntry, verdict: Verdict, revision_id: int | None, *, is_placed: bool
) -> bool:
    """Return whether the row of a capture that the index has already is to be updated.

    The capture may have been written before it was read, or as a revisit before its original was
    known.
    """
    if is_placed:
        return revision_id != entry.known_revision
    return entry.known_revision is None or verdict.outcome is Outcome.UNCHANGED


def _is_current(state: ArticleState, revision: Revision) -> bool:
    return revision is state.revisions[-1]


def _revision_row(state: ArticleState, revision: Revision, place: Place | None) -> dict[str, Any]:
    return to_row(revision.article, revision.layouts) | {
        "article": state.id,
        "number": revision.number,
        "current": _is_current(state, revision),
        "capture_id": revision.capture_id,
        "captured_at": revision.captured_at,
        "search_position": place.position if place else None,
        "search_spill": place.spill if place else None,
    }


def _stored_document(revision: Revision) -> Document | None:
    """Return the document that full-text search has of a revision."""
    if revision.stored is None or revision.document is None:
        return None
    position, edited = revision.document
    return to_document(position, revision.stored, edited=edited)


def _stored_revision(row: dict[str, Any], *, edited: bool) -> Revision:
    """Return a revision from its row joined with its article's; ``edited``: it has others."""
    article, position = to_article(row), row["search_position"]
    return Revision(
        id=row["id"],
        number=row["number"],
        article=article,
        layouts=list(row["layouts"]),
        capture_id=row["capture_id"],
        captured_at=row["captured_at"],
        stored=article,
        current=row["current"],
        change=row["change"],
        document=StoredDocument(position, edited) if position is not None else None,
    )


def _among(
    outlet: ColumnElement[str], own_id: ColumnElement[str], names: Iterable[tuple[str, str]]
) -> ColumnElement[bool]:
    """Return the condition that a row is one of those named by (outlet, id).

    Not ``IN`` over pairs: SQLite answers that by scanning the table.
    """
    by_outlet: dict[str, list[str]] = {}
    for name, identity in sorted(names):
        by_outlet.setdefault(name, []).append(identity)
    return or_(
        false(), *(and_(outlet == name, one_of(own_id, ids)) for name, ids in by_outlet.items())
    )
