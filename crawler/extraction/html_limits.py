"""A page's tags, bounded before it is parsed: the parser's work squares with their depth and with their attributes."""

from __future__ import annotations

import re

#: No page means to nest deeper; browsers end at 512.
DEEPEST = 1_000
#: A page as short as this can't hold enough tags, or enough attributes on one, to take more than
#: two seconds; so most pages need not be looked through.
_SHORT = 120_000
#: So few tags do no harm however deep.
_FEW = 10 * DEEPEST
_NESTING = re.compile(  # by first letters: to try each name in turn takes half as long again
    r"<(/?)(?:a(?:rticle|side)|b(?:ig|lockquote)?|c(?:enter|ode)|d(?:i[rv]|l)|em|f(?:ieldset|igure|o(?:nt|oter|rm))"
    r"|header|i(?:ns)?|main|nav|ol|s(?:ection|mall|pan|trong|u[bp])?|t(?:able|body|[dr])|ul?)\b[^>]*>",
    re.IGNORECASE,
)
_LONG_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)[^<>]{10000,}>?")
_MANY_ATTRIBUTES = 1_000


def shallow(html: str | bytes) -> str | bytes:
    """The page without the tags nested deeper than `DEEPEST`; no text is lost. Bytes must be UTF-8.

    A tag with more than a thousand attributes loses them: the parser compares each with all before
    it.
    """
    if len(html) <= _SHORT:
        return html
    text = html if isinstance(html, str) else html.decode("utf-8", "replace")
    bared = _LONG_TAG.sub(_bared, text)
    if bared != text:
        html = text = bared
    if text.count("<") < _FEW:
        return html
    depth = deepest = 0
    for tag in _NESTING.finditer(text):
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        deepest = max(depth, deepest)
        if deepest > DEEPEST:
            return _cut(text)
    return html


def _bared(tag: re.Match[str]) -> str:
    return f"<{tag[1]}>" if len(tag[0].split()) > _MANY_ATTRIBUTES else tag[0]


def _cut(text: str) -> str:
    depth = 0

    def within(tag: re.Match[str]) -> str:
        nonlocal depth
        if tag[1]:
            before, depth = depth, depth - 1 if depth else 0
            return "" if before > DEEPEST else tag[0]
        depth += 1
        return "" if depth > DEEPEST else tag[0]

    return _NESTING.sub(within, text)
