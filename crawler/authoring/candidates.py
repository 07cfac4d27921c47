"""Find the elements of a page that may hold a field, each with the selector that finds it.

Whether one agrees with what the page's own head states is said beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.model.article import Precision
from crawler.extraction.html.blocks import lines_of
from crawler.extraction.html.reader import lines_of_html
from crawler.extraction.html.script_data import text_paths
from pipelines.bylines import read_people
from pipelines.text import clean
from pipelines.time_sources import agree
from pipelines.times import TimeError, printed_stamps, read_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from selectolax.lexbor import LexborNode

    from crawler.extraction.html.reader import PageReader
    from pipelines.times import Reading

_HEADINGS = "h1, h2, h3"
_CONTAINERS = "article, section, main, div, td"
_TEXTS = "p, span, em, strong, b, time, li, dd, dt, div, a"
#: Identifiers and classes that are made up for one page hold digits.
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*\Z")
#: What may hold a deck, and how it is named: `sub_tit`, `subview_title`, `midtitle_text`.
_DECKS = "p, div, span, strong, h2, h3, h4, ul"
_DECK_NAME = re.compile(
    r"(?:\b|_)(?:sub[_-]?(?:view[_-]?)?(?:tit(?:le)?|head(?:line)?|txt)|mid[_-]?tit(?:le)?|deck"
    r"|tit[_-]?sub)(?:\b|_|s\b)",
    re.IGNORECASE,
)
#: How attributes and keys of the time of publication are named; those of changes are not.
_TIME_NAME = re.compile(
    r"^(?!.*(?:modif|update|re-?deploy)).*(?:publish|display|deploy|regist|first|datetime)",
    re.IGNORECASE,
)
_LEAST_TIME = len("2026-03-02 09:10")
#: Elements of the site around the article.
_OF_SITE = re.compile(r"(?:header|nav|menu|gnb|search|footer)", re.IGNORECASE)
_TAGS_NAME = re.compile(r"tag|keyword|kwd", re.IGNORECASE)
_LISTS = "div, ul, p, dl, dd, section"
#: What a source in the data of a script begins with.
_DATA = "json:"
_HANGUL = re.compile("[가-힣]")
_LONGEST_LINE = 120
_LONGEST_DECK = 300
#: So many letters make a paragraph, beside which a heading within the text stands at most so deep.
_LEAST_PARAGRAPH, _WITHIN = 30, 4
_MOST_TAGS = 30
#: A body has at least so many letters of its own, outside of links.
_LEAST_BODY = 60
#: And in the data of a script, which also holds descriptions and captions.
_LEAST_DATA = 150
_LEAST_HEADLINE = 6
#: The elements of which a page has at most so many are candidates: a list's items are no field's.
_MOST_ALIKE = 4


@dataclass(frozen=True, slots=True)
class SamplePage:
    """A page to propose from, and when it was captured."""

    reader: PageReader
    captured_at: datetime

    def first(self, *sources: str) -> str:
        """Return what the first of the sources with any text says, cleaned."""
        return clean(self.reader.first(sources))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A selector that finds a field on one page; ``agrees`` is with what the page's head states."""

    selector: str
    agrees: bool
    score: float


def best(by_page: Sequence[Sequence[Candidate]]) -> Candidate | None:
    """Return the best candidate that each page has; it agrees only if it does so on each."""
    if not by_page or not all(by_page):
        return None
    common = []
    for first in by_page[0]:
        same = [_same(first.selector, candidates) for candidates in by_page]
        known = [each for each in same if each is not None]
        if len(known) == len(by_page):
            agrees = all(each.agrees for each in known)
            common.append(Candidate(first.selector, agrees, min(each.score for each in known)))
    return max(common, key=lambda each: (each.agrees, each.score), default=None)


def _same(selector: str, candidates: Iterable[Candidate]) -> Candidate | None:
    return next((each for each in candidates if each.selector == selector), None)


def headlines(page: SamplePage) -> Iterator[Candidate]:
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
            yield Candidate(selector, is_stated, -int((node.tag or "h9")[1]))


def _may_stand_alone(node: LexborNode, stated: Iterable[str]) -> bool:
    """Return whether a heading that the head does not state may be the headline all the same."""
    return node.tag == "h1" and not any(stated)


