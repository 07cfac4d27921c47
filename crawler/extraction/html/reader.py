"""Read a page's HTML by its layout: JSON-LD, meta elements and selectors. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import is_normalized
from urllib.parse import urljoin

from archive.model.article import Removed
from crawler.extraction.html.blocks import lines_and_links, lines_of, outermost
from crawler.extraction.html.header_block import text_before
from crawler.extraction.html.jsonld import OwnPage, own_facts
from crawler.extraction.html.limits import bound_tags
from crawler.extraction.html.pictures import FIGURE, pictures_without_caption, take_figures
from crawler.extraction.html.script_data import script_texts
from crawler.extraction.html.tree import parse_html
from pipelines.page import Printed
from pipelines.text import clean, clean_each
from pipelines.times import printed_stamps
from pipelines.widget_rules import sift_container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from selectolax.lexbor import LexborHTMLParser, LexborNode

    from crawler.model.layout import Layout, Sources
    from pipelines.page import Rules
    from pipelines.widget_rules import Widgets

_LINKED = 'script[type^="application/ld+json"]'
_CANONICAL = 'link[rel="canonical"]'
#: One of the words of a link's ``rel``, in any case.
_STYLE = re.compile(r"(?<![^ \t\n\f\r])stylesheet(?![^ \t\n\f\r])", re.IGNORECASE | re.ASCII)
#: The kinds of sources that are no selectors.
NO_SELECTORS = ("jsonld:", "meta:", "json:")
_DATA = "json:"
#: A script with data: one with an address has none, and JSON-LD is read by itself.
_SCRIPTS = 'script:not([src]):not([type^="application/ld+json"])'
#: What they print is the page's own, or is shown only where scripts are off.
_CONTROLS = "button, select, textarea, noscript"
#: What scrolling appends within a container states its address in one of these.
_APPENDED = "[data-url], [data-href], [data-link], article"
_ADDRESSES = ("data-url", "data-href", "data-link")
_HEADLINE_LINKS = "article h1 a[href], article h2 a[href]"
#: What an article's headline is in, on every page whose elements are known.
_HEADLINES = "h1, h2"
_A_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is: the address that its own ones refer to, and which name other articles."""

    base: str
    names_other: Callable[[str], bool]

    def is_link(self, node: LexborNode) -> bool:
        """Whether an <a> leads to another article of the outlet."""
        return self.is_other(node.attributes.get("href") or "")

    def is_other(self, address: str) -> bool:
        """Whether an address, as printed, is that of another article of the outlet."""
        try:
            return bool(address) and self.names_other(urljoin(self.base, address.strip()))
        except ValueError:
            return False


