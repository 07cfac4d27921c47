"""An article of the archive in one of its revisions, and the events of its history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archive.articles.blocklist import removal_of
from archive.articles.history import history
from archive.articles.queries import all_aliases, find_row, find_row_at, revisions_of
from archive.captures.deletions import Deletion, DeletionJudge, Status
from archive.captures.rows import capture_of_record, captures_of
from archive.differences.changes import Change, ChangeClass
from archive.differences.word_diff import Size
from archive.export.articles import to_values
from archive.model.article import KST, Author, Image, Precision, Quality, Removed
from archive.reading.captures import ArchivedCapture, archived_capture
from archive.reading.errors import ArticleNotFoundError, ArticleRemovedError
from archive.segments.lookup import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.captures.rows import StoredCapture
    from archive.model.exchange import Location
    from archive.reading.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedEvent:
    """One event of an article's history."""

    at: datetime
    """When it happened, in KST."""
    classes: tuple[ChangeClass, ...]
    """What happened, most important first; nothing for the first revision."""
    revision: int | None
    """The number of the new revision; None if the article was found gone, or back."""
    change: Change | None
    """What changed since the revision before; None for the first, and without a revision."""
    capture: ArchivedCapture | None
    """The capture that showed the article gone, or back; None for a revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedArticle:
    """An article as one of its revisions has it. All times are aware, in KST.

    The other revisions, the captures and the history are looked up when they are asked for.
    """

    outlet: str
    """The outlet; ``site:DOMAIN`` of a site of which nobody wrote an outlet."""
    article_id: str
    """The outlet's own id; ``content-…`` if it was made of the content."""
    url: str
    """The canonical address, or ``""``."""
    aliases: tuple[str, ...]
    """Its other ids and addresses."""
    revision: int
    """The number of the revision, from 1."""
    headline: str
    """The headline."""
    subheadlines: tuple[str, ...]
    """The deck lines."""
    body: str
    """The text, paragraphs joined by a blank line."""
    authors: tuple[Author, ...]
    """Who signed it: name, role, e-mail address."""
    dateline: str
    """The place in its dateline."""
    section: str
    """The section as printed."""
    tags: tuple[str, ...]
    """The tags."""
    published_at: datetime | None
    """The time of publication."""
    published_precision: Precision | None
    """How exactly that was stated."""
    published_raw: str
    """That time as printed."""
    modified_at: datetime | None
    """The time of the last change as printed; None if none is printed."""
    modified_precision: Precision | None
    """How exactly that was stated."""
    modified_raw: str
    """That time as printed."""
    images: tuple[Image, ...]
    """The pictures: address, caption, credit."""
    language: str
    """An ISO 639-1 code, or ``""``."""
    flags: tuple[str, ...]
    """Notices about the text by rule name, such as ``paywalled``."""
    removed: tuple[Removed, ...]
    """Text that widget rules took out of the page, with the name of the rule."""
    layouts: tuple[str, ...]
    """The layouts it was read by."""
    quality: Quality
    """Whether a layout of its outlet read it, or a tool for pages of any site."""
    captured_at: datetime
    """When the capture was made that this revision was read from."""
    http_status: int | None
    """The HTTP status of that capture; None for a saved page."""
    change: Change | None
    """What changed since the revision before, and how much of the body; None for the first."""
    deletion: Deletion | None
    """The claim that the article is gone, with its evidence; None if it is published."""
    warc: Location
    """Where the record lies that this revision was read from."""
    _stored: StoredArticle = field(repr=False, compare=False)
    _source: Source = field(repr=False, compare=False)

    @property
    def status(self) -> Status:
        """Whether the outlet still serves the article: published, missing or deleted."""
        return self._stored.status

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs of the body."""
        return self._stored.article.body

    @property
    def revisions(self) -> tuple[ArchivedArticle, ...]:
        """All revisions of the article, oldest first, as the index has them now.

        :raises ArticleNotFoundError: the index no longer has it; ArticleRemovedError if it was
            removed.
        """
        return find_revisions(self._source, self.outlet, self.article_id)

    @property
    def captures(self) -> tuple[ArchivedCapture, ...]:
        """All captures of the article, oldest first, those that found it gone too.

        :raises ArticleNotFoundError: as `revisions`.
        """
        with self._source.reading() as (connection, _):
            row_id = _row_of(connection, self.outlet, self.article_id)
            gone = DeletionJudge(connection).gone_captures(row_id)
            found = [*captures_of(connection, row_id), *gone]
        found.sort(key=lambda one: (one.captured_at, one.id))
        return tuple(archived_capture(one, self._source) for one in found)

    @property
    def capture(self) -> ArchivedCapture:
        """The capture that this revision was read from.

        :raises RecordError: it is no longer in the archive.
        """
        with self._source.reading() as (connection, _):
            found = capture_of_record(connection, self.warc.record_id)
        if found is None:
            raise RecordError(f"Record {self.warc.record_id} is no longer in the archive.")
        return archived_capture(found, self._source)

    @property
    def history(self) -> tuple[ArchivedEvent, ...]:
        """The events of the article in the order of time: revisions, and when it was gone.

        :raises ArticleNotFoundError: as `revisions`.
        """
        with self._source.reading() as (connection, _):
            row_id = _row_of(connection, self.outlet, self.article_id)
            judge = DeletionJudge(connection)
            shown, gone = captures_of(connection, row_id), judge.gone_captures(row_id)
            versions = revisions_of(connection, [row_id], judge)
            events = history(versions, judge.absences(shown, gone))
        return tuple(_event(event, self._source) for event in events)

    def to_dict(self) -> dict[str, Any]:
        """Return the revision as plain values, as one line of ``sacho export`` has them."""
        return to_values(self._stored)


def archived_article(
    stored: StoredArticle, aliases: Sequence[str], source: Source
) -> ArchivedArticle:
    """Return a revision of the index as users of an archive get it."""
    article = stored.article
    return ArchivedArticle(
        outlet=article.outlet,
        article_id=article.article_id,
        url=article.url,
        aliases=tuple(aliases),
        revision=stored.revision,
        headline=article.headline,
        subheadlines=article.subheadlines,
        body=article.text,
        authors=article.authors,
        dateline=article.dateline,
        section=article.section,
        tags=article.tags,
        published_at=article.published_at,
        published_precision=article.published_precision,
        published_raw=article.published_raw,
        modified_at=article.modified_at,
        modified_precision=article.modified_precision,
        modified_raw=article.modified_raw,
        images=article.images,
        language=article.language,
        flags=article.flags,
        removed=article.removed,
        layouts=stored.layouts,
        quality=article.quality,
        captured_at=stored.captured_at,
        http_status=stored.http_status,
        change=None if stored.change is None else _change(stored.change),
        deletion=stored.deletion,
        warc=stored.location,
        _stored=stored,
        _source=source,
    )


def find_revisions(source: Source, outlet: str, name: str) -> tuple[ArchivedArticle, ...]:
    """Return all revisions of the article of that id, alias or address, oldest first.

    :raises ArticleNotFoundError: there is no such article; ArticleRemovedError if it was removed.
    """
    with source.reading() as (connection, _):
        row_id = _row_of(connection, outlet, name)
        aliases = all_aliases(connection, [row_id]).get(row_id, [])
        found = revisions_of(connection, [row_id], DeletionJudge(connection))
    return tuple(archived_article(one, aliases, source) for one in found)


def _row_of(connection: Connection, outlet: str, name: str) -> int:
    """Return the id of the row of the article of that id, alias or address."""
    found = find_row(connection, outlet, name)
    for address in _spellings(name):
        found = found or find_row_at(connection, outlet, address)
    if found is not None:
        return found
    removal = removal_of(connection, outlet, name)
    if removal is None:
        raise ArticleNotFoundError(f"there is no article {outlet}/{name} in the index")
    removal = replace(removal, at=removal.at.astimezone(KST))
    sentence = (
        f"{removal.outlet}/{removal.article_id} was removed on {removal.at:%Y-%m-%d %H:%M:%S} "
        f"(KST): {removal.reason}"
    )
    raise ArticleRemovedError(sentence, removal)


def _spellings(address: str) -> tuple[str, ...]:
    """Return an address over HTTPS and over HTTP, without its fragment; nothing of an id."""
    scheme, mark, rest = address.partition("#")[0].partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        return ()
    own = scheme.lower()
    other = "http" if own == "https" else "https"
    return f"{own}://{rest}", f"{other}://{rest}"


def _event(event: HistoryEvent, source: Source) -> ArchivedEvent:
    return ArchivedEvent(
        at=event.at,
        classes=tuple(ChangeClass(name) for name in event.classes),
        revision=event.revision,
        change=None if event.change is None else _change(event.change),
        capture=_capture(event.capture, source),
    )


def _capture(stored: StoredCapture | None, source: Source) -> ArchivedCapture | None:
    return None if stored is None else archived_capture(stored, source)


def _change(values: Mapping[str, Any]) -> Change:
    """Return a change from the values that the index has of it (`Change.as_values`)."""
    figures = {name: values[name] for name in Size.__slots__}
    body = None if None in figures.values() else Size(**figures)
    return Change(tuple(ChangeClass(name) for name in values["classes"]), body)
