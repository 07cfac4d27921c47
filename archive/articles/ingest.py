"""Writing a batch of read captures into the index: which article, which revision, what became of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, text, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from archive.articles.comparison import compare
from archive.articles.ingest_model import ArticleState, Revision, among, reclassified
from archive.index.article_rows import search_columns, to_article, to_row
from archive.index.bulk import insert_rows, one_of
from archive.index.fulltext import tokens
from archive.index.schema import aliases, articles, captures, revisions
from archive.model.article import content_key
from archive.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from archive.articles.ingest_model import CaptureEntry
    from archive.model.article import Article

#: The columns of ``captures`` that reading a document fills in.
_READ = ("charset_declared", "charset_used", "charset_damage")


class ArticleWriter:
    """One batch, inside one write transaction: `enter` each capture, then `write` everything."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next = {
            table.name: self._first_free(table) for table in (captures, articles, revisions)
        }
        self._stories: dict[int, ArticleState] = {}
        self._by_id: dict[tuple[str, str], ArticleState] = {}
        self._by_key: dict[tuple[str, str], ArticleState] = {}
        self._absorbed: list[tuple[ArticleState, ArticleState]] = []
        self._aliases: list[dict[str, Any]] = []
        self._new_captures: list[dict[str, Any]] = []
        self._seen_again: list[dict[str, Any]] = []
        self._moved: list[dict[str, Any]] = []
        self._holders: dict[int, ArticleState] = {}

    def load(self, entries: Sequence[CaptureEntry]) -> None:
        """Read what the index knows of the articles that the entries may belong to."""
        readings = [entry.article for entry in entries if entry.article is not None]
        names = {(a.outlet, a.article_id) for a in readings}
        keys = {content_key(a) for a in readings}
        found = set(
            self._connection.scalars(
                select(articles.c.id).where(among(articles.c.outlet, articles.c.article_id, names))
            )
        )
        other = {
            (row.outlet, row.alias): row.article
            for row in self._connection.execute(
                select(aliases).where(among(aliases.c.outlet, aliases.c.alias, names))
            )
        }
        by_key = list(
            self._connection.execute(
                select(revisions.c.content_key, revisions.c.article).where(
                    one_of(revisions.c.content_key, keys)
                )
            )
        )
        known = {entry.known_revision for entry in entries if entry.known_revision is not None}
        held = select(revisions.c.article).where(one_of(revisions.c.id, known))
        found |= {
            *other.values(),
            *(row.article for row in by_key),
            *self._connection.scalars(held),
        }
        self._load_stories(found)
        self._by_id |= {name: self._stories[pk] for name, pk in other.items()}
        self._holders = {
            revision.id: story for story in self._stories.values() for revision in story.revisions
        }
        for row in by_key:
            story = self._stories[row.article]
            self._by_key.setdefault((story.outlet, row.content_key), story)

    def enter(self, entry: CaptureEntry) -> tuple[Verdict, int]:
        """Decide what became of one capture; give its verdict and its row's id."""
        capture_id = entry.known_id or self._take(captures)
        revision: Revision | None = None
        verdict = entry.verdict
        if entry.article is not None:
            verdict, revision = self._place(entry, entry.article, capture_id)
        assert verdict is not None, "an entry without an article has a verdict"
        became = {"outcome": str(verdict.outcome), "reason": str(verdict.reason or "")}
        if entry.known_id is None:
            revision_id = revision.id if revision else entry.known_revision
            row = entry.capture | became | {"id": capture_id, "revision_id": revision_id}
            self._new_captures.append(row)
        elif (
            entry.known_revision is None
            or verdict.outcome is Outcome.UNCHANGED
            or revision is not None
        ):
            # It may have been written before it was read, or a revisit before it was told what of.
            shown = revision.id if revision else entry.known_revision
            became |= {name: entry.capture[name] for name in _READ}
            if revision is None or shown != entry.known_revision:
                self._seen_again.append(became | {"known": capture_id, "revision": shown})
        return verdict, capture_id

    def write(self) -> None:
        """Write everything entered; after it the writer is used up."""
        stories = list(self._stories.values())
        new = [s for s in stories if not s.stored]
        rows = [
            {"id": s.id, "outlet": s.outlet, "article_id": s.article_id, "url": s.url} for s in new
        ]
        insert_rows(self._connection, articles, rows)
        for twin, story in self._absorbed:
            self._connection.execute(
                update(aliases).where(aliases.c.article == twin.id).values(article=story.id)
            )
        self._execute(
            update(articles).where(articles.c.id == bindparam("pk")),
            [
                {"pk": s.id, "article_id": s.article_id, "url": s.url}
                for s in stories
                if s.stored and s.dirty
            ],
        )
        self._execute(sqlite_insert(aliases).on_conflict_do_nothing(), self._aliases)
        self._write_revisions(stories)
        self._execute(
            update(revisions).where(revisions.c.id == bindparam("pk")), reclassified(stories)
        )
        insert_rows(self._connection, captures, self._new_captures)
        shows = (
            update(captures)
            .where(captures.c.id == bindparam("known"))
            .values(revision_id=bindparam("revision"))
        )
        self._execute(shows, self._seen_again)
        self._execute(shows, self._moved)

    def _place(
        self, entry: CaptureEntry, article: Article, capture_id: int
    ) -> tuple[Verdict, Revision]:
        story = self._story_of(article, self._holders.get(entry.known_revision or 0))
        if (article.article_id, article.url) != (story.article_id, story.url):
            article = replace(article, article_id=story.article_id, url=story.url)
        own = next((r for r in story.revisions if r.id == entry.known_revision), None)
        if own is not None:
            return self._read_again(own, article, capture_id), own
        for revision in story.neighbours(entry):
            comparison = compare(revision.article, revision.layouts, article)
            if not comparison.changed:
                merged = comparison.merged
                if entry.capture["time_known"] and entry.captured_at < revision.captured_at:
                    # Its first capture is what a version is read from, whichever was entered first.
                    merged = compare(article, (), revision.article).merged
                    revision.captured_at, revision.capture_id, revision.dirty = (
                        entry.captured_at,
                        capture_id,
                        True,
                    )
                    story.revisions.sort(key=lambda r: r.captured_at)
                self._note(revision, merged, article.layout)
                return Verdict(Outcome.UNCHANGED), revision
        outcome = Outcome.CHANGED if story.revisions else Outcome.NEW
        before = (
            story.neighbours(entry)[0] if entry.capture["time_known"] and story.revisions else None
        )
        new = self._add(story, article, [article.layout], capture_id, entry.captured_at)
        if before is not None and before.captured_at < entry.captured_at:
            self._come_back(story, before, entry.captured_at)
        return Verdict(outcome), new

    def _add(
        self,
        story: ArticleState,
        article: Article,
        layouts: list[str],
        capture_id: int,
        captured_at: datetime,
    ) -> Revision:
        new = Revision(
            self._take(revisions), 0, article, layouts, capture_id, captured_at, dirty=True
        )
        story.revisions.append(new)
        story.revisions.sort(key=lambda r: r.captured_at)
        self._holders[new.id] = story
        return new

    def _come_back(self, story: ArticleState, before: Revision, moment: datetime) -> None:
        """Part a version that was seen both before and after another one: its later captures show it come back."""
        query = select(captures.c.id, captures.c.captured_at).where(
            captures.c.revision_id == before.id,
            captures.c.captured_at > moment,
            captures.c.time_known,
        )
        later = [(row.captured_at, row.id) for row in self._connection.execute(query)]
        for row in self._new_captures:
            if (
                row["revision_id"] == before.id
                and row["captured_at"] > moment
                and row["time_known"]
            ):
                later.append((row["captured_at"], row["id"]))
        if later:
            captured_at, capture_id = min(later)
            again = self._add(story, before.article, before.layouts, capture_id, captured_at)
            self._moved += [{"known": known, "revision": again.id} for _, known in later]

    def _read_again(self, own: Revision, article: Article, capture_id: int) -> Verdict:
        """The same bytes as before: whatever reads differently is our reading, not the outlet's edit."""
        comparison = compare(own.article, own.layouts, article)
        if not comparison.changed:
            self._note(own, comparison.merged, article.layout)
            return Verdict(Outcome.UNCHANGED)
        own.article, own.layouts, own.capture_id, own.dirty = (
            article,
            [article.layout],
            capture_id,
            True,
        )
        return Verdict(Outcome.CHANGED, detail="read anew")

    @staticmethod
    def _note(revision: Revision, merged: Article, layout: str) -> None:
        if merged != revision.article:
            revision.article, revision.dirty = merged, True
        if layout not in revision.layouts:
            revision.layouts = sorted([*revision.layouts, layout])
            revision.dirty = True

    def _story_of(self, article: Article, holder: ArticleState | None) -> ArticleState:
        """The article's story: by id or alias, by content where one side has no address, else a new one.

        ``holder`` is the story that the same capture was read into before: a headline read
        otherwise gives another id by content, and is the same article all the same.
        """
        key = (article.outlet, content_key(article))
        story = self._by_id.get((article.outlet, article.article_id))
        twin = self._by_key.get(key) or holder
        if article.identity_is_content:
            story = story or twin
            if story is not None and story is holder and story.article_id.startswith("content-"):
                self._rename(story, article)
        elif twin is not None and twin is not story and twin.article_id.startswith("content-"):
            if story is None:
                self._rename(twin, article)
                story = twin
            else:
                self._aliases.append(
                    {"outlet": article.outlet, "alias": twin.article_id, "article": story.id}
                )
                self._absorb(story, twin)
        if story is None:
            story = ArticleState(
                self._take(articles), article.outlet, article.article_id, article.url, stored=False
            )
            self._stories[story.id] = story
        self._by_id[(article.outlet, article.article_id)] = story
        if key[1]:
            self._by_key[key] = story
        self._aliases += [
            {"outlet": article.outlet, "alias": alias, "article": story.id}
            for alias in article.aliases
        ]
        return story

    def _rename(self, story: ArticleState, article: Article) -> None:
        """Give a story the article's id and address; its old id becomes an alias."""
        if story.article_id != article.article_id:
            self._aliases.append(
                {"outlet": story.outlet, "alias": story.article_id, "article": story.id}
            )
            story.article_id, story.url, story.dirty = article.article_id, article.url, True

    def _absorb(self, story: ArticleState, twin: ArticleState) -> None:
        """Hand over the revisions of an article whose real identity turned out to be another known article's."""
        for revision in twin.revisions:
            revision.dirty = True
            story.revisions.append(revision)
            self._holders[revision.id] = story
        story.revisions.sort(key=lambda r: r.captured_at)
        twin.revisions = []
        del self._stories[twin.id]
        self._absorbed.append((twin, story))

    def _load_stories(self, pks: set[int]) -> None:
        if not pks:
            return
        for row in self._connection.execute(select(articles).where(one_of(articles.c.id, pks))):
            story = ArticleState(row.id, row.outlet, row.article_id, row.url)
            self._stories[row.id] = self._by_id[(row.outlet, row.article_id)] = story
        query = select(revisions, articles.c.outlet, articles.c.article_id, articles.c.url).join(
            articles
        )
        query = query.where(one_of(revisions.c.article, pks)).order_by(
            revisions.c.captured_at, revisions.c.number
        )
        for found in map(dict, self._connection.execute(query).mappings()):
            article = to_article(found)
            self._stories[found["article"]].revisions.append(
                Revision(
                    found["id"],
                    found["number"],
                    article,
                    list(found["layouts"]),
                    found["capture_id"],
                    found["captured_at"],
                    stored=article,
                    current=found["current"],
                    change=found["change"],
                )
            )

    def _write_revisions(self, stories: Sequence[ArticleState]) -> None:
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        forget: list[dict[str, Any]] = []
        learn: list[dict[str, Any]] = []
        # Out of each other's way first: no two of an article may have one number, not even for a
        # moment.
        aside = [
            {"pk": revision.id, "number": -revision.id}
            for story in stories
            for revision in story.renumber()
        ]
        self._execute(update(revisions).where(revisions.c.id == bindparam("pk")), aside)
        for story in stories:
            for revision in story.revisions:
                current = revision is story.revisions[-1]
                if not revision.dirty and current == revision.current:
                    continue
                row = to_row(revision.article, revision.layouts) | {
                    "article": story.id,
                    "number": revision.number,
                    "current": current,
                    "capture_id": revision.capture_id,
                    "captured_at": revision.captured_at,
                }
                if revision.stored is None:
                    new.append(row | {"id": revision.id})
                else:
                    changed.append(row | {"pk": revision.id})
                known = search_columns(revision.stored) if revision.stored is not None else None
                wanted = search_columns(revision.article)
                if known == wanted:
                    continue
                if known is not None:
                    forget.append(
                        {"id": revision.id, "headline": tokens(known[0]), "body": tokens(known[1])}
                    )
                learn.append(
                    {"id": revision.id, "headline": tokens(wanted[0]), "body": tokens(wanted[1])}
                )
        insert_rows(self._connection, revisions, new)
        self._execute(update(revisions).where(revisions.c.id == bindparam("pk")), changed)
        for twin, _ in self._absorbed:
            self._connection.execute(delete(articles).where(articles.c.id == twin.id))
        delete_tokens = "INSERT INTO search(search, rowid, headline, body) VALUES ('delete', :id, :headline, :body)"
        self._execute(text(delete_tokens), forget)
        self._execute(
            text("INSERT INTO search(rowid, headline, body) VALUES (:id, :headline, :body)"), learn
        )

    def _execute(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)

    def _first_free(self, table: Table) -> int:
        return (self._connection.scalar(select(func.max(table.c.id))) or 0) + 1

    def _take(self, table: Table) -> int:
        # Safe because the batch holds the only write transaction.
        self._next[table.name] += 1
        return self._next[table.name] - 1