class PageReader:
    """A parsed page, with the facts that its head states, each read once."""

    def __init__(self, html: str | bytes, own: OwnPage | None = None) -> None:
        """Parse a page; bytes must be UTF-8, and spare the parser the encoding of a text.

        ``own`` is what tells the page's own JSON-LD from that of other articles.
        """
        self.tree = parse_html(bound_tags(html))
        self.scope: LexborHTMLParser | LexborNode = self.tree
        self.own = own or OwnPage()
        self.headlines: Sources = ()
        self._meta: dict[str, str] | None = None
        self._facts: dict[str, list[str]] | None = None

    @property
    def meta(self) -> dict[str, str]:
        """The first content of each <meta>, by its property, name or itemprop."""
        if self._meta is None:
            head = self.tree.head
            self._meta = {} if head is None else _metas_in(head)
        return self._meta

    @property
    def facts(self) -> dict[str, list[str]]:
        """The texts of the page's own JSON-LD article, by key."""
        if self._facts is None:
            has_any = self.tree.css_first(_LINKED) is not None
            self._facts = self._own_facts() if has_any else {}
        return self._facts

    @property
    def title(self) -> str:
        """The text of the <title>."""
        node = self.tree.css_first("title")
        return node.text().strip() if node else ""

    @property
    def lang(self) -> str:
        """The language that the root element declares, or ``""``."""
        root = self.tree.root
        return (root.attributes.get("lang") or "") if root else ""

    def stated_addresses(self) -> list[str]:
        """Return the addresses the page states as its own: canonical link, then og:url."""
        # A link in the body states nothing: HTML has none there, and readers' comments may.
        head = self.tree.head
        link = head.css_first(_CANONICAL) if head else None
        canonical = link.attributes.get("href") if link else None
        return [address for address in (canonical, self.meta.get("og:url")) if address]

    def styles(self) -> list[str]:
        """Return the addresses of the styles that the page links, as it prints them."""
        # Not by a selector, which takes three times as long, and not in the head alone: on some
        # pages not all are there.
        links = [link.attributes for link in self.tree.tags("link")]
        styles = [link.get("href") for link in links if _STYLE.search(link.get("rel") or "")]
        return list(filter(None, styles))

    def all(self, sources: Sources) -> tuple[str, ...]:
        """Return all texts of the first source that has any."""
        for source in sources:
            texts = [text for text in self._texts(source) if text.strip()]
            if texts:
                return tuple(texts)
        return ()

    def first(self, sources: Sources) -> str:
        """Return the first text of the first source that has any, or ``""``."""
        for source in sources:
            text = self._first_text(source, str.strip)
            if text:
                return text
        return ""

    def first_with_letter(self, sources: Iterable[str]) -> str:
        """Return the first text of the sources that holds a letter, or ``""``."""
        for source in sources:
            text = self._first_text(source, _A_LETTER.search)
            if text:
                return text
        return ""

    def data(self, source: str) -> list[str]:
        """Return the texts of a source ``json:PATH``."""
        return script_texts(self.scripts(), source.removeprefix(_DATA), self.own)

    def scripts(self) -> list[str]:
        """Return what the page's scripts hold."""
        return [script.text() for script in self.tree.css(_SCRIPTS)]

    def containers(self, sources: Sources) -> list[LexborNode]:
        """Return the containers of the body that the first source with any finds in the scope.

        Text that a script holds is put at the end of the page, in a container of its own.
        """
        for source in sources:
            if source.startswith(_DATA):
                texts = self.data(source)
                found = [self._appended(texts)] if texts and self.tree.body else []
            else:
                found = self.scope.css(source)
            if found:
                return found
        return []

    def _appended(self, texts: Sequence[str]) -> LexborNode:
        """Return a new container with pieces of HTML, at the end of the page."""
        body = self.tree.body
        assert body is not None, "the parser makes one for every page"
        made = parse_html("<div></div>").css_first("div")
        assert made is not None, "it has just been parsed"
        for text in texts:
            made.insert_child(_parsed(text))
        body.insert_child(made)
        appended = body.last_child
        assert appended is not None, "it has just been inserted"
        return appended

    def _first_text(self, source: str, is_any: Callable[[str], object]) -> str:
        """Return the first text of a source that is any, or ``""``."""
        if not source.startswith(NO_SELECTORS) and "@" not in source:
            # Mostly the first element has it, and the rest of the page need not be searched.
            node = self.scope.css_first(source)
            text = node.text() if node else ""
            if node is None or is_any(text):
                return text
        return next(filter(is_any, self._texts(source)), "")

    def _own_facts(self) -> dict[str, list[str]]:
        printed = [s for s in self.headlines if not s.startswith("jsonld:")]
        headline = self.first_with_letter(printed)
        own = replace(self.own, headlines=(headline, self.meta.get("og:title", ""), self.title))
        # It is mostly in the head; in the body there may be those of many other articles.
        for part in (self.tree.head, self.tree):
            facts = {} if part is None else own_facts(_scripts_in(part), own)
            if facts:
                return facts
        return {}

    def _texts(self, source: str) -> Iterable[str]:
        kind, _, key = source.partition(":")
        if kind == "jsonld":
            return self.facts.get(key, ())
        if kind == "meta":
            return (self.meta.get(key, ""),)
        if source.startswith(_DATA):
            return self.data(source)
        selector, _, attribute = source.partition("@")
        nodes = self.scope.css(selector)
        if attribute:
            return [node.attributes.get(attribute) or "" for node in nodes]
        # What lies in another one is in its text already; nested, they would be told n^2 times.
        return [node.text() for node in outermost(nodes)]


def _scripts_in(part: LexborHTMLParser | LexborNode) -> list[str]:
    return [script.text() for script in part.css(_LINKED)]


