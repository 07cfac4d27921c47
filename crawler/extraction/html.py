"""Read a page's HTML by its layout: JSON-LD, meta elements and selectors. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from archive.model.article import Removed
from crawler.extraction.header_block import text_before
from crawler.extraction.html_limits import bound_tags
from crawler.extraction.jsonld import OwnPage, own_facts
from pipelines.page import Printed
from pipelines.widget_rules import sift

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectolax.lexbor import LexborNode

    from crawler.model.layout import Figure, Layout, Sources
    from pipelines.widget_rules import Widgets

#: Marks a line end while text is collected: line ends of the source are white space.
_BREAK = "\u2028"
_BLOCKS = frozenset(
    (  # noqa: SIM905  (a list of 45 quoted words hides them)
        "address article aside blockquote br button dd div dl dt figcaption figure footer form"
        " h1 h2 h3 h4 h5 h6 header hr li main nav ol option p pre section select table tbody td"
        " tfoot th thead tr ul"
    ).split()
)
_LINKED = "application/ld+json"
#: Elements whose text is never the page's.
_SILENT = frozenset(("script", "style", "iframe", "noscript", "template", "head"))


class PageReader:
    """A parsed page, with the facts that its head states, each read once."""

    def __init__(self, html: str | bytes, own: OwnPage | None = None) -> None:
        """Parse a page; bytes must be UTF-8, and spare the parser the encoding of a text.

        ``own`` is what tells the page's own JSON-LD from that of other articles.
        """
        self.tree = LexborHTMLParser(bound_tags(html))
        self._html = html
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
            # To find that a page has none, searching the source takes a quarter of the time that
            # searching the tree takes.
            self._facts = self._own_facts() if self._mentions(_LINKED) else {}
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
        link = self.tree.css_first('link[rel="canonical"]')
        canonical = link.attributes.get("href") if link else None
        return [address for address in (canonical, self.meta.get("og:url")) if address]

    def all(self, sources: Sources) -> tuple[str, ...]:
        """Return all texts of the first source that has any."""
        for source in sources:
            texts = tuple(text for text in self._texts(source) if text.strip())
            if texts:
                return texts
        return ()

    def first(self, sources: Sources) -> str:
        """Return the first text of the first source that has any, or ``""``."""
        return next(iter(self.all(sources)), "")

    def _own_facts(self) -> dict[str, list[str]]:
        printed = [s for s in self.headlines if not s.startswith("jsonld:")]
        texts = [text for source in printed for text in self._texts(source)]
        own = replace(self.own, headlines=(*texts, self.meta.get("og:title", ""), self.title))
        # It is mostly in the head; in the body there may be those of many other articles.
        for part in (self.tree.head, self.tree):
            facts = {} if part is None else own_facts(_scripts_in(part), own)
            if facts:
                return facts
        return {}

    def _mentions(self, word: str) -> bool:
        html = self._html
        return word in html if isinstance(html, str) else word.encode() in html

    def _texts(self, source: str) -> Iterable[str]:
        kind, _, key = source.partition(":")
        if kind == "jsonld":
            return self.facts.get(key, ())
        if kind == "meta":
            return (self.meta.get(key, ""),)
        selector, _, attribute = source.partition("@")
        nodes = self.scope.css(selector)
        if attribute:
            return (node.attributes.get(attribute) or "" for node in nodes)
        return (node.text() for node in nodes)


def _scripts_in(part: LexborHTMLParser | LexborNode) -> list[str]:
    return [script.text() for script in part.css(f'script[type^="{_LINKED}"]')]


def _metas_in(head: LexborNode) -> dict[str, str]:
    metas: dict[str, str] = {}
    for node in head.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if name:
            metas.setdefault(name, attributes.get("content") or "")
    return metas


def read_page(page: PageReader, layouts: Iterable[Layout], widgets: Widgets) -> Printed | None:
    """Read the page by the first layout whose body container it has; None if it has none of them.

    The page's tree is consumed: widgets, captions and deck are removed from it as they are read.
    """
    for layout in layouts:
        root = page.tree.css_first(layout.root) if layout.root else None
        scope = page.tree if root is None else root
        body = _first_match(scope, layout.body)
        if body is not None:
            page.scope, page.headlines = scope, layout.headline
            return _read(page, layout, body, widgets)
    return None


def _first_match(
    scope: LexborHTMLParser | LexborNode, selectors: Iterable[str]
) -> LexborNode | None:
    for selector in selectors:
        node = scope.css_first(selector)
        if node is not None:
            return node
    return None


def _read(page: PageReader, layout: Layout, body: LexborNode, widgets: Widgets) -> Printed:
    """Return what the page prints by a layout: first what stays in the tree, then what is taken."""
    printed = Printed(
        layout=layout.name,
        headline=page.first(layout.headline),
        published=tuple(page.first((source,)) for source in layout.published),
        modified=tuple(page.first((source,)) for source in layout.modified),
        section=page.first(layout.section),
        tags=page.all(layout.tags),
        bylines=page.all(layout.bylines),
        emails=page.all(layout.emails),
        times=" ".join(text for source in layout.times for text in page.all((source,))),
        header=text_before(body, page.first(layout.headline)),
        lang=page.lang,
    )
    captions = [caption for figure in layout.figures for caption in _take_figures(body, figure)]
    subheadlines = _take_subheadlines(page.scope, layout.subheadlines)
    removed = _take_widgets(page.scope, widgets)
    captions += _pictures_without_caption(body)
    blocks, outside = _read_body(body, layout.paragraphs, widgets)
    return replace(
        printed,
        subheadlines=tuple(subheadlines),
        captions=tuple(captions),
        blocks=tuple(blocks),
        removed=(*removed, *outside),
    )


def _read_body(
    body: LexborNode, selector: str, widgets: Widgets
) -> tuple[list[str], list[Removed]]:
    """Return the lines of the body's paragraphs, and what it holds outside of them.

    Where most of the text that no rule removes is outside, the template differs from the layout:
    then all lines are the body, so that no sentence is lost.
    """
    paragraphs = [node for node in body.css(selector) if _is_child(node, body)]
    blocks = [line for node in paragraphs for line in _lines(node)]
    if _length(blocks) * 2 < len(body.text()):
        every = _lines(body)
        if _length(sift(blocks, widgets)[0]) * 2 < _length(sift(every, widgets)[0]):
            return every, []
    for node in paragraphs:  # children of one element, so none lies in another
        node.decompose()
    if not body.text().strip():  # the usual case
        return blocks, []
    rest, removed = sift(_lines(body), widgets)
    return blocks, [*removed, *(Removed("outside_paragraphs", line) for line in rest)]


def _is_child(node: LexborNode, parent: LexborNode) -> bool:
    return node.parent is not None and node.parent.mem_id == parent.mem_id


def _length(lines: Iterable[str]) -> int:
    return sum(map(len, lines))


def _take_widgets(scope: LexborHTMLParser | LexborNode, widgets: Widgets) -> list[Removed]:
    """Remove the elements that the rules name; return their text, in page order, by rule."""
    if not widgets.css:
        return []
    removed: list[Removed] = []
    for node in _outermost(scope.css(widgets.css)):
        attributes = node.attributes
        rule = widgets.rule_of(
            (node.tag, attributes.get("id"), attributes.get("class")), node.css_matches
        )
        text = "\n".join(_lines(node))
        if text:
            removed.append(Removed(rule, text))
        node.decompose()
    return removed


def _outermost(nodes: list[LexborNode]) -> list[LexborNode]:
    """Return the nodes that lie in none of the others: removing them removes all."""
    if len(nodes) < 2:
        return nodes
    wanted = {node.mem_id for node in nodes}
    #: Whether an element lies in, or is, a wanted one. Remembering every ancestor that was passed
    #: keeps 100,000 nested elements linear.
    inside: dict[int, bool] = dict.fromkeys(wanted, True)
    return [node for node in nodes if not _lies_inside(node, inside)]


def _lies_inside(node: LexborNode, inside: dict[int, bool]) -> bool:
    """Whether an ancestor of the node is inside; add the ancestors that were passed."""
    passed: list[int] = []
    ancestor = node.parent
    while ancestor is not None and ancestor.mem_id not in inside:
        passed.append(ancestor.mem_id)
        ancestor = ancestor.parent
    found = ancestor is not None and inside[ancestor.mem_id]
    inside.update(dict.fromkeys(passed, found))
    return found


def _lines(node: LexborNode) -> list[str]:
    """Return the node's text as a browser lays it out, one line for each block element or <br>."""
    at = node.first_child
    if at is None:
        return []
    if at.next is None and at.tag == "-text":  # most paragraphs hold one text and nothing else
        return _collapsed([at.text_content or ""])
    return _collapsed("".join(_texts_from(at)).split(_BREAK))


