"""Decide which article and which revision a capture shows. No SQL: works on loaded rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archive.articles.ingest_model import ArticleState, Revision
from archive.differences.comparison import compare
from archive.model.article import TEXT_LAYOUT, Quality, content_key
from archive.model.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from archive.articles.ingest_model import CaptureEntry
    from archive.model.article import Article

    #: The captures of a revision later than a moment, as (time, id).
    LaterCaptures = Callable[[int, datetime], list[tuple[datetime, int]]]


class Placement:
    """The articles of a batch of captures, and what the captures change of them.

    ``article_ids`` and ``revision_ids`` yield ids for new rows. Results: ``states``; ``aliases``,
    rows to insert; ``absorbed``, pairs of an article that turned out to be another one, and that
    other one; ``moved_captures``, ids of captures that show another revision now; ``dropped``,
    revisions that are no longer any article's.

    The revisions of an article are either all read by layouts or all generic, in whichever order
    its captures are entered: what a tool guesses is no evidence that the outlet changed anything.
    """

    def __init__(
        self,
        article_ids: Iterator[int],
        revision_ids: Iterator[int],
        later_captures: LaterCaptures,
    ) -> None:
        self._article_ids = article_ids
        self._revision_ids = revision_ids
        self._later_captures = later_captures
        self.states: dict[int, ArticleState] = {}
        self.aliases: list[dict[str, Any]] = []
        self.absorbed: list[tuple[ArticleState, ArticleState]] = []
        self.moved_captures: list[dict[str, Any]] = []
        self.dropped: list[Revision] = []
        self._by_id: dict[tuple[str, str], ArticleState] = {}
        self._by_content: dict[tuple[str, str], ArticleState] = {}
        self._by_revision: dict[int, ArticleState] = {}

    def load(
        self,
        states: Iterable[ArticleState],
        aliases: dict[tuple[str, str], int],
        content_keys: Iterable[tuple[str, int]],
    ) -> None:
        """Add articles of the index with their revisions.

        ``aliases`` are row ids by (outlet, alias); ``content_keys`` are content keys with the row
        ids of the articles that have them.
        """
        for state in states:
            self.states[state.id] = state
            self._by_id[(state.outlet, state.article_id)] = state
            self._by_revision |= dict.fromkeys((r.id for r in state.revisions), state)
        for name, row_id in aliases.items():
            self._by_id[name] = self.states[row_id]
        for key, row_id in content_keys:
            state = self.states[row_id]
            if not state.is_generic:
                self._by_content.setdefault((state.outlet, key), state)

    def place(
        self, entry: CaptureEntry, article: Article, capture_id: int
    ) -> tuple[Verdict, Revision] | None:
        """Decide what became of a capture that shows ``article``, and of which revision.

        None if it is a generic reading of an article that a layout has read from another capture.
        """
        previous = self._by_revision.get(entry.known_revision or 0)
        if article.quality is Quality.GENERIC:
            known = self._by_id.get((article.outlet, article.article_id))
            if known is not None and known.revisions and not known.is_generic:
                return None
            state = known or self._named(article, self._new_state(article))
        else:
            state = self._state_of(article, previous)
            self._drop_generic(state)
        if (article.article_id, article.url) != (state.article_id, state.url):
            article = replace(article, article_id=state.article_id, url=state.url)
        own = next((r for r in state.revisions if r.id == entry.known_revision), None)
        if own is not None:
            return _read_again(own, article, capture_id), own
        same = self._same_revision(state, entry, article, capture_id)
        if same is not None:
            return Verdict(Outcome.UNCHANGED), same
        return self._new_revision(state, entry, article, capture_id)

    def _same_revision(
        self, state: ArticleState, entry: CaptureEntry, article: Article, capture_id: int
    ) -> Revision | None:
        """Return the neighbouring revision with the same content, with the reading merged in."""
        for revision in state.neighbours(entry):
            comparison = compare(revision.article, revision.layouts, article)
            merged = comparison.merged
            if comparison.changed:
                if not _is_other_rendering(entry, article, revision):
                    continue
                if revision.layouts == [TEXT_LAYOUT]:  # a page shows more than its rendering
                    merged = article
            if entry.time_known and entry.captured_at < revision.captured_at:
                # A revision is read from its first capture, in whichever order they are entered.
                merged = compare(article, (), revision.article).merged
                revision.begin_at(entry.captured_at, capture_id)
                state.sort()
            revision.merge(merged, article.layout)
            return revision
        return None

    def _new_revision(
        self, state: ArticleState, entry: CaptureEntry, article: Article, capture_id: int
    ) -> tuple[Verdict, Revision]:
        outcome = Outcome.CHANGED if state.revisions else Outcome.NEW
        before: Revision | None = None
        if entry.time_known and state.revisions:
            before = state.neighbours(entry)[0]
        new = self._add(state, article, [article.layout], capture_id, entry.captured_at)
        if before is not None and before.captured_at < entry.captured_at:
            self._split(state, before, entry.captured_at)
        return Verdict(outcome), new

    def _drop_generic(self, state: ArticleState) -> None:
        """Take from an article what no layout read of it: now one does."""
        if not state.is_generic:
            return
        self.dropped += state.revisions
        for revision in state.revisions:
            del self._by_revision[revision.id]
        state.revisions = []

    def _add(
        self,
        state: ArticleState,
        article: Article,
        layouts: list[str],
        capture_id: int,
        captured_at: datetime,
    ) -> Revision:
        number = 0  # until `ArticleState.renumber`
        revision_id = next(self._revision_ids)
        new = Revision(revision_id, number, article, layouts, capture_id, captured_at, dirty=True)
        state.revisions.append(new)
        state.sort()
        self._by_revision[new.id] = state
        return new

    def _split(self, state: ArticleState, before: Revision, moment: datetime) -> None:
        """Split a revision that was seen both before and after another one.

        Its later captures become a revision of their own: the content came back.
        """
        later = self._later_captures(before.id, moment)
        if not later:
            return
        captured_at, capture_id = min(later)
        again = self._add(state, before.article, before.layouts, capture_id, captured_at)
        self.moved_captures += [{"known": known, "revision": again.id} for _, known in later]

    def _state_of(self, article: Article, previous: ArticleState | None) -> ArticleState:
        """Return the article that a reading belongs to.

        It is found by id or alias; by content where one of the two has no address; else it is new.
        ``previous`` is the article that the same capture was read as before: a headline that is
        read differently gives another id by content, and is the same article.
        """
        key = (article.outlet, content_key(article))
        by_content = self._by_content.get(key) or previous
        state = self._by_id.get((article.outlet, article.article_id))
        if article.identity_is_content:
            state = self._join_by_content(state, by_content, previous, article)
        elif by_content is not None and by_content is not state and by_content.identity_is_content:
            state = self._join_by_id(state, by_content, article)
        state = self._named(article, state or self._new_state(article))
        if key[1]:
            self._by_content[key] = state
        own = () if article.article_id == state.article_id else (article.article_id,)
        for alias in (*own, *article.aliases):
            self._add_alias(article.outlet, alias, state)
        return state

    def _named(self, article: Article, state: ArticleState) -> ArticleState:
        """Return the article, which is found by the id of a reading from now on."""
        self._by_id[(article.outlet, article.article_id)] = state
        return state

    def _join_by_content(
        self,
        state: ArticleState | None,
        by_content: ArticleState | None,
        previous: ArticleState | None,
        article: Article,
    ) -> ArticleState | None:
        """Return the known article of a reading without address."""
        state = state or by_content
        if state is not None and state is previous and state.identity_is_content:
            self._rename(state, article)
        return state

    def _join_by_id(
        self, state: ArticleState | None, by_content: ArticleState, article: Article
    ) -> ArticleState:
        """Give an article without address the id of a reading that has the same content."""
        if state is None:
            self._rename(by_content, article)
            return by_content
        self._add_alias(article.outlet, by_content.article_id, state)
        self._absorb(state, by_content)
        return state

    def _new_state(self, article: Article) -> ArticleState:
        row_id = next(self._article_ids)
        state = ArticleState(row_id, article.outlet, article.article_id, article.url, stored=False)
        self.states[row_id] = state
        return state

    def _rename(self, state: ArticleState, article: Article) -> None:
        """Give an article the id and address of a reading; its old id becomes an alias."""
        if state.article_id != article.article_id:
            self._add_alias(state.outlet, state.article_id, state)
            state.article_id, state.url, state.dirty = article.article_id, article.url, True

    def _absorb(self, state: ArticleState, duplicate: ArticleState) -> None:
        """Move the revisions of ``duplicate``, which turned out to be the article ``state``."""
        for revision in duplicate.revisions:
            revision.dirty = True
            self._by_revision[revision.id] = state
        state.revisions += duplicate.revisions
        state.sort()
        duplicate.revisions = []
        del self.states[duplicate.id]
        self.absorbed.append((duplicate, state))

    def _add_alias(self, outlet: str, alias: str, state: ArticleState) -> None:
        self.aliases.append({"outlet": outlet, "alias": alias, "article": state.id})


def _is_other_rendering(entry: CaptureEntry, article: Article, revision: Revision) -> bool:
    """Whether two readings are of one page at one moment, at least one by a tool that renders text.

    What differs then is what the tools print, not what the outlet published.
    """
    return (
        entry.time_known
        and entry.captured_at == revision.captured_at
        and TEXT_LAYOUT in (article.layout, *revision.layouts)
    )


def _read_again(own: Revision, article: Article, capture_id: int) -> Verdict:
    """Update a revision from another reading of its own capture.

    The bytes are the same: a difference comes from the parser, not from the outlet.
    """
    comparison = compare(own.article, own.layouts, article)
    if not comparison.changed:
        own.merge(comparison.merged, article.layout)
        return Verdict(Outcome.UNCHANGED)
    own.replace_reading(article, capture_id)
    return Verdict(Outcome.CHANGED, detail="read again")