def _metas_in(head: LexborNode) -> dict[str, str]:
    metas: dict[str, str] = {}
    for node in head.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if name:
            metas.setdefault(name, attributes.get("content") or "")
    return metas


def read_page(
    page: PageReader, layouts: Iterable[Layout], rules: Rules, place: Place
) -> Printed | None:
    """Read the page by the first layout whose body container it has; None if it has none of them.

    The page's tree is consumed: widgets, captions and deck are removed from it as they are read.
    """
    for layout in layouts:
        root = page.tree.css_first(layout.root) if layout.root else None
        scope = page.tree if root is None else root
        page.scope, page.headlines = scope, layout.headline
        containers = page.containers(layout.body)
        if containers:
            body, *others = containers
            return _read(page, layout, body, rules, place, _take_following(body, others))
    return None


def _read(
    page: PageReader,
    layout: Layout,
    body: LexborNode,
    rules: Rules,
    place: Place,
    removed: Sequence[Removed],
) -> Printed:
    """Return what the page prints by a layout: first what stays in the tree, then what is taken.

    ``removed`` is what has been removed before.
    """
    headline = page.first_with_letter(layout.headline)
    published = tuple(page.first((source,)) for source in layout.published)
    modified = tuple(page.first((source,)) for source in layout.modified)
    section = page.first(layout.section)
    tags = page.all(layout.tags)
    bylines = page.all(layout.bylines)
    emails = page.all(layout.emails)
    times = " ".join(text for source in layout.times for text in page.all((source,)))
    captions = [
        caption
        for figure in (*layout.figures, FIGURE)
        for caption in take_figures(body, figure, rules.caption, place.base)
    ]
    subheadlines = _take_subheadlines(page, body, layout.subheadlines)
    has_deck = any(map(clean, subheadlines))
    widgets = _take_widgets(page.scope, body, rules.widgets)
    captions += pictures_without_caption(body, place.base)
    blocks, noise = _read_body(body, rules.widgets, place)
    stamps = printed_stamps(times, headline)
    is_header_wanted = not stamps.are_both_printed or (rules.deck and not has_deck)
    return Printed(
        layout=layout.name,
        headline=headline,
        subheadlines=tuple(subheadlines),
        bylines=bylines,
        emails=emails,
        section=section,
        tags=tags,
        published=published,
        modified=modified,
        times=times,
        header=text_before(body, headline) if is_header_wanted else "",
        blocks=blocks,
        captions=tuple(captions),
        lang=page.lang,
        removed=(*removed, *widgets, *noise),
        contained=True,
    )


def _read_body(
    body: LexborNode, widgets: Widgets, place: Place
) -> tuple[tuple[str, ...], list[Removed]]:
    """Return all lines of the body in document order, and those that a rule removes."""
    removed = [*_take_appended(body, place), *_take_tails(body, widgets)]
    controls = [line for node in outermost(body.css(_CONTROLS)) for line in _take_lines(node)]
    if controls:
        removed.append(Removed("controls", "\n".join(controls)))
    links = {node.mem_id for node in body.css("a[href]") if place.is_link(node)}
    lines, linked = lines_and_links(body, links)
    blocks = clean_each(lines)
    if len(blocks) < len(lines):  # there are lines of invisible characters
        blocks = [clean(line) for line in lines]
        full = [i for i, block in enumerate(blocks) if block]
        blocks, linked = [blocks[i] for i in full], {n for n, i in enumerate(full) if i in linked}
    kept, noise = sift_container(blocks, linked, widgets)
    return kept, [*removed, *noise]


def _take_tails(body: LexborNode, widgets: Widgets) -> list[Removed]:
    """Remove the sections whose rules hold in a body's container; return their text by rule.

    A section runs from its heading to the end of the element that holds the heading.
    """
    if widgets.tails is None:
        return []
    text = body.text()
    is_composed = is_normalized("NFC", text)  # then each part of it is
    if not widgets.tails.search(text) and not _may_hide(text, is_composed=is_composed):
        return []
    removed: list[Removed] = []
    found = _first_tail(body.traverse(include_text=True), widgets, is_composed=is_composed)
    while found is not None:
        heading, rule = found
        first = _whole_of(heading, body)
        parent = first.parent
        nodes = _to_the_end(first)
        removed.append(
            Removed(rule, "\n".join(line for node in nodes for line in _node_lines(node)))
        )
        for node in nodes:
            node.decompose()
        found = _first_tail(_nodes_behind(parent, body), widgets, is_composed=is_composed)
    return removed


