"""All articles that match a query, newest first, in pages, each a read transaction of its own.

No transaction is left open between two pages: whoever reads may take an hour over a million
articles, and writers go on meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.articles.queries import PAGE, all_aliases, matching_articles, revisions_of
from archive.captures.deletions import DeletionJudge
from archive.index.search.hit import Hit
from archive.reading.articles import archived_article

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from archive.articles.queries import StoredArticle
    from archive.index.search.query import Query
    from archive.reading.articles import ArchivedArticle
    from archive.reading.source import File, Snapshot, Source


def each_article(
    source: Source, query: Query, *, every_revision: bool = False
) -> Iterator[ArchivedArticle]:
    """Yield the current revisions of the articles, or all revisions, article after article.

    An article is yielded once, also where the index is rebuilt between two pages.
    """
    pages = _Pages(source, query, every_revision)
    while page := pages.following():
        yield from page
        page.clear()  # before the next one is read


class _Pages:
    """Where the reading of a query has got to."""

    def __init__(self, source: Source, query: Query, every_revision: bool) -> None:
        self._source = source
        self._query = query
        self._every_revision = every_revision
        self._file: File = None
        self._judge: DeletionJudge | None = None
        self._place: Hit | None = None
        #: The names of the articles that were given of the time at which the last page ended.
        #: Revisions get other ids by a reindex, and a new one by a change.
        self._given: set[tuple[str, str]] = set()
        self._moment: datetime | None = None

    def following(self) -> list[ArchivedArticle]:
        """Return the articles of the next page, none behind the last."""
        while True:
            with self._source.reading() as snapshot:
                found = self._found(snapshot)
                fresh = self._not_given(found)
                page = self._read(snapshot, fresh)
            if page or not found:
                return page

    def _found(self, snapshot: Snapshot) -> list[StoredArticle]:
        connection, file = snapshot
        if self._judge is None or file != self._file:
            self._judge = DeletionJudge(connection)
            if self._place is not None:  # the ids of its time are others
                self._place = Hit(self._place.published_at, 0)
        self._judge = self._judge.moved_to(connection)
        self._file = file
        found = matching_articles(connection, self._query, PAGE, self._place, self._judge)
        if found:
            self._place = found[-1].place
        return found

    def _not_given(self, found: Sequence[StoredArticle]) -> list[StoredArticle]:
        fresh: list[StoredArticle] = []
        for stored in found:
            article = stored.article
            if article.published_at != self._moment:
                self._moment = article.published_at
                self._given.clear()
            name = (article.outlet, article.article_id)
            if name not in self._given:
                self._given.add(name)
                fresh.append(stored)
        return fresh

    def _read(self, snapshot: Snapshot, stored: Sequence[StoredArticle]) -> list[ArchivedArticle]:
        connection, _ = snapshot
        row_ids = [one.row_id for one in stored]
        aliases = all_aliases(connection, row_ids)
        chosen = stored
        if self._every_revision:
            assert self._judge is not None, "a page was found with one"
            versions: dict[int, list[StoredArticle]] = {row_id: [] for row_id in row_ids}
            for one in revisions_of(connection, row_ids, self._judge):
                versions[one.row_id].append(one)
            chosen = [one for row_id in row_ids for one in versions[row_id]]
        return [archived_article(one, aliases.get(one.row_id, ()), self._source) for one in chosen]
