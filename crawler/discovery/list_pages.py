"""Reading list pages: HTML in, entries out. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from crawler.discovery.entries import FeedEntry, SourceError, SourceFault
from crawler.discovery.feeds import MOST_TEXT, absolute
from crawler.discovery.timestamps import parse_timestamp
from crawler.extraction.charset import decode

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.model.channels import ListPage

MOST_BYTES = 2 * 2**20
MOST_ENTRIES = 1_000
#: Measured: 1,000 links inside 100,000 open elements keep the HTML parser busy for 39 s, as its
#: time is their product.
MOST_DEPTH = 256
#: Measured: 150,000 attributes of one element keep it busy for 147 s, as its time is their square.
MOST_ATTRIBUTES = 1_000

#: Possessive, and an end for whatever is not ended: linear in any text.
_TAG = re.compile(
    r"""<(/?)([A-Za-z][^\s/>]*+)((?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z)"""
)
_QUOTED = re.compile(r""""[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)""")
_BETWEEN = re.compile(r"[\s/=]+")
#: Elements that have no end tag, or may lack it and then do not nest.
_UNENDED = frozenset(
    (  # noqa: SIM905  (a list of 30 quoted words hides them)
        "area base br col embed hr img input link meta param source track wbr"
        " body dd dt head html li optgroup option p rp rt tbody td tfoot th thead tr"
    ).split()
)


def read_list_page(
    body: bytes, content_type: str, url: str, form: ListPage, now: datetime
) -> tuple[FeedEntry, ...]:
    """The entries of one page of a list in the page's order; none is an empty list. ``url`` is the page's address.

    :raises SourceError: it is not the list: empty, too large, nested too deep, or without the
        list's element.
    """
    if len(body) > MOST_BYTES:
        raise SourceError(
            SourceFault.TOO_LARGE, f"{len(body)} bytes; {MOST_BYTES} are the most for a list page"
        )
    html = decode(body, content_type)[0]
    if not html.strip():
        raise SourceError(SourceFault.EMPTY, "the answer is empty")
    _check(html)
    tree = LexborHTMLParser(html)
    if form.holder and tree.css_first(form.holder) is None:
        raise SourceError(
            SourceFault.WRONG_SHAPE, f"the page has no {form.holder}: it is not the list"
        )
    selectors = {
        kind: f"{form.item} {selector}".strip()
        for kind, selector in (("link", form.link), ("title", form.title), ("date", form.date))
        if selector
    }
    kinds = {
        node.mem_id: kind for kind, selector in selectors.items() for node in tree.css(selector)
    }
    # All three in page order, as a selector list gives them: what holds an item is not known of
    # every list.
    entries: list[FeedEntry] = []
    heading = ""
    dated = True
    for node in tree.css(", ".join(selectors.values())):
        kind = kinds[node.mem_id]
        text = " ".join((node.text() or "")[:MOST_TEXT].split())
        if kind == "title":
            heading = text
        elif kind == "date":
            if not dated:
                last = entries[-1]
                entries[-1] = FeedEntry(last.url, last.title, parse_timestamp(text, now))
                dated = True
        else:
            address = absolute(url, node.attributes.get("href") or "")
            if not address:
                continue
            if len(entries) >= MOST_ENTRIES:
                raise SourceError(
                    SourceFault.TOO_LARGE,
                    f"more than {MOST_ENTRIES} items on a page",
                    tuple(entries),
                )
            entries.append(FeedEntry(address, heading if form.title else text))
            heading, dated = "", False
    return tuple(entries)


def _check(html: str) -> None:
    """Refuse, in one pass and without a tree, what the HTML parser is slow at."""
    opened: Counter[str] = Counter()
    depth = 0
    for end, name, rest in (found.groups() for found in _TAG.finditer(html)):
        name = name.lower()
        if (
            len(rest) > MOST_ATTRIBUTES
            and len(_BETWEEN.findall(_QUOTED.sub("", rest))) > MOST_ATTRIBUTES
        ):
            raise SourceError(
                SourceFault.TOO_MANY, f"an element has more than {MOST_ATTRIBUTES} attributes"
            )
        if name in _UNENDED or (opened["svg"] and rest.endswith("/")):
            continue
        if not end:
            opened[name] += 1
            depth += 1
            if depth > MOST_DEPTH:
                raise SourceError(
                    SourceFault.TOO_DEEP, f"elements nest more than {MOST_DEPTH} deep"
                )
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