def _first_tail(
    nodes: Iterable[LexborNode], widgets: Widgets, *, is_composed: bool
) -> tuple[LexborNode, str] | None:
    """Return the first text that is a heading whose rule is a tail, and that rule.

    ``is_composed`` is whether all of them are in NFC.
    """
    tails = widgets.tails
    if tails is None:
        return None
    for node in nodes:
        text = node.text_content
        if text and (tails.search(text) or _may_hide(text, is_composed=is_composed)):
            rule = widgets.tail_rule(clean(text))
            if rule:
                return node, rule
    return None


def _may_hide(text: str, *, is_composed: bool) -> bool:
    """Whether the form of a text may hide a word until it is cleaned."""
    if "\u00a0" in text or "\u200b" in text:
        return True
    return not is_composed and not is_normalized("NFC", text)


def _nodes_behind(node: LexborNode | None, ancestor: LexborNode) -> Iterator[LexborNode]:
    """Yield what stands behind a node of an ancestor, within that ancestor, in document order."""
    while node is not None and node.mem_id != ancestor.mem_id:
        following = node.next
        while following is not None:
            yield from following.traverse(include_text=True)
            following = following.next
        node = node.parent


def _is_text(node: LexborNode) -> bool:
    return node.tag == "-text"


def _whole_of(node: LexborNode, body: LexborNode) -> LexborNode:
    """Return the outermost element that holds the node and nothing else."""
    parent = node.parent
    while parent is not None and parent.mem_id != body.mem_id and _is_alone(node):
        node, parent = parent, parent.parent
    return node


def _is_alone(node: LexborNode) -> bool:
    before, after = node.prev, node.next
    while before is not None and _is_blank(before):
        before = before.prev
    while after is not None and _is_blank(after):
        after = after.next
    return before is None and after is None


def _is_blank(node: LexborNode) -> bool:
    return node.tag == "-comment" or (_is_text(node) and not (node.text_content or "").strip())


def _to_the_end(node: LexborNode) -> list[LexborNode]:
    nodes: list[LexborNode] = []
    at: LexborNode | None = node
    while at is not None:
        nodes.append(at)
        at = at.next
    return nodes


def _node_lines(node: LexborNode) -> list[str]:
    if not _is_text(node):
        return lines_of(node)
    return clean_each([node.text_content or ""])


def _take_following(body: LexborNode, others: list[LexborNode]) -> list[Removed]:
    """Remove the articles that follow this one on its page; return their text.

    Infinite scrolling appends them, each with a container of its own. Such an article is the
    largest element with that container and without this one, and a headline before it. ``others``
    are the further containers of the page.
    """
    removed: list[Removed] = []
    path = _path(body) if others else set()
    ends = set(path)
    for node in _articles_of(body, path, others):
        nodes = [*_headline_before(node, ends), node]
        lines = [line for each in nodes for line in _node_lines(each)]
        removed.append(Removed("next_article", "\n".join(lines)))
        for each in nodes:
            each.decompose()
    return removed


def _articles_of(
    body: LexborNode, path: set[int], containers: list[LexborNode]
) -> list[LexborNode]:
    """Return the largest elements with one of the containers and without the body, each once.

    A container within the body is a wrapper, and has none. ``path`` leads to the body.
    """
    found: dict[int, LexborNode] = {}
    for container in outermost(containers):
        node = container
        while node.parent is not None and node.parent.mem_id not in path:
            node = node.parent
        if node.parent is None or node.parent.mem_id != body.mem_id:
            found[node.mem_id] = node
    return list(found.values())


def _take_appended(body: LexborNode, place: Place) -> list[Removed]:
    """Remove the other articles that scrolling appended within the container; return their text.

    Such an element has another article's address, or is an <article> whose headline links to one.
    """
    candidates = body.css(_APPENDED)
    if not candidates:
        return []
    headed = _articles_around(
        (link for link in body.css(_HEADLINE_LINKS) if place.is_link(link)), body
    )
    found = [
        node for node in candidates if node.mem_id in headed or _has_address_of_other(node, place)
    ]
    removed: list[Removed] = []
    for node in outermost(found):
        removed.append(Removed("next_article", "\n".join(lines_of(node))))
        node.decompose()
    return removed


