"""A captured page written anew, so that nothing in it runs and no address leads to a live host.

What is written is chosen, not what is left out: elements by name, attributes by a list of those
that only look. The page's content security policy forbids the same again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.extraction.html.limits import bound_tags
from crawler.extraction.html.tree import parse_html, reads_trees
from crawler.web.playback.rewriting.css import rewrite_css

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawler.web.playback.rewriting.links import Links

#: The longest page that is shown, characters, and the most signs in it that may begin a tag. Pages
#: of news have some hundred thousand and three thousand.
LONGEST_PAGE, MOST_TAGS = 2_000_000, 60_000
#: Elements that are left out with all that they hold.
_LEFT_OUT = frozenset(
    (  # noqa: SIM905  (a list of 30 quoted words hides them)
        "script template base basefont math noembed noframes applet bgsound source track param"
        " portal fencedframe animate animatemotion animatetransform set foreignobject image feimage"
        " discard handler listener iframe frame embed object meta link style title"
    ).split()
)
#: Those that show another document: a link to it remains if it is archived.
_FRAMES = {"iframe": "src", "frame": "src", "embed": "src", "object": "data"}
#: Those that are left out, but not what they hold.
_OPENED = frozenset({"noscript", "html", "head", "body", "frameset"})
#: Written as another element: the text in them would be read otherwise.
_RENAMED = {"plaintext": "pre", "xmp": "pre", "listing": "pre"}
_VOID = frozenset("area br col hr img input wbr".split())  # noqa: SIM905  (as above)
#: Attributes of SVG that CSS reads, and values of them that name nothing elsewhere.
_PAINT = frozenset({"fill", "stroke"})
_PLAIN_PAINT = re.compile(r"[#\w\s.,%()-]{0,100}", re.A)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")
_ATTRIBUTES = frozenset(
    (  # noqa: SIM905  (as above)
        "class id lang dir title alt role hidden align valign width height bgcolor color face size"
        " border bordercolor cellpadding cellspacing colspan rowspan scope headers abbr nowrap"
        " frame rules summary char charoff span start reversed type value compact clear noshade"
        " hspace vspace name shape coords text link vlink alink topmargin leftmargin marginwidth"
        " marginheight open datetime cite-date cols rows wrap placeholder checked selected disabled"
        " readonly multiple maxlength label for min max low high optimum behavior direction"
        " scrollamount loop"
        " viewbox d x y x1 x2 y1 y2 cx cy r rx ry fx fy dx dy points transform fill fill-rule"
        " fill-opacity stroke stroke-width stroke-linecap stroke-linejoin stroke-dasharray"
        " stroke-opacity opacity clip-rule offset stop-color stop-opacity preserveaspectratio"
        " gradientunits gradienttransform patternunits clippathunits text-anchor font-size"
        " font-family font-weight version focusable"
    ).split()
)
#: Values that no ``type`` of an input may have: the element would load, or send.
_BUTTONS = frozenset({"image", "submit", "file"})
#: Where a page with lazy loading names a picture, and the usual place.
_PICTURES = ("data-src", "data-original", "data-lazy-src", "data-lazy", "src")
_SETS = ("data-srcset", "srcset")
_DOCTYPE = re.compile(r"\s*(?:<!--.{0,2000}?-->\s*)?<!doctype\s+([^<>]{1,200})>", re.I | re.S)
_VIEWPORT = re.compile(r"[\w=.,; -]{1,200}", re.A)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_TO_ESCAPE = re.compile(r'[&<>"]')


class TooLongError(Exception):
    """A page is longer than what is shown."""


def is_too_long(html: str) -> bool:
    """Return whether a page takes too much memory and time to be shown."""
    return len(html) > LONGEST_PAGE or html.count("<") > MOST_TAGS


@reads_trees
def rewrite_html(html: str, links: Links) -> str:
    """Return a page with the addresses of playback.

    :raises TooLongError: it is too long to be shown.
    :raises MemoryError: there is no memory for its tree.
    """
    if is_too_long(html):
        raise TooLongError
    doctype = _DOCTYPE.match(html)
    root = parse_html(bound_tags(html)).root
    assert root is not None, "every text has a tree"
    base = root.css_first("base[href]")
    if base is not None:
        links.rebase(base.attributes.get("href") or "")
    page = _Page(links)
    page.write(root)
    first = f"<!DOCTYPE {doctype[1]}>" if doctype else ""
    return first + page.text()


class _Page:
    """The page while it is written."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._head: list[str] = []
        self._out: list[str] = []
        self._html = self._body = ""

    def text(self) -> str:
        head, body = "".join(self._head), "".join(self._out)
        return f"<html{self._html}><head>{head}</head><body{self._body}>{body}</body></html>"

    def write(self, root: LexborNode) -> None:
        """Write an element and all in it, however deep it is."""
        ends: list[str] = []
        node: LexborNode | None = root
        while node is not None:
            enters, end = self._begin(node)
            child = node.first_child if enters else None
            if child is not None:
                ends.append(end)
                node = child
                continue
            self._out.append(end)
            while node is not None and node.next is None:
                node = node.parent if ends else None
                if node is not None:
                    self._out.append(ends.pop())
            node = node.next if node is not None and ends else None

    def _begin(self, node: LexborNode) -> tuple[bool, str]:
        """Write how a node begins; return whether what it holds is written, and how it ends."""
        if node.is_text_node:
            self._out.append(_escaped(node.text_content or ""))
            return False, ""
        tag = node.tag or ""
        name = tag.lower()
        if not node.is_element_node or not _NAME.fullmatch(tag):
            return False, ""
        if name in _LEFT_OUT:
            self._other(node, name)
            return False, ""
        if name in _OPENED:
            if name == "body":
                self._body = self._attributes(node, name)
            elif name == "html":
                self._html = self._attributes(node, name)
            return True, ""
        written = _RENAMED.get(name, tag)
        self._out.append(f"<{written}{self._attributes(node, name)}>")
        if name in _VOID:
            return False, ""
        if name in ("pre", "textarea", "listing"):
            self._out.append("\n")  # the first one is none of the text's
        return True, f"</{written}>"

    def _other(self, node: LexborNode, name: str) -> None:
        """Write what remains of an element that is left out."""
        attributes = node.attributes
        if name == "style":
            sheet = rewrite_css(_text(node), self._links)
            self._out.append(f"<style{_media(attributes)}>{sheet}</style>")
        elif name == "link":
            self._link(attributes)
        elif name == "title" and node.parent is not None and node.parent.tag == "head":
            self._head.append(f"<title>{_escaped(_text(node))}</title>")
        elif name == "meta" and (attributes.get("name") or "").lower() == "viewport":
            content = attributes.get("content") or ""
            if _VIEWPORT.fullmatch(content):
                self._head.append(f'<meta name="viewport" content="{_escaped(content)}">')
        elif name in _FRAMES:
            path = self._links.archived_page(attributes.get(_FRAMES[name]) or "")
            if path:
                shown = _escaped(path.partition("/web/")[2].partition("/")[2])
                self._out.append(f'<a href="{_escaped(path)}" target="_top">{shown}</a>')

    def _link(self, attributes: dict[str, str | None]) -> None:
        rel = (attributes.get("rel") or "").lower().split()
        if "stylesheet" not in rel or "alternate" in rel:
            return
        path = self._links.sheet(attributes.get("href") or "")
        if path:
            media = _media(attributes)
            self._out.append(f'<link rel="stylesheet" href="{_escaped(path)}"{media}>')

    def _attributes(self, node: LexborNode, name: str) -> str:
        attributes = {key.lower(): value or "" for key, value in node.attributes.items()}
        kept = {
            key: value
            for key, value in attributes.items()
            if key in _ATTRIBUTES or key.startswith("aria-")
        }
        if kept.get("type", "").strip().lower() in _BUTTONS:
            kept["type"] = "button"
        if name == "button":
            kept["type"] = "button"
        for key in _PAINT & kept.keys():
            if not _PLAIN_PAINT.fullmatch(kept[key]):
                del kept[key]
        kept |= self._addresses(node, name, attributes)
        return "".join(f' {key}="{_escaped(value)}"' for key, value in kept.items())

    def _addresses(self, node: LexborNode, name: str, attributes: dict[str, str]) -> dict[str, str]:
        """Return the attributes that name an address, as ours; those that lead nowhere are left."""
        found: dict[str, str] = {}
        if attributes.get("style"):
            found["style"] = rewrite_css(attributes["style"], self._links)
        if attributes.get("background"):
            found["background"] = self._links.picture(attributes["background"])
        if name in ("a", "area") and attributes.get("href"):
            found["href"] = self._links.page(attributes["href"])
            if not found["href"].startswith("#"):
                found["target"] = "_top"
        elif name == "img":
            found["src"] = self._picture(node, attributes)
        elif name == "video":
            found["poster"] = self._links.picture(attributes.get("poster", ""))
        elif name == "use":
            reference = attributes.get("href") or attributes.get("xlink:href") or ""
            found["href"] = reference if reference.startswith("#") else ""
        if not found.get("href", "_"):
            found.pop("target", None)
        return {key: value for key, value in found.items() if value}

    def _picture(self, node: LexborNode, attributes: dict[str, str]) -> str:
        """Return the address of the first picture named for a place that is archived."""
        named = _named_pictures(attributes)
        around = node.parent
        if around is not None and around.tag == "picture":
            for source in around.css("source"):
                named += _named_pictures({k: v or "" for k, v in source.attributes.items()})
        # All are asked for, so that all are wanted when the page is read first.
        found = [self._links.picture(one) for one in named]
        archived = [one for one in found if one.startswith("/")]
        return next(iter(archived), "") or next(filter(None, found), "")


def _named_pictures(attributes: dict[str, str]) -> list[str]:
    named = [attributes.get(name, "") for name in _PICTURES]
    for name in _SETS:
        # A comma within an address is not followed by a blank (a rule of the format).
        candidates = re.split(r",\s+|,(?=\s*(?:https?:)?/)", attributes.get(name, ""))
        named += [one.strip().partition(" ")[0] for one in reversed(candidates)]
    return [one for one in named if one]


def _text(node: LexborNode) -> str:
    """Return the text that an element holds itself."""
    texts: list[str] = []
    child = node.first_child
    while child is not None:
        if child.is_text_node:
            texts.append(child.text_content or "")
        child = child.next
    return "".join(texts)


def _media(attributes: dict[str, str | None]) -> str:
    media = attributes.get("media")
    return f' media="{_escaped(media)}"' if media else ""


def _escaped(text: str) -> str:
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], text)
