"""The item that leaves the pipelines: an article, flat, with the fields of the export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.export.articles import article_fields, article_values
from archive.model.article import KST

if TYPE_CHECKING:
    from archive.model.article import Article
    from pipelines.page import Page


#: What an item has beside the values of its article.
_OF_CAPTURE = ("captured_at", "http_status", "layouts", "status")


def item_fields() -> list[str]:
    """Return the fields of every item, in their order."""
    return sorted((*article_fields(), *_OF_CAPTURE))


def to_item(page: Page, article: Article, status: int | None) -> dict[str, Any]:
    """Return an article as Scrapy's feeds take it: plain values, times in ISO 8601.

    Without the fields of the export that are known only when its batch is in the index: its
    revision with what that changed, and its place in the archive.
    """
    values = article_values(article) | {
        "captured_at": page.exchange.captured_at.astimezone(KST).isoformat(),
        "http_status": status,
        "layouts": [article.layout],
        "status": "published",
    }
    return dict(sorted(values.items()))