def _texts_from(first: LexborNode) -> list[str]:
    """Return the texts of a node, its following siblings and all they hold, and line breaks.

    A loop instead of recursion, because hostile pages nest 100,000 deep.
    """
    parts: list[str] = []
    at: LexborNode | None = first
    depth = 1
    while at is not None:
        child = None
        tag = at.tag
        if tag == "-text":
            parts.append(at.text_content or "")
        else:
            if tag in _BLOCKS:
                parts.append(_BREAK)
            if tag not in _SILENT:
                child = at.first_child
        if child is not None:
            at, depth = child, depth + 1
        else:
            at, depth = _following(at, depth, parts)
    return parts


def _following(node: LexborNode, depth: int, parts: list[str]) -> tuple[LexborNode | None, int]:
    """Return the node after the end of this one, and its depth; None at the end of the text."""
    following = node.next
    while following is None:
        depth -= 1
        parent = node.parent
        if not depth or parent is None:
            return None, 0
        if parent.tag in _BLOCKS:
            parts.append(_BREAK)
        node, following = parent, parent.next
    return following, depth


def _collapsed(texts: Iterable[str]) -> list[str]:
    """Return the texts that are not empty, with the source's line ends as spaces.

    Other white space is left to the normaliser.
    """
    lines = (" ".join(text.split()) if "\n" in text else text.strip() for text in texts)
    return [line for line in lines if line]