def _articles_around(links: Iterable[LexborNode], body: LexborNode) -> set[int]:
    """Return the ids of the <article> elements of a body that hold one of the links."""
    found: set[int] = set()
    passed = {body.mem_id}
    for link in links:
        at = link.parent
        while at is not None and at.mem_id not in passed:
            passed.add(at.mem_id)
            if at.tag == "article":
                found.add(at.mem_id)
            at = at.parent
    return found


def _has_address_of_other(node: LexborNode, place: Place) -> bool:
    if node.tag == "a":
        return False
    attributes = node.attributes
    return any(place.is_other(attributes.get(name) or "") for name in _ADDRESSES)


def _path(node: LexborNode) -> set[int]:
    """Return the ids of a node and its ancestors."""
    ids: set[int] = set()
    at: LexborNode | None = node
    while at is not None:
        ids.add(at.mem_id)
        at = at.parent
    return ids


def _headline_before(node: LexborNode, ends: set[int]) -> list[LexborNode]:
    """Return what stands between an article's headline and the element with its container.

    It is nothing where that element holds a headline, or none stands before it: what stands there
    may be this article's own. ``ends`` are the nodes at which the search ends; what was passed in
    vain is added, so that it is passed once.
    """
    if node.css_first(_HEADLINES):
        return []
    nodes: list[LexborNode] = []
    before = node.prev
    while before is not None and before.mem_id not in ends:
        nodes.append(before)
        if not _is_text(before) and _holds(before, _HEADLINES):
            return list(reversed(nodes))
        before = before.prev
    ends.update(each.mem_id for each in nodes)
    return []


def _holds(node: LexborNode, selector: str) -> bool:
    return node.css_matches(selector) or node.css_first(selector) is not None


def _take_widgets(
    scope: LexborHTMLParser | LexborNode, body: LexborNode, widgets: Widgets
) -> list[Removed]:
    """Remove the elements that the rules name; return their text by rule, in page order.

    Those that are looked for in the body alone follow the others.
    """
    path = _path(body)
    found = scope.css(widgets.css) if widgets.css else []
    removed = _take_named([node for node in found if node.mem_id not in path], widgets)
    if widgets.body_css:
        found = [node for node in body.css(widgets.body_css) if node.mem_id != body.mem_id]
        removed += _take_named(found, widgets)
    return removed


def _take_named(nodes: list[LexborNode], widgets: Widgets) -> list[Removed]:
    removed: list[Removed] = []
    for node in outermost(nodes):
        attributes = node.attributes
        rule = widgets.rule_of(
            (node.tag, attributes.get("id"), attributes.get("class")), node.css_matches
        )
        text = "\n".join(lines_of(node))
        if text:
            removed.append(Removed(rule, text))
        node.decompose()
    return removed


def _take_subheadlines(page: PageReader, body: LexborNode, sources: Sources) -> list[str]:
    """Return the lines of the first source that has any; elements are removed."""
    for source in sources:
        if source.startswith(NO_SELECTORS):
            texts = page.all((source,))
            if texts:
                return [line for text in texts for line in lines_of_html(text)]
            continue
        path = _path(body)
        nodes = [node for node in page.scope.css(source) if node.mem_id not in path]
        if nodes:
            return [line for node in outermost(nodes) for line in _take_lines(node)]
    return []


def lines_of_html(text: str) -> list[str]:
    """Return the lines of a piece of HTML."""
    return lines_of(_parsed(text))


def _parsed(text: str) -> LexborNode:
    """Return a piece of HTML as one element."""
    tree = parse_html(bound_tags(text))
    made = parse_html("<div></div>").css_first("div")
    assert tree.body is not None, "the parser makes one for every text"
    assert made is not None, "it has just been parsed"
    for node in tree.body.iter(include_text=True):
        made.insert_child(node)
    return made


def _take_lines(node: LexborNode) -> list[str]:
    """Remove the node; return its lines."""
    lines = lines_of(node)
    node.decompose()
    return lines
