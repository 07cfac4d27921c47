"""Reading a page's HTML: JSON-LD, then meta, then selectors, in the order its layout names. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from archive.article import Removed
from crawler.jsonld import article_facts
from pipelines.page import Printed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectolax.lexbor import LexborNode

    from crawler.layout import Figure, Layout, Sources
    from pipelines.widgets import Widgets

#: Stands for <br> while a text is cut into lines; white space of the source is not a line end.
_BREAK = "\u2028"
_NOISE = "script, style, iframe, noscript, template"


class PageReader:
    """One parsed page and the head facts it states, each read once."""

    def __init__(self, html: str) -> None:
        self.tree = LexborHTMLParser(html)
        self._meta: dict[str, str] | None = None
        self._facts: dict[str, list[str]] | None = None

    @property
    def meta(self) -> dict[str, str]:
        """First content of each <meta> by its property or name."""
        if self._meta is None:
            self._meta = {}
            for node in self.tree.css("meta[content]"):
                attributes = node.attributes
                name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
                if name:
                    self._meta.setdefault(name, attributes.get("content") or "")
        return self._meta

    @property
    def facts(self) -> dict[str, list[str]]:
        """The JSON-LD article's texts by key."""
        if self._facts is None:
            scripts = self.tree.css('script[type="application/ld+json"]')
            self._facts = article_facts([script.text() for script in scripts])
        return self._facts

    @property
    def title(self) -> str:
        """The <title>'s text."""
        node = self.tree.css_first("title")
        return node.text().strip() if node else ""

    def stated_addresses(self) -> list[str]:
        """Addresses the page gives as its own: canonical link, then og:url."""
        link = self.tree.css_first('link[rel="canonical"]')
        return [a for a in (link.attributes.get("href") if link else None, self.meta.get("og:url")) if a]

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
        nodes = self.tree.css(selector)
        if attribute:
            return (node.attributes.get(attribute) or "" for node in nodes)
        return (node.text() for node in nodes)


def read_page(page: PageReader, layouts: Iterable[Layout], widgets: Widgets) -> Printed | None:
    """Read the page by the first layout whose body container it has; None if it has none of them.

    The page's tree is used up: widgets, captions and deck are taken out of it as they are read.
    """
    for layout in layouts:
        body = next((node for node in map(page.tree.css_first, layout.body) if node), None)
        if body is not None:
            return _read(page, layout, body, widgets)
    return None


def _read(page: PageReader, layout: Layout, body: LexborNode, widgets: Widgets) -> Printed:
    facts: dict[str, str] = {name: page.first(getattr(layout, name)) for name in ("headline", "published", "modified")}
    section = page.first(layout.section)
    tags, bylines = page.all(layout.tags), page.all(layout.bylines)
    times = " ".join(text for source in layout.times for text in page.all((source,)))
    root = page.tree.root
    declared = (root.attributes.get("lang") if root else "") or ""

    _drop_all(page.tree.css(_NOISE))
    for line_break in body.css("br"):
        line_break.replace_with(_BREAK)
    captions = [caption for figure in layout.figures for caption in _take_figures(body, figure)]
    deck = next((nodes for nodes in map(page.tree.css, layout.subheadlines) if nodes), [])
    subheadlines = tuple(line for node in _outermost(deck) for line in _take_lines(node))
    removed = _take_widgets(page.tree, widgets)
    captions += [(_address(node, ("src", "data-src")), "") for node in body.css("img")]

    blocks, outside = _read_body(body, layout.paragraphs)
    removed += [Removed("outside_paragraphs", line) for line in outside]
    return Printed(
        layout=layout.name,
        headline=facts["headline"],
        published=facts["published"],
        modified=facts["modified"],
        section=section,
        tags=tags,
        bylines=bylines,
        times=times,
        subheadlines=subheadlines,
        blocks=tuple(blocks),
        captions=tuple(captions),
        lang=declared,
        removed=tuple(removed),
    )


def _read_body(body: LexborNode, paragraphs: str) -> tuple[list[str], list[str]]:
    """The body's lines, and lines that stand in it outside its paragraphs.

    Where the paragraphs hold less than half of the text, the template is not what we took it for: then all
    lines are the body, so that no sentence is lost.
    """
    if not paragraphs:
        return _lines(body), []
    every = _lines(body)
    blocks = [
        line
        for node in body.css(paragraphs)
        if (parent := node.parent) and parent.mem_id == body.mem_id
        for line in _lines(node)
    ]
    if sum(map(len, blocks)) * 2 < sum(map(len, every)):
        return every, []
    _drop_all(body.css(paragraphs))
    return blocks, _lines(body)


def _take_widgets(tree: LexborHTMLParser, widgets: Widgets) -> list[Removed]:
    """Take out the elements that the rules name, in page order, each span under its rule."""
    if not widgets.css:
        return []
    removed: list[Removed] = []
    for node in _outermost(tree.css(widgets.css)):
        rule = next(rule.name for rule in widgets.rules if rule.css and node.css_matches(rule.css))
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
    return [line.strip() for line in node.text().split(_BREAK) if line.strip()]


def _take_lines(node: LexborNode) -> list[str]:
    lines = _lines(node)
    node.decompose()
    return lines


def _drop_all(nodes: list[LexborNode]) -> None:
    for node in _outermost(nodes):
        node.decompose()


def _address(node: LexborNode, names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := node.attributes.get(name))), "")


def _take_figures(body: LexborNode, figure: Figure) -> list[tuple[str, str]]:
    """Pairs of image address and printed caption, a pair a caption line; the boxes leave the tree."""
    captions: list[tuple[str, str]] = []
    for box in _outermost(body.css(figure.box)):
        image = box.css_first("img")
        address = _address(image, figure.address) if image else ""
        lines = [" ".join(_lines(node)) for node in box.css(figure.caption)] if figure.caption else _lines(box)
        if address or lines:
            captions += [(address, line) for line in lines] or [(address, "")]
        box.decompose()
    return captions
