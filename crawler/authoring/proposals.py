"""Propose the selectors of a page's fields: each with why, and how sure that is.

A selector is proposed only if it finds the field on every page given. B: the page's own head states
the same; A: so on two pages or more; C: nothing but the form of the page speaks for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.model.article import Precision
from crawler.extraction.html.blocks import lines_of
from pipelines.bylines import read_people
from pipelines.text import clean
from pipelines.time_sources import agree
from pipelines.times import TimeError, printed_stamps, read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from selectolax.lexbor import LexborNode

    from crawler.extraction.html.reader import PageReader
    from crawler.model.layout import Confidence
    from pipelines.times import Reading

_HEADINGS = "h1, h2, h3"
_CONTAINERS = "article, section, main, div, td"
_TEXTS = "p, span, em, strong, b, time, li, dd, dt, div, a"
#: Identifiers and classes that are made up for one page hold digits.
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*\Z")
_LONGEST_LINE = 120
#: A body has at least so many letters of its own, outside of links.
_LEAST_BODY = 60
_LEAST_HEADLINE = 6
#: The elements of which a page has at most so many are candidates: a list's items are no field's.
_MOST_ALIKE = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source for a field of a layout, why it is proposed, and how sure that is."""

    field: str
    source: str
    why: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class SamplePage:
    """A page to propose from, and when it was captured."""

    reader: PageReader
    captured_at: datetime

    def first(self, *sources: str) -> str:
        """Return what the first of the sources with any text says, cleaned."""
        return clean(self.reader.first(sources))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A selector that finds a field on one page; ``agrees`` is with what the page's head states."""

    selector: str
    agrees: bool
    score: float


def propose(pages: Sequence[SamplePage]) -> dict[str, Proposal]:
    """Return the proposals by field: body, headline, times and bylines, as far as they are found.

    The pages are of one layout.
    """
    found: dict[str, Proposal] = {}
    for field, (candidates, agreeing, plain) in _FINDERS.items():
        best = _best([list(candidates(page)) for page in pages])
        if best is not None:
            why = agreeing if best.agrees else plain
            found[field] = Proposal(field, best.selector, why, _rating(best, len(pages)))
    return found


def _rating(best: _Candidate, pages: int) -> Confidence:
    if not best.agrees:
        return "C"
    return "A" if pages > 1 else "B"


def _best(by_page: Sequence[Sequence[_Candidate]]) -> _Candidate | None:
    """Return the best candidate that each page has; it agrees only if it does so on each."""
    if not by_page or not all(by_page):
        return None
    common = []
    for first in by_page[0]:
        same = [_same(first.selector, candidates) for candidates in by_page]
        known = [each for each in same if each is not None]
        if len(known) == len(by_page):
            agrees = all(each.agrees for each in known)
            common.append(_Candidate(first.selector, agrees, min(each.score for each in known)))
    return max(common, key=lambda each: (each.agrees, each.score), default=None)


def _same(selector: str, candidates: Iterable[_Candidate]) -> _Candidate | None:
    return next((each for each in candidates if each.selector == selector), None)


def _headlines(page: SamplePage) -> Iterator[_Candidate]:
    """Yield the headings that the page's head states; where it states none, each h1."""
    stated = [page.first("jsonld:headline"), page.first("meta:og:title")]
    known = list(filter(None, [*stated, clean(page.reader.title)]))
    for node in page.reader.tree.css(_HEADINGS):
        text = clean(node.text())
        is_stated = any(text == each or each.startswith(text) for each in known)
        if len(text) < _LEAST_HEADLINE or not (is_stated or _may_stand_alone(node, stated)):
            continue
        selector = _selector_of(node, page.reader)
        if selector:
            yield _Candidate(selector, is_stated, -int((node.tag or "h9")[1]))


def _may_stand_alone(node: LexborNode, stated: Iterable[str]) -> bool:
    """Return whether a heading that the head does not state may be the headline all the same."""
    return node.tag == "h1" and not any(stated)