def bodies(page: SamplePage) -> Iterator[Candidate]:
    """Yield containers of text; those that hold what the head states of the text agree.

    What holds less than half of what the largest holds is a deck or a caption: heads quote them.
    Data of a script is a container where it holds twice as much as any element.
    """
    stated = _stated_text(page)[:40]
    owns = [(node, _own_text(node)) for node in page.reader.tree.css(_CONTAINERS)]
    least = max(_LEAST_BODY, max((len(own) for _, own in owns), default=0) // 2)
    for node, own in owns:
        selector = _selector_of(node, page.reader) if len(own) >= least else ""
        if selector:
            is_stated = len(stated) >= _LEAST_HEADLINE and stated in clean(own)
            yield Candidate(selector, is_stated, len(own))
    yield from _data_bodies(page, stated, 2 * max((len(own) for _, own in owns), default=0))


def _stated_text(page: SamplePage) -> str:
    """Return what the page's head states of its text or deck."""
    stated = page.first("jsonld:articleBody") or page.first("jsonld:description")
    return (stated or page.first("meta:og:description", "meta:description")).rstrip(".… ")


def _data_bodies(page: SamplePage, stated: str, least: int) -> Iterator[Candidate]:
    """Yield the data of scripts that holds so much Korean text, or text that the head states."""
    for path in text_paths(page.reader.scripts(), max(_LEAST_DATA, least)):
        source = f"{_DATA}{path}"
        text = clean(" ".join(lines_of_html(" ".join(page.reader.data(source)))))
        is_stated = len(stated) >= _LEAST_HEADLINE and stated in text
        if len(text) >= max(_LEAST_DATA, least) and (
            is_stated or len(_HANGUL.findall(text)) * 3 > len(text)
        ):
            yield Candidate(source, is_stated, len(text))


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


def decks(page: SamplePage) -> Iterator[Candidate]:
    """Yield elements named as decks are, and those that hold just what the head describes.

    A deck stands behind the headline and before the text.
    """
    stated = _letters(page.first("jsonld:description") or page.first("meta:og:description"))
    headline = _letters(page.first("jsonld:headline") or page.first("meta:og:title"))
    order = {node.mem_id: number for number, node in enumerate(page.reader.tree.css("*"))}
    first, last = _span(page, order)
    for node in page.reader.tree.css(_DECKS):
        text = _letters(node.text())
        if not first <= order[node.mem_id] <= last:
            continue
        if not _LEAST_HEADLINE <= len(text) <= _LONGEST_DECK or text == headline:
            continue
        is_named = _DECK_NAME.search(_names_of(node)) is not None
        is_stated = text == stated
        if not is_named and (not is_stated or node.tag == "p"):
            continue  # the head may describe the article by its first paragraph
        if _follows_text(node):
            continue  # a heading within the text
        selector = _selector_of(node, page.reader)
        if selector:
            yield Candidate(selector, is_stated, -len(text))


def _span(page: SamplePage, order: Mapping[int, int]) -> tuple[int, int]:
    """Return the places of the headline and of the end of the text, as far as they are known."""
    headline, body = best([list(headlines(page))]), best([list(bodies(page))])
    first, last = 0, len(order)
    if headline is not None:
        first = order[page.reader.tree.css(headline.selector)[0].mem_id]
    if body is not None and not body.selector.startswith(_DATA):
        node = page.reader.tree.css(body.selector)[0]
        last = max(order[each.mem_id] for each in (node, *node.css("*")))
    return first, last


def _follows_text(node: LexborNode) -> bool:
    """Return whether a paragraph stands before a node, beside it or beside what is around it."""
    around: LexborNode | None = node
    for _ in range(_WITHIN):
        if around is None:
            return False
        before = around.prev
        while before is not None:
            if before.tag == "p" and len(_letters(before.text())) >= _LEAST_PARAGRAPH:
                return True
            before = before.prev
        around = around.parent
    return False


def tags(page: SamplePage) -> Iterator[Candidate]:
    """Yield links whose texts the head states as keywords, or that begin with ``#``."""
    keywords = ",".join(page.reader.all(("meta:keywords", "meta:news_keywords", "jsonld:keywords")))
    stated = {_letters(each) for each in keywords.split(",")} - {""}
    for node in page.reader.tree.css(_LISTS):
        if _is_of_the_site(node):
            continue
        links = [_letters(link.text()) for link in node.css("a")]
        if not links or len(links) > _MOST_TAGS or not all(links):
            continue
        is_list = len(links) > 1 or _TAGS_NAME.search(_names_of(node)) is not None
        is_stated = is_list and set(links) <= stated
        is_marked = all(link.text().strip().startswith("#") for link in node.css("a"))
        if not is_stated and not is_marked:
            continue
        selector = _selector_of(node, page.reader)
        if selector:
            yield Candidate(f"{selector} a", is_stated, len(links))


def _is_of_the_site(node: LexborNode) -> bool:
    """Return whether a node lies in the header, a menu or a search form of the site."""
    around: LexborNode | None = node
    while around is not None:
        if around.tag in ("header", "nav", "form") or _OF_SITE.search(_names_of(around)):
            return True
        around = around.parent
    return False


def published(page: SamplePage) -> Iterator[Candidate]:
    """Yield attributes and data of scripts with a time, where the page has no other."""
    if page.first("jsonld:datePublished", "meta:article:published_time") or any(times(page)):
        return
    for node in page.reader.tree.css("*"):
        for name, value in node.attributes.items():
            if _TIME_NAME.search(name) and _is_time(value or "", page):
                selector = _selector_of(node, page.reader)
                if selector:
                    yield Candidate(f"{selector}@{name}", agrees=False, score=1)
    for path in text_paths(page.reader.scripts(), _LEAST_TIME):
        source = f"{_DATA}{path}"
        found = page.reader.data(source) if _TIME_NAME.search(path) else []
        if len(found) == 1 and _is_time(found[0], page):
            yield Candidate(source, agrees=False, score=0)


def _is_time(text: str, page: SamplePage) -> bool:
    reading = _read(text, page.captured_at) if len(text) >= _LEAST_TIME else None
    return reading is not None and reading.precision is not Precision.DAY


def _letters(text: str) -> str:
    """Return a text's letters and digits: heads print a deck's lines as one."""
    return "".join(re.findall(r"\w+", clean(text)))


def _names_of(node: LexborNode) -> str:
    return f"{node.attributes.get('id') or ''} {node.attributes.get('class') or ''}"


def times(page: SamplePage) -> Iterator[Candidate]:
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
            yield Candidate(selector, is_stated, -len(line))


def _read(text: str, base: datetime) -> Reading | None:
    try:
        return read_time(text, base)
    except TimeError:
        return None


def bylines(page: SamplePage) -> Iterator[Candidate]:
    """Yield elements that name people with their roles; those whom the head names agree."""
    stated = page.first("jsonld:author", "meta:article:author", "meta:author")
    for node, line in _lines(page):
        people = read_people(line) if len(line) <= _LONGEST_LINE // 2 else ()
        if not people or not any(person.role for person in people):
            continue
        selector = _selector_of(node, page.reader)
        if selector:
            is_stated = bool(stated) and all(person.name in stated for person in people)
            yield Candidate(selector, is_stated, -len(line))


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
