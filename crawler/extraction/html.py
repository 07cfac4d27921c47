"""Reading a page's HTML: JSON-LD, then meta, then selectors, in the order its layout names. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from archive.model.article import Removed
from crawler.extraction.html_limits import bound_tags
from crawler.extraction.jsonld import article_facts
from pipelines.page import Printed
from pipelines.widget_rules import sift

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectolax.lexbor import LexborNode

    from crawler.model.layout import Figure, Layout, Sources
    from pipelines.widget_rules import Widgets

#: Marks a line end while text is collected; white space of the source is none.
_BREAK = "\u2028"
_BLOCKS = frozenset(
    (  # noqa: SIM905  (a list of 45 quoted words hides them)
        "address article aside blockquote br button dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header"
        " hr li main nav ol option p pre section select table tbody td tfoot th thead tr ul"
    ).split()
)
_LINKED = "application/ld+json"
#: Elements whose text is never the page's.
_SILENT = frozenset(("script", "style", "iframe", "noscript", "template", "head"))


class PageReader:
    """One parsed page and the head facts it states, each read once."""

    def __init__(self, html: str | bytes) -> None:
        """Parse a page; bytes must be UTF-8, and save the parser from encoding a text again."""
        self.tree = LexborHTMLParser(bound_tags(html))
        self._html = html
        self.scope: LexborHTMLParser | LexborNode = self.tree
        self._meta: dict[str, str] | None = None
        self._facts: dict[str, list[str]] | None = None

    @property
    def meta(self) -> dict[str, str]:
        """First content of each <meta> by its property or name."""
        if self._meta is None:
            self._meta = {}
            head = self.tree.head
            for node in head.css("meta[content]") if head else ():
                attributes = node.attributes
                name = (
                    attributes.get("property")
                    or attributes.get("name")
                    or attributes.get("itemprop")
                )
                if name:
                    self._meta.setdefault(name, attributes.get("content") or "")
        return self._meta

    @property
    def facts(self) -> dict[str, list[str]]:
        """The JSON-LD article's texts by key."""
        if self._facts is None:
            # Mostly it is in the head. To find that the page has none takes the tree four times as
            # long as the bytes.
            head, html = self.tree.head, self._html
            self._facts = _stated_in(head) if head else {}
            if not self._facts and (
                _LINKED in html if isinstance(html, str) else _LINKED.encode() in html
            ):
                self._facts = _stated_in(self.tree)
        return self._facts

    @property
    def title(self) -> str:
        """The <title>'s text."""
        node = self.tree.css_first("title")
        return node.text().strip() if node else ""

    def stated_addresses(self) -> list[str]:
        """Addresses the page gives as its own: canonical link, then og:url."""
        link = self.tree.css_first('link[rel="canonical"]')
        return [
            a for a in (link.attributes.get("href") if link else None, self.meta.get("og:url")) if a
        ]

    def all(self, sources: Sources) -> tuple[str, ...]:
        """All texts of the first source that has any."""
        for source in sources:
            texts = tuple(text for text in self._texts(source) if text.strip())
            if texts:
                return texts
        return ()

    def first(self, sources: Sources) -> str:
        """The first text of the first source that has any, or ``""``."""
        return next(iter(self.all(sources)), "")

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


def _stated_in(part: LexborHTMLParser | LexborNode) -> dict[str, list[str]]:
    return article_facts([script.text() for script in part.css(f'script[type="{_LINKED}"]')])


def read_page(page: PageReader, layouts: Iterable[Layout], widgets: Widgets) -> Printed | None:
    """Read the page by the first layout whose body container it has; None if it has none of them.

    The page's tree is used up: widgets, captions and deck are taken out of it as they are read.
    """
    for layout in layouts:
        root = page.tree.css_first(layout.root) if layout.root else None
        scope = page.tree if root is None else root
        body = next((node for node in map(scope.css_first, layout.body) if node is not None), None)
        if body is not None:
            page.scope = scope
            return _read(page, layout, body, widgets)
    return None


def _read(page: PageReader, layout: Layout, body: LexborNode, widgets: Widgets) -> Printed:
    facts: dict[str, str] = {
        name: page.first(getattr(layout, name)) for name in ("headline", "published", "modified")
    }
    section = page.first(layout.section)
    tags, bylines, emails = page.all(layout.tags), page.all(layout.bylines), page.all(layout.emails)
    times = " ".join(text for source in layout.times for text in page.all((source,)))
    root = page.tree.root
    declared = (root.attributes.get("lang") if root else "") or ""

    captions = [caption for figure in layout.figures for caption in _take_figures(body, figure)]
    deck = next((nodes for nodes in map(page.scope.css, layout.subheadlines) if nodes), [])
    subheadlines = tuple(line for node in _outermost(deck) for line in _take_lines(node))
    removed = _take_widgets(page.scope, widgets)
    captions += [(address, "") for node in body.css("img") if (address := _address(node))]

    blocks, outside = _read_body(body, layout.paragraphs, widgets)
    removed += outside
    return Printed(
        layout=layout.name,
        headline=facts["headline"],
        published=facts["published"],
        modified=facts["modified"],
        section=section,
        tags=tags,
        bylines=bylines,
        emails=emails,
        times=times,
        subheadlines=subheadlines,
        blocks=tuple(blocks),
        captions=tuple(captions),
        lang=declared,
        removed=tuple(removed),
    )


