"""Bound a page's tags before it is parsed.

The HTML parser's work grows with the square of the nesting depth and of an element's attributes.
Article pages are repaired, so that no text is lost; a list page beyond its limits is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from io import StringIO
from typing import Literal

#: Attributes of one element. Measured: 150,000 keep the parser busy for 147 s.
MAX_ATTRIBUTES = 1_000
#: Levels of an article page. Browsers stop at 512.
MAX_PAGE_DEPTH = 1_000
#: Levels of a list page. Measured: 1,000 links inside 100,000 open elements keep the parser busy
#: for 39 s, as its time is their product.
MAX_LIST_DEPTH = 256

#: A shorter page cannot hold enough attributes on one tag to take more than two seconds; so most
#: pages need not be searched.
_SHORT = 120_000
#: Fewer tags than this do no harm, however deep they nest: half a second. Real pages have some
#: 3,000.
_FEW_TAGS = 6 * MAX_PAGE_DEPTH
#: Elements whose nesting takes the parser's time: blocks, each of which it looks for an open <p>
#: in, and formatting, which it opens anew in each of them.
_NESTING = frozenset(
    (  # noqa: SIM905  (a list of 60 quoted words hides them)
        "a address article aside b big blockquote center code details dialog dir div dl em fieldset"
        " figcaption figure font footer form header hgroup i ins listing main menu nav ol pre rb rp"
        " rt rtc s search section small span strike strong sub summary sup table tbody td tr tt u"
        " ul"
    ).split()
)
#: A page of this length may hold enough attributes in tags that do not look like long ones.
_USUAL = 250_000
_LONG_TAG = re.compile(r"<[A-Za-z][^<>]{10000,}")
#: A comment, or a tag as the HTML Standard reads it: a quote opens a value only behind an equals
#: sign.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<closing>/?)(?P<name>[A-Za-z][^\s/>]*+)"
    r"(?P<attributes>(?:[\s/]++|[^\s/>][^\s/>=]*+"
    r"""(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?)?)*+)(?:>|\Z)""",
    re.DOTALL,
)
#: Elements that hold no tags, but text up to their own end tag.
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
#: Possessive, and an end for whatever is not closed: linear in any text.
_TAG = re.compile(
    r"""<(/?)([A-Za-z][^\s/>]*+)((?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z)"""
)
_ATTRIBUTE = re.compile(
    r"""[^\s/=]++(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s"'][^\s]*+)?)?"""
)
#: Elements that have no end tag, or may lack it and then do not nest.
_NOT_NESTED = frozenset(
    (  # noqa: SIM905  (a list of 30 quoted words hides them)
        "area base br col embed hr img input link meta param source track wbr"
        " body dd dt head html li optgroup option p rp rt tbody td tfoot th thead tr"
    ).split()
)


def bound_tags(html: str | bytes) -> str | bytes:
    """Return the page without the tags nested deeper than `MAX_PAGE_DEPTH`; bytes must be UTF-8.

    A tag with more than `MAX_ATTRIBUTES` attributes loses all of them. No text is lost.
    """
    has_few_tags = _count_tags(html) < _FEW_TAGS
    if has_few_tags and len(html) <= _SHORT:
        return html
    text = html if isinstance(html, str) else html.decode("utf-8", "replace")
    if has_few_tags and len(text) < _USUAL and not _LONG_TAG.search(text):
        return html
    bounded = _bounded(text)
    return html if bounded == text else bounded


def _count_tags(html: str | bytes) -> int:
    """Return how many signs of the page may begin a tag."""
    if isinstance(html, str):
        return html.count("<")
    # `count` compares byte by byte; `replace` finds them as `find` does, in half the time.
    return len(html) - len(html.replace(b"<", b""))


def _bounded(text: str) -> str:
    levels = _Levels()
    bounded = StringIO()  # a list of half a million parts would take twenty times the page's length
    at = end = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        if token["name"] is None:  # a comment
            continue
        name, is_closing = token["name"].lower(), bool(token["closing"])
        if name in _RAW and not is_closing:
            closing = _RAW[name].search(text, at)
            at = closing.start() if closing else len(text)
        if not levels.takes(name, is_closing=is_closing):
            tag = ""
        elif _too_many(token["attributes"]):
            tag = f"<{token['closing']}{name}>"
        else:
            continue
        bounded.write(text[end : token.start()])
        bounded.write(tag)
        end = token.end()
    bounded.write(text[end:])
    return bounded.getvalue()


class _Levels:
    """The open elements of `_NESTING`, while the tags of a page are passed."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._depth = 0

    def takes(self, name: str, *, is_closing: bool) -> bool:
        """Pass a tag; return whether its level is within `MAX_PAGE_DEPTH`.

        An end tag ends nothing where no element of its name is open.
        """
        if name not in _NESTING or (is_closing and not self._open[name]):
            return True
        step = -1 if is_closing else 1
        level = max(self._depth, self._depth + step)
        self._open[name] += step
        self._depth += step
        return level <= MAX_PAGE_DEPTH


def exceeded_limit(html: str) -> Literal["", "attributes", "depth"]:
    """Return which limit of list pages the page exceeds, found in one pass and without a tree."""
    open_elements: Counter[str] = Counter()
    depth = 0
    for tag in _TAG.finditer(html):
        closing, name, attributes = tag.groups()
        name = name.lower()
        if _too_many(attributes):
            return "attributes"
        if name in _NOT_NESTED or (attributes.endswith("/") and open_elements["svg"]):
            continue
        if not closing:
            open_elements[name] += 1
            depth += 1
        elif open_elements[name]:
            open_elements[name] -= 1
            depth -= 1
        if depth > MAX_LIST_DEPTH:
            return "depth"
    return ""


def _too_many(attributes: str) -> bool:
    if len(attributes) <= MAX_ATTRIBUTES:
        return False
    return sum(1 for _ in _ATTRIBUTE.finditer(attributes)) > MAX_ATTRIBUTES