def _bodies(page: SamplePage) -> Iterator[_Candidate]:
    """Yield containers of text; those that hold what the head states of the text agree.

    What holds less than half of what the largest holds is a deck or a caption: heads quote them.
    """
    stated = page.first("jsonld:articleBody") or page.first("jsonld:description")
    stated = (stated or page.first("meta:og:description")).rstrip(".… ")[:40]
    owns = [(node, _own_text(node)) for node in page.reader.tree.css(_CONTAINERS)]
    least = max(_LEAST_BODY, max((len(own) for _, own in owns), default=0) // 2)
    for node, own in owns:
        selector = _selector_of(node, page.reader) if len(own) >= least else ""
        if selector:
            is_stated = len(stated) >= _LEAST_HEADLINE and stated in clean(own)
            yield _Candidate(selector, is_stated, len(own))


def _own_text(node: LexborNode) -> str:
    """Return the text of a container's own lines and paragraphs, without links."""
    parts: list[str] = []
    child = node.first_child
    while child is not None:
        if child.tag == "-text":
            parts.append(child.text_content or "")
        elif child.tag in ("p", "b", "strong", "em", "span"):
            linked = sum(len(link.text()) for link in child.css("a"))
            text = " ".join(lines_of(child))
            parts.append(text if linked * 2 < len(text) else "")
        child = child.next
    return " ".join(" ".join(parts).split())


def _times(page: SamplePage) -> Iterator[_Candidate]:
    """Yield elements with a printed time; those with the time that the head states agree."""
    stated = _read(
        page.first("jsonld:datePublished", "meta:article:published_time"), page.captured_at
    )
    for node, line in _lines(page):
        printed = printed_stamps(line, "").published
        reading = _read(printed, page.captured_at) if printed else None
        if reading is None or reading.is_relative or reading.precision is Precision.DAY:
            continue
        selector = _selector_of(node, page.reader)
        if selector:
            is_stated = stated is not None and agree(reading, stated)
            yield _Candidate(selector, is_stated, -len(line))


def _read(text: str, base: datetime) -> Reading | None:
    try:
        return read_time(text, base)
    except TimeError:
        return None


def _bylines(page: SamplePage) -> Iterator[_Candidate]:
    """Yield elements that name people with their roles; those whom the head names agree."""
    stated = page.first("jsonld:author", "meta:article:author", "meta:author")
    for node, line in _lines(page):
        people = read_people(line) if len(line) <= _LONGEST_LINE // 2 else ()
        if not people or not any(person.role for person in people):
            continue
        selector = _selector_of(node, page.reader)
        if selector:
            is_stated = bool(stated) and all(person.name in stated for person in people)
            yield _Candidate(selector, is_stated, -len(line))


def _lines(page: SamplePage) -> Iterator[tuple[LexborNode, str]]:
    """Yield the elements of one short line that lie in no container of text, with the line."""
    for node in page.reader.tree.css(_TEXTS):
        line = clean(node.text())
        if line and len(line) <= _LONGEST_LINE:
            yield node, line


def _selector_of(node: LexborNode, page: PageReader) -> str:
    """Return a short selector whose first element is the node, ``""`` if none is found."""
    for selector in _selectors(node):
        nodes = page.tree.css(selector)
        if nodes and len(nodes) <= _MOST_ALIKE and nodes[0].mem_id == node.mem_id:
            return selector
    return ""


def _selectors(node: LexborNode) -> Iterator[str]:
    """Yield selectors of a node, those first that are the least bound to where it stands."""
    own = list(_own_selectors(node))
    yield from own
    around = node.parent
    for _ in range(2):
        if around is None:
            return
        for outer in _own_selectors(around):
            yield from (f"{outer} {inner}" for inner in own or [str(node.tag)])
            if not own:
                yield f"{outer} > {node.tag}"
        around = around.parent
    if node.tag == "h1":
        yield "h1"


def _own_selectors(node: LexborNode) -> Iterator[str]:
    attributes = node.attributes
    if attributes.get("itemprop") == "articleBody":
        yield f"{node.tag}[itemprop=articleBody]"
    identifier = attributes.get("id") or ""
    if _WORD.match(identifier):
        yield f"{node.tag}#{identifier}"
    classes = [name for name in (attributes.get("class") or "").split() if _WORD.match(name)]
    for name in classes:
        yield f"{node.tag}.{name}"
    if len(classes) > 1:
        yield f"{node.tag}.{'.'.join(classes)}"


_Finder = tuple["Callable[[SamplePage], Iterable[_Candidate]]", str, str]
#: By field: what finds its candidates, and why one is proposed with and without the head's word.
_FINDERS: dict[str, _Finder] = {
    "body": (
        _bodies,
        "it holds the text that the page's head begins",
        "of all elements it holds the most text of its own",
    ),
    "headline": (
        _headlines,
        "its text is the headline that the page's head states",
        "it is the page's highest heading",
    ),
    "times": (
        _times,
        "its time is the one that the page's head states",
        "it prints a day and a clock",
    ),
    "bylines": (
        _bylines,
        "it names whom the page's head names",
        "it names people with their roles",
    ),
}
