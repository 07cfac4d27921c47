"""Bound a page's tags before it is parsed.

The HTML parser's work grows with the square of the nesting depth and of an element's attributes.
Article pages are repaired, so that no text is lost; a list page beyond its limits is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

#: Attributes of one element. Measured: 150,000 keep the parser busy for 147 s.
MAX_ATTRIBUTES = 1_000
#: Levels of an article page. Browsers stop at 512.
MAX_PAGE_DEPTH = 1_000
#: Levels of a list page. Measured: 1,000 links inside 100,000 open elements keep the parser busy
#: for 39 s, as its time is their product.
MAX_LIST_DEPTH = 256

#: A shorter page cannot hold enough tags, or enough attributes on one, to take more than two
#: seconds; so most pages need not be searched.
_SHORT = 120_000
#: Fewer tags than this do no harm, however deep they nest.
_FEW_TAGS = 10 * MAX_PAGE_DEPTH
_NESTING = re.compile(  # by first letters: trying each name in turn takes half as long again
    r"<(/?)(?:a(?:rticle|side)|b(?:ig|lockquote)?|c(?:enter|ode)|d(?:i[rv]|l)|em"
    r"|f(?:ieldset|igure|o(?:nt|oter|rm))|header|i(?:ns)?|main|nav|ol"
    r"|s(?:ection|mall|pan|trong|u[bp])?|t(?:able|body|[dr])|ul?)\b[^>]*>",
    re.IGNORECASE,
)
_LONG_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)([^<>]{10000,})>?")
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
    if len(html) <= _SHORT:
        return html
    text = html if isinstance(html, str) else html.decode("utf-8", "replace")
    bare = _LONG_TAG.sub(_without_attributes, text)
    if bare != text:
        html = text = bare
    if text.count("<") < _FEW_TAGS:
        return html
    depth = 0
    for tag in _NESTING.finditer(text):
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        if depth > MAX_PAGE_DEPTH:
            return _cut(text)
    return html


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


def _without_attributes(tag: re.Match[str]) -> str:
    return f"<{tag[1]}>" if _too_many(tag[2]) else tag[0]


def _cut(text: str) -> str:
    """Return the text without the tags nested deeper than `MAX_PAGE_DEPTH`."""
    depth = 0

    def keep_or_drop(tag: re.Match[str]) -> str:
        nonlocal depth
        if not tag[1]:
            depth += 1
            return tag[0] if depth <= MAX_PAGE_DEPTH else ""
        level = depth
        depth = max(depth - 1, 0)
        return tag[0] if level <= MAX_PAGE_DEPTH else ""

    return _NESTING.sub(keep_or_drop, text)