def _take_subheadlines(scope: LexborHTMLParser | LexborNode, selectors: Iterable[str]) -> list[str]:
    """Remove the elements of the first selector that has any; return their lines."""
    for selector in selectors:
        nodes = scope.css(selector)
        if nodes:
            return [line for node in _outermost(nodes) for line in _take_lines(node)]
    return []


def _take_lines(node: LexborNode) -> list[str]:
    """Remove the node; return its lines."""
    lines = _lines(node)
    node.decompose()
    return lines


def _address(image: LexborNode | None) -> str:
    """Return the image's address, or ``""``.

    Pages with lazy loading have it in data-src, and a placeholder in src.
    """
    if image is None:
        return ""
    for name in ("data-src", "src"):
        address = image.attributes.get(name) or ""
        if address and not address.startswith("data:"):
            return address.strip()
    return ""


def _pictures_without_caption(body: LexborNode) -> list[tuple[str, str]]:
    addresses = map(_address, body.css("img"))
    return [(address, "") for address in addresses if address]


def _take_figures(body: LexborNode, figure: Figure) -> list[tuple[str, str]]:
    """Remove the boxes of pictures; return image address and printed caption, by caption line."""
    captions: list[tuple[str, str]] = []
    boxes = [box for box in body.css(figure.box) if box.mem_id != body.mem_id]
    for box in _outermost(boxes):
        lines = _caption_lines(box, figure.caption)
        address = _address(box.css_first("img"))
        if address or lines:
            captions += [(address, line) for line in lines or [""]]
            box.decompose()
    return captions


def _caption_lines(box: LexborNode, selector: str) -> list[str]:
    if not selector:
        return _lines(box)
    return [" ".join(_lines(node)) for node in box.css(selector)]
