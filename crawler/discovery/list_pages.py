"""Read list pages: HTML in, entries out. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.discovery.entries import (
    MAX_TEXT,
    FeedEntry,
    SourceError,
    SourceFault,
    absolute_url,
)
from crawler.discovery.timestamps import parse_timestamp
from crawler.extraction.charset import decode
from crawler.extraction.html.limits import MAX_ATTRIBUTES, MAX_LIST_DEPTH, exceeded_limit
from crawler.extraction.html.tree import parse_html, reads_trees

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from selectolax.lexbor import LexborHTMLParser, LexborNode

    from crawler.model.channels import ListPage

MAX_BYTES = 2 * 2**20
MAX_ENTRIES = 1_000


@reads_trees
def read_list_page(
    body: bytes, content_type: str, url: str, form: ListPage, now: datetime
) -> tuple[FeedEntry, ...]:
    """Return the entries of one page of a list, in the page's order; an empty list has none.

    ``url`` is the page's address, against which links are resolved; ``now`` is the time to which
    relative times refer.

    :raises SourceError: the page is not the list: it is empty, too large, nested too deep, or
        lacks the list's element.
    :raises MemoryError: there is no memory for its tree.
    """
    tree = parse_html(_checked_html(body, content_type))
    if form.holder and tree.css_first(form.holder) is None:
        sentence = f"the page has no {form.holder}, so it is not the list"
        raise SourceError(SourceFault.WRONG_SHAPE, sentence)
    items = _Items(url, now, has_titles=bool(form.title))
    for kind, node in _parts(tree, form):
        items.add(kind, node)
    return tuple(items.entries)


def _checked_html(body: bytes, content_type: str) -> str:
    """Return the page's text.

    :raises SourceError: it is empty, or exceeds a limit.
    """
    if len(body) > MAX_BYTES:
        sentence = f"{len(body)} bytes; the limit for a list page is {MAX_BYTES}"
        raise SourceError(SourceFault.TOO_LARGE, sentence)
    html = decode(body, content_type)[0]
    if not html.strip():
        raise SourceError(SourceFault.EMPTY, "the response is empty")
    exceeded = exceeded_limit(html)
    if exceeded == "attributes":
        sentence = f"an element has more than {MAX_ATTRIBUTES} attributes"
        raise SourceError(SourceFault.TOO_MANY, sentence)
    if exceeded == "depth":
        sentence = f"elements nest more than {MAX_LIST_DEPTH} deep"
        raise SourceError(SourceFault.TOO_DEEP, sentence)
    return html


def _parts(tree: LexborHTMLParser, form: ListPage) -> Iterator[tuple[str, LexborNode]]:
    """Yield links, titles and dates, each with its kind, in page order.

    One selector list gives them in that order: of some lists no element is known that holds one
    item.
    """
    selectors = {"link": form.link, "title": form.title, "date": form.date}
    selectors = {
        kind: f"{form.item} {selector}".strip() for kind, selector in selectors.items() if selector
    }
    kinds: dict[int, str] = {}
    for kind, selector in selectors.items():
        kinds.update((node.mem_id, kind) for node in tree.css(selector))
    for node in tree.css(", ".join(selectors.values())):
        yield kinds[node.mem_id], node


class _Items:
    """The entries of a page while its parts are read: a title precedes its link, a date follows."""

    def __init__(self, url: str, now: datetime, *, has_titles: bool) -> None:
        self.entries: list[FeedEntry] = []
        self._url = url
        self._now = now
        self._has_titles = has_titles
        self._title = ""
        self._awaits_date = False

    def add(self, kind: str, node: LexborNode) -> None:
        text = " ".join((node.text() or "")[:MAX_TEXT].split())
        if kind == "title":
            self._title = text
        elif kind == "date":
            self._add_date(text)
        else:
            self._add_link(node.attributes.get("href") or "", text)

    def _add_link(self, href: str, text: str) -> None:
        address = absolute_url(self._url, href)
        if not address:
            return
        if len(self.entries) >= MAX_ENTRIES:
            sentence = f"more than {MAX_ENTRIES} items on a page"
            raise SourceError(SourceFault.TOO_LARGE, sentence, tuple(self.entries))
        self.entries.append(FeedEntry(address, self._title if self._has_titles else text))
        self._title = ""
        self._awaits_date = True

    def _add_date(self, text: str) -> None:
        """Give the last entry its date, unless it has one."""
        if self._awaits_date:
            last = self.entries[-1]
            self.entries[-1] = FeedEntry(last.url, last.title, parse_timestamp(text, self._now))
            self._awaits_date = False
