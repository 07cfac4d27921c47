"""Articles to rows of ``revisions`` and back, and to the texts for full-text search."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archive.index.search.documents import Document
from archive.index.search.facets import facets_of
from archive.model.article import KST, Article, Author, Image, Precision, Removed, content_key
from archive.model.times import within_calendar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLAIN = ("headline", "dateline", "section", "published_raw", "modified_raw", "language")


def to_row(article: Article, layouts: Sequence[str]) -> dict[str, Any]:
    """Return the columns of ``revisions`` that hold the article's fields."""
    return {
        "content_key": content_key(article),
        "headline": article.headline,
        "subheadlines": list(article.subheadlines),
        # Not dataclasses.asdict: it takes ten times as long.
        "authors": [{"name": a.name, "role": a.role, "email": a.email} for a in article.authors],
        "dateline": article.dateline,
        "section": article.section,
        "tags": list(article.tags),
        "published_at": article.published_at,
        "published_raw": article.published_raw,
        "published_precision": _text(article.published_precision),
        "modified_at": article.modified_at,
        "modified_raw": article.modified_raw,
        "modified_precision": _text(article.modified_precision),
        "body": article.text,
        "images": [
            {"url": i.url, "caption": i.caption, "credit": i.credit} for i in article.images
        ],
        "language": article.language,
        "flags": list(article.flags),
        "layouts": list(layouts),
        "quality": article.quality.value,
        "removed": [{"rule": span.rule, "text": span.text} for span in article.removed],
    }


def to_article(row: Mapping[str, Any]) -> Article:
    """Return the article of a ``revisions`` row joined with its ``articles`` row; times in KST."""
    return Article(
        outlet=row["outlet"],
        article_id=row["article_id"],
        url=row["url"],
        subheadlines=tuple(row["subheadlines"]),
        authors=tuple(Author(**value) for value in row["authors"]),
        tags=tuple(row["tags"]),
        published_at=_kst(row["published_at"]),
        published_precision=_precision(row["published_precision"]),
        modified_at=_kst(row["modified_at"]),
        modified_precision=_precision(row["modified_precision"]),
        body=tuple(row["body"].split("\n\n")) if row["body"] else (),
        images=tuple(Image(**value) for value in row["images"]),
        flags=tuple(row["flags"]),
        layout=row["layouts"][0] if row["layouts"] else "",
        removed=tuple(Removed(**value) for value in row["removed"]),
        **{name: row[name] for name in _PLAIN},
    )


def to_document(position: int, article: Article, *, edited: bool) -> Document:
    """Return a current revision's document; ``edited``: its article has more than one revision."""
    return Document(position, *search_columns(article), facets_of(article, edited=edited))


def search_columns(article: Article) -> tuple[str, str]:
    """Return the texts for full-text search: headlines; and body, captions and authors' names."""
    headlines = [article.headline, *article.subheadlines]
    texts = list(article.body)
    for image in article.images:
        texts += [image.caption, image.credit]
    texts += [author.name for author in article.authors]
    return "\n".join(headlines), "\n".join(texts)


def iso_time(stored: str) -> str:
    """Return a time in KST in ISO 8601, from the text that SQLite has of it."""
    moment = datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return within_calendar(moment).astimezone(KST).isoformat()


def _kst(moment: datetime | None) -> datetime | None:
    return moment.astimezone(KST) if moment is not None else None


def _text(precision: Precision | None) -> str | None:
    # The plain text: sqlite3 has to adapt a member of an enum.
    return precision.value if precision else None


def _precision(value: str | None) -> Precision | None:
    return Precision(value) if value else None
