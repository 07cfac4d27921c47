"""Read what lists the articles of a site: a feed, a sitemap, an index of them, or a list page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.http.content_coding import KNOWN, decode
from archive.http.message import MessageError
from crawler.discovery.entries import SourceError, SourceFault
from crawler.discovery.feeds import Document, read_feed
from crawler.discovery.list_pages import MAX_BYTES, read_list_page
from crawler.model.channels import ListPage
from crawler.model.site import looks_like_article

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: What a document is not, if it is no feed; then it may be a list page.
_NO_FEED = frozenset({SourceFault.NOT_XML, SourceFault.WRONG_SHAPE, SourceFault.UNSAFE})


def read_listing(
    body: bytes, content_type: str, url: str, now: datetime, codings: Sequence[str] = ()
) -> Document:
    """Return the entries of a feed or sitemap, or the links of a list page that look like articles.

    Arguments as of `crawler.discovery.feeds.read_feed`.

    :raises SourceError: it is none of them, or only a part of one.
    """
    try:
        return read_feed(body, content_type, url, now, codings)
    except SourceError as error:
        if error.reason not in _NO_FEED:
            raise
    form = ListPage(url=url, link="a[href]")
    links = read_list_page(_decoded(body, codings), content_type, url, form, now)
    found = {entry.url: entry for entry in links if looks_like_article(entry.url)}
    if not found:
        raise SourceError(SourceFault.EMPTY, "the page links nothing that looks like an article")
    return Document(tuple(found.values()))


def _decoded(body: bytes, codings: Sequence[str]) -> bytes:
    """Return a body without its content codings.

    :raises SourceError: it is not in them, or too large.
    """
    if not all(coding in KNOWN for coding in codings):
        return body
    try:
        return decode(body, codings, MAX_BYTES)
    except MessageError as error:
        raise SourceError(SourceFault.BROKEN, str(error)) from error