def _read_body(
    body: LexborNode, paragraphs: str, widgets: Widgets
) -> tuple[list[str], list[Removed]]:
    """The body's lines, and what stands in it outside its paragraphs.

    Where most of the text that no rule removes stands outside, the template is not what we took it
    for: then all lines are the body, so that no sentence is lost.
    """
    nodes = [
        n
        for n in body.css(paragraphs)
        if (parent := n.parent) is not None and parent.mem_id == body.mem_id
    ]
    blocks = [line for node in nodes for line in _lines(node)]
    every = _lines(body) if _length(blocks) * 2 < len(body.text()) else []
    if every and _length(sift(blocks, widgets)[0]) * 2 < _length(sift(every, widgets)[0]):
        return every, []
    for node in nodes:  # children of one element, so none lies in another
        node.decompose()
    if not body.text().strip():  # so it is on most pages
        return blocks, []
    rest, removed = sift(_lines(body), widgets)
    return blocks, [*removed, *(Removed("outside_paragraphs", line) for line in rest)]


def _length(lines: Iterable[str]) -> int:
    return sum(map(len, lines))


def _take_widgets(scope: LexborHTMLParser | LexborNode, widgets: Widgets) -> list[Removed]:
    """Take out the elements that the rules name, in page order, each span under its rule."""
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
    """The nodes that lie in none of the others: only they may be taken out, the rest goes with them."""
    if len(nodes) < 2:
        return nodes
    wanted = {node.mem_id for node in nodes}
    inside: dict[int, bool] = {}
    outermost: list[LexborNode] = []
    for node in nodes:
        path: list[int] = []
        above, found = node.parent, False
        while above is not None:
            if above.mem_id in wanted or inside.get(above.mem_id):
                found = True
                break
            if above.mem_id in inside:
                break
            path.append(above.mem_id)
            above = above.parent
        # Remembering the way up keeps 100,000 nested elements linear.
        inside.update(dict.fromkeys(path, found))
        if not found:
            outermost.append(node)
    return outermost


def _lines(node: LexborNode) -> list[str]:
    """The node's text as a browser lays it out: a line a block element or <br>, white space collapsed."""
    at, inside = node.first_child, 1
    if at is None:
        return []
    if at.next is None and at.tag == "-text":  # most paragraphs hold one text and nothing else
        return _collapsed([at.text_content or ""])
    parts: list[str] = []
    # By hand and not by recursion: hostile pages nest 100,000 deep.
    while at is not None:
        tag = at.tag
        if tag == "-text":
            parts.append(at.text_content or "")
        else:
            block = tag in _BLOCKS
            if block:
                parts.append(_BREAK)
            child = at.first_child if tag not in _SILENT else None
            if child is not None:
                at, inside = child, inside + 1
                continue
            if block:
                parts.append(_BREAK)
        onward = at.next
        while onward is None and (inside := inside - 1) and (at := at.parent) is not None:
            if at.tag in _BLOCKS:
                parts.append(_BREAK)
            onward = at.next
        at = onward
    return _collapsed("".join(parts).split(_BREAK))


def _collapsed(texts: list[str]) -> list[str]:
    """The texts that are not empty, without the source's line ends; single spaces are the normaliser's work."""
    return [
        line for text in texts if (line := " ".join(text.split()) if "\n" in text else text.strip())
    ]


def _take_lines(node: LexborNode) -> list[str]:
    lines = _lines(node)
    node.decompose()
    return lines


def _address(image: LexborNode | None) -> str:
    """The image's address; a lazy page keeps it in data-src and a placeholder in src."""
    if image is None:
        return ""
    found = (image.attributes.get(name) or "" for name in ("data-src", "src"))
    return next(
        (address.strip() for address in found if address and not address.startswith("data:")), ""
    )


def _take_figures(body: LexborNode, figure: Figure) -> list[tuple[str, str]]:
    """Pairs of image address and printed caption, a pair a caption line; the boxes leave the tree."""
    captions: list[tuple[str, str]] = []
    boxes = [box for box in body.css(figure.box) if box.mem_id != body.mem_id]
    for box in _outermost(boxes):
        lines = (
            [" ".join(_lines(node)) for node in box.css(figure.caption)]
            if figure.caption
            else _lines(box)
        )
        address = _address(box.css_first("img"))
        if address or lines:
            captions += [(address, line) for line in lines] or [(address, "")]
            box.decompose()
    return captions
