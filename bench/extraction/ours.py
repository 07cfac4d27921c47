"""Our own readings: what the layouts of a page's outlet read, and what is read without any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.extraction.measures import NOTHING, Reading
from crawler.extraction.reading import read_exchange
from crawler.model.outlet import Outlet
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


def by_fallback(case: Case) -> Reading:
    """Return what is read of a page that no layout reads, as one of an outlet without layouts."""
    outlet = outlet_of(case.url)
    bare = replace(outlet, layouts=()) if outlet is not None else _any_site(case.url)
    article = read_exchange(case.exchange, bare, case.name).article
    return reading_of(article) if article is not None else NOTHING


def _any_site(url: str) -> Outlet:
    """Return an outlet of which nothing is known but that its articles' addresses hold a number."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    pattern, canonical = r".*?(?P<id>\d{5,})(?:\D.*)?", f"{origin}/{{id}}"
    return Outlet(
        name="site",
        title="",
        hosts=(parts.netloc,),
        articles=(pattern,),
        canonical=canonical,
        layouts=(),
    )


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
