"""Between articles and rows: the one place that knows how a revision's fields lie in columns."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archive.article import KST, Article, Author, Image, Precision, Removed, content_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_PLAIN = ("headline", "dateline", "section", "published_raw", "modified_raw", "language")


def to_row(article: Article, layouts: Sequence[str]) -> dict[str, Any]:
    """The columns of ``revisions`` that hold the article's fields."""
    row: dict[str, Any] = {name: getattr(article, name) for name in _PLAIN}
    for name in ("published_at", "published_precision", "modified_at", "modified_precision"):
        row[name] = getattr(article, name)
    for name in ("subheadlines", "tags", "flags"):
        row[name] = list(getattr(article, name))
    for name in ("authors", "images"):
        row[name] = [asdict(value) for value in getattr(article, name)]
    row["removed"] = [{"rule": span.rule, "text": span.text} for span in article.removed]
    return row | {"body": article.text, "layouts": list(layouts), "content_key": content_key(article)}


def to_article(row: Mapping[str, Any]) -> Article:
    """The article of a ``revisions`` row joined with its ``articles`` row; times in KST."""
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


def search_columns(article: Article) -> tuple[str, str]:
    """What full-text search covers: headlines; body, captions and authors' names."""
    captions = (text for image in article.images for text in (image.caption, image.credit))
    names = (author.name for author in article.authors)
    return "\n".join((article.headline, *article.subheadlines)), "\n".join((*article.body, *captions, *names))


def _kst(moment: datetime | None) -> datetime | None:
    return moment.astimezone(KST) if moment is not None else None


def _precision(value: str | None) -> Precision | None:
    return Precision(value) if value else None
