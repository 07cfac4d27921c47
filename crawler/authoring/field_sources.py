"""Which source of each field of a layout finds anything on a page, and what is in no field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.extraction.html.blocks import lines_of
from crawler.model.outlet_facts import FIELDS
from pipelines.text import clean

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawler.extraction.html.reader import PageReader
    from crawler.model.layout import Layout
    from pipelines.page import Page

#: The fields of a layout that have sources, in the order of reports.
SOURCE_FIELDS = ("root", "body", *(name for name in FIELDS if name != "body"), "times")
_DATA = "json:"
#: Elements whose lines are no text of a page: they are what one clicks.
_CONTROLS = "script, style, noscript, template, iframe, button, select"
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class SourceMatch:
    """What one source of a field found on a page: the first text, shortened; ``""`` for nothing.

    ``used`` is whether it is the field's first source with any; ``times`` are all used.
    """

    field: str
    source: str
    text: str
    used: bool


def sources_of(layout: Layout, field: str) -> tuple[str, ...]:
    """Return the sources that a layout names, or has by default, for a field."""
    if field == "root":
        return (layout.root,) if layout.root else ()
    if field == "figures":
        return tuple(figure.box for figure in layout.figures)
    sources: tuple[str, ...] = getattr(layout, field)
    return sources


def match_sources(page: PageReader, layout: Layout) -> list[SourceMatch]:
    """Return what each source of each field of a layout finds on a page, as reading it begins."""
    root = page.tree.css_first(layout.root) if layout.root else None
    page.scope = page.tree if root is None else root
    page.headlines = layout.headline
    found: list[SourceMatch] = []
    for field in SOURCE_FIELDS:
        is_open = True
        for source in sources_of(layout, field):
            text = _shortened(text_of(page, field, source))
            is_used = bool(text) and (is_open or field in ("times", "figures"))
            found.append(SourceMatch(field, source, text, is_used))
            is_open = is_open and not text
    return found


def text_of(page: PageReader, field: str, source: str) -> str:
    """Return the first text that a source of a field finds on a page, ``""`` for none."""
    if field == "root":
        node = page.tree.css_first(source)
        return node.text() if node else ""
    if field == "figures":
        # A box may hold nothing but a picture.
        node = page.scope.css_first(source)
        return (node.text().strip() or f"<{node.tag}>") if node else ""
    return next(iter(page.all((source,))), "")


def outside(page: PageReader, layout: Layout, read: Page) -> list[str]:
    """Return the lines around an article that are in none of its fields, nor under a rule.

    They are those of the smallest element with both its body and its headline; none where the body
    is in no element.
    """
    body = _body_of(page, layout)
    printed = read.printed
    if body is None or printed is None or read.article is None:
        return []
    area = _area(body, clean(printed.headline))
    for node in area.css(_CONTROLS):
        node.decompose()
    known = _known_text(read)
    lines = map(clean, lines_of(area))
    return [
        line for line in lines if not (_bare(line) in known or read.rules.widgets.is_noise(line))
    ]


def _body_of(page: PageReader, layout: Layout) -> LexborNode | None:
    for source in layout.body:
        node = None if source.startswith(_DATA) else page.scope.css_first(source)
        if node is not None:
            return node
    return None


def _area(body: LexborNode, headline: str) -> LexborNode:
    """Return the smallest element around the body that holds the headline as well."""
    at = body
    while at.parent is not None and at.tag != "body":
        if headline and headline in clean(at.text()):
            return at
        at = at.parent
    return at


def _known_text(read: Page) -> str:
    """Return all texts that a page was read as, and those that were removed from it, as one."""
    assert read.printed is not None, "only pages that were read have any"
    assert read.article is not None, "only pages that were read have any"
    printed = read.printed
    texts = [
        printed.headline,
        *printed.subheadlines,
        *printed.bylines,
        *printed.emails,
        printed.section,
        *printed.tags,
        printed.times,
        *printed.blocks,
        *(caption for _, caption in printed.captions),
        *(removed.text for removed in (*printed.removed, *read.article.removed)),
        *read.article.body,
        *read.article.subheadlines,
        read.article.published_raw,
        read.article.modified_raw,
    ]
    return "\n".join(map(_bare, texts))


def _bare(text: str) -> str:
    """Return a text without white space: elements are joined with and without it."""
    return "".join(clean(text).split())


def _shortened(text: str) -> str:
    line = clean(" ".join(text.split()))
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"
