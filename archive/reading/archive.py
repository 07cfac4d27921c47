"""An open archive: its articles, searches in them, single articles, removals, data frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Literal, overload

from archive.articles.blocklist import Removal, all_removals, removal_of
from archive.articles.queries import (
    all_aliases,
    best_matches,
    number_of_matches,
    search,
)
from archive.articles.snippets import snippet_of
from archive.index.search.match import has_words
from archive.index.search.query import QueryError
from archive.model.article import KST
from archive.reading.articles import ArchivedArticle, archived_article, find_revisions
from archive.reading.asking import check_outlet, query_of
from archive.reading.errors import ArticleNotFoundError
from archive.reading.frames import frame_of
from archive.reading.pages import each_article
from archive.reading.source import Source
from archive.runs.history import outlets_seen
from archive.segments.archive_url import store_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import pandas as pd
    import polars as pl

    from archive.index.search.marks import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """An article that a search found, with the part of it in which the terms stand."""

    article: ArchivedArticle
    """The article in its current revision."""
    snippet: str
    """The part around the first match, on one line."""
    marks: tuple[Mark, ...]
    """Begin and end of what matched, in characters of the snippet."""


class Archive:
    """An archive that is only read. It may be used by several threads, and beside writers.

    Use it in a ``with`` statement, or close it. Each call reads the index as it is then.
    """

    def __init__(self, archive_url: str, index_url: str) -> None:
        """Open the archive in a folder with its index; see `archive.open_archive`.

        :raises IndexUnusableError: there is no index, or it can't be used.
        :raises SegmentError: the archive is in no local folder.
        """
        self._source = Source(store_at(archive_url), index_url)
        self._archive_url = archive_url

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Archive {self._archive_url}>"

    def close(self) -> None:
        """Close it. Whatever is asked of it or of its objects later raises ArchiveClosedError."""
        self._source.close()

    def outlets(self) -> tuple[str, ...]:
        """Return the names of the outlets and sites of which the archive holds anything, sorted."""
        with self._source.reading() as (connection, _):
            return tuple(outlets_seen(connection))

    def articles(
        self,
        query: str = "",
        *,
        outlet: str = "",
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> Iterator[ArchivedArticle]:
        """Return an iterator of the articles in their current revisions, newest first.

        ``query`` is one of ``sacho search``; like that it leaves out articles that no layout read,
        unless it says ``quality:any``. Without one these are all articles, of any quality.
        ``outlet`` names an outlet; ``since`` and ``until`` are days of publication in KST,
        inclusive. Memory does not grow with their number, and writers are not held up.

        :raises QueryError: the query is none, or contradicts another argument.
        :raises ValueError: a day is none.
        :raises UnknownOutletError: the archive holds nothing of that outlet.
        """
        return each_article(self._source, query_of(self._source, query, outlet, since, until))

    def revisions(
        self,
        query: str = "",
        *,
        outlet: str = "",
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> Iterator[ArchivedArticle]:
        """Return an iterator of all revisions of the articles that `articles` gives.

        They come article after article, those of one article oldest first. The query decides by
        the current revision: ``edited:yes`` finds the articles that have more than one.

        :raises QueryError: as `articles`, also ValueError and UnknownOutletError.
        """
        asked = query_of(self._source, query, outlet, since, until)
        return each_article(self._source, asked, every_revision=True)

    def count(
        self,
        query: str = "",
        *,
        outlet: str = "",
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> int:
        """Return how many articles `articles` gives.

        :raises QueryError: as `articles`, also ValueError and UnknownOutletError.
        """
        asked = query_of(self._source, query, outlet, since, until)
        with self._source.reading() as (connection, _):
            return number_of_matches(connection, asked)

    def search(self, query: str, *, limit: int = 20, rank: bool = False) -> list[SearchHit]:
        """Return the articles that ``sacho search`` finds, newest first, at most ``limit``.

        With ``rank`` those come first that are most about the terms (BM25).

        :raises QueryError: the query is none, or has no term of two characters to rank by.
        :raises ValueError: the limit is not at least 1.
        :raises UnknownOutletError: the query names an outlet of which the archive holds nothing.
        """
        if limit < 1:
            raise ValueError(f"the limit is {limit}; give at least 1")
        if not query.strip():
            raise QueryError("nothing to search for: name at least one term or field")
        asked = query_of(self._source, query, "", None, None)
        if rank and not has_words(asked):
            raise QueryError("to rank by, a query needs a term of two characters or more")
        with self._source.reading() as (connection, _):
            if rank:
                found = best_matches(connection, asked, limit)
            else:
                found, _ = search(connection, asked, limit)
            aliases = all_aliases(connection, [one.row_id for one in found])
        hits: list[SearchHit] = []
        for one in found:
            article = archived_article(one, aliases.get(one.row_id, ()), self._source)
            snippet = snippet_of(one.article, asked)
            hits.append(SearchHit(article=article, snippet=snippet.text, marks=snippet.marks))
        return hits

    def article(
        self,
        outlet: str,
        name: str,
        *,
        at: datetime | date | None = None,
        revision: int | None = None,
    ) -> ArchivedArticle:
        """Return one article, in its current revision.

        ``name`` is its id, a former id of it, or an address: its own, or one at which it was
        captured. With ``at`` it is as last captured by that moment, or by the end of that day in
        KST; with ``revision`` as in the revision of that number.

        :raises UnknownOutletError: the archive holds nothing of that outlet.
        :raises ArticleNotFoundError: there is no such article, or not that revision, or it was not
            captured by then.
        :raises ArticleRemovedError: it was removed.
        :raises ValueError: both ``at`` and ``revision`` are given, or ``at`` has no zone.
        """
        if at is not None and revision is not None:
            raise ValueError("give at or revision, not both")
        until = None if at is None else _last_moment(at)
        check_outlet(self._source, outlet)
        found = find_revisions(self._source, outlet, name)
        if revision is not None:
            return _numbered(found, revision)
        return found[-1] if until is None else _as_of(found, until)

    def removal(self, outlet: str, article_id: str) -> Removal | None:
        """Return the removal of the article with that id, None if it was not removed."""
        with self._source.reading() as (connection, _):
            found = removal_of(connection, outlet, article_id)
        return None if found is None else _in_kst(found)

    def removals(self, *, outlet: str = "") -> tuple[Removal, ...]:
        """Return all removals in the order of time, those of the outlet if one is named."""
        with self._source.reading() as (connection, _):
            return tuple(map(_in_kst, all_removals(connection, outlet)))

    @overload
    def frame(
        self,
        query: str = "",
        *,
        outlet: str = "",
        since: date | str | None = None,
        until: date | str | None = None,
        revisions: bool = False,
        columns: Sequence[str] | None = None,
        library: Literal["pandas"] = "pandas",
    ) -> pd.DataFrame: ...

    @overload
    def frame(
        self,
        query: str = "",
        *,
        outlet: str = "",
        since: date | str | None = None,
        until: date | str | None = None,
        revisions: bool = False,
        columns: Sequence[str] | None = None,
        library: Literal["polars"],
    ) -> pl.DataFrame: ...

    def frame(
        self,
        query: str = "",
        *,
        outlet: str = "",
        since: date | str | None = None,
        until: date | str | None = None,
        revisions: bool = False,
        columns: Sequence[str] | None = None,
        library: Literal["pandas", "polars"] = "pandas",
    ) -> pd.DataFrame | pl.DataFrame:
        """Return what `articles`, or with ``revisions`` `revisions`, gives as a data frame.

        Its columns are those of ``sacho export`` to a table, or only ``columns``, in that order:
        without ``body`` and ``removed`` it takes a fraction of the memory. Times are of
        Asia/Seoul. It needs the extra ``pandas`` or ``polars``.

        :raises ImportError: the library is not installed.
        :raises ValueError: there is no such column or library, or a day is none.
        :raises QueryError: as `articles`, also UnknownOutletError.
        """
        asked = query_of(self._source, query, outlet, since, until)
        rows = each_article(self._source, asked, every_revision=revisions)
        return frame_of(rows, columns, library)


def _last_moment(at: datetime | date) -> datetime:
    """Return the moment, or the last one of the day in KST."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time.max, KST)
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone: add one, as in at.replace(tzinfo=KST)")
    return at


def _numbered(found: Sequence[ArchivedArticle], number: int) -> ArchivedArticle:
    for one in found:
        if one.revision == number:
            return one
    numbers = ", ".join(str(one.revision) for one in found)
    raise ArticleNotFoundError(f"{_name(found)} has no revision {number}; it has {numbers}")


def _as_of(found: Sequence[ArchivedArticle], until: datetime) -> ArchivedArticle:
    """Return the last revision that was captured by then."""
    for one in reversed(found):
        if one.captured_at <= until:
            return one
    raise ArticleNotFoundError(
        f"{_name(found)} was not captured until {until.astimezone(KST):%Y-%m-%d %H:%M:%S} (KST); "
        f"its first capture is of {found[0].captured_at:%Y-%m-%d %H:%M:%S}"
    )


def _name(found: Sequence[ArchivedArticle]) -> str:
    return f"{found[-1].outlet}/{found[-1].article_id}"


def _in_kst(removal: Removal) -> Removal:
    return replace(removal, at=removal.at.astimezone(KST))
