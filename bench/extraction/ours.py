"""Our own readings: what the layouts of a page's outlet read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.extraction.measures import NOTHING, Reading
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_of

if TYPE_CHECKING:
    from archive.model.article import Article
    from bench.extraction.cases import Case


def by_layout(case: Case) -> Reading:
    """Return what the layouts of the page's outlet read; nothing if it is no outlet's."""
    outlet = outlet_of(case.url)
    if outlet is None:
        return NOTHING
    page = read_exchange(case.exchange, outlet, case.name)
    # What the fallback reads leaves the verdict as it is.
    return reading_of(page.article) if page.article and page.verdict is None else NOTHING


def reading_of(article: Article) -> Reading:
    """Return the fields of an article that are measured."""
    return Reading(
        body=article.body,
        headline=article.headline,
        deck=article.subheadlines,
        published=article.published_at.isoformat() if article.published_at else "",
        modified=article.modified_at.isoformat() if article.modified_at else "",
        authors=tuple(each.name for each in article.authors),
        captions=tuple(_captions(article)),
    )


def _captions(article: Article) -> list[str]:
    """Return the captions, each alone and with its credit: golds have it with or without."""
    alone = [image.caption for image in article.images]
    return alone + [f"{image.caption} {image.credit}" for image in article.images if image.credit]
