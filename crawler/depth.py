"""A page's depth, bounded before it is parsed: parser and selectors walk up from each element, so depth squares."""

from __future__ import annotations

import re

#: No page means to nest deeper; browsers end at 512.
DEEPEST = 1_000
#: So few tags do no harm however deep, and few pages have more: below it a page costs one count.
_FEW = 10 * DEEPEST
_NESTING = re.compile(
    r"<(/?)(?:article|aside|b|big|blockquote|center|code|dir|div|dl|em|fieldset|figure|font|footer|form|header|i|ins|main"
    r"|nav|ol|s|section|small|span|strong|sub|sup|table|tbody|td|tr|u|ul)\b[^>]*>",
    re.IGNORECASE,
)


def shallow(html: str | bytes) -> str | bytes:
    """The page without the tags nested deeper than `DEEPEST`; no text is lost. Bytes must be UTF-8."""
    opened = html.count("<") if isinstance(html, str) else html.count(b"<")
    if opened < _FEW:
        return html
    text = html if isinstance(html, str) else html.decode("utf-8", "replace")
    depth = deepest = 0
    for tag in _NESTING.finditer(text):
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        deepest = max(depth, deepest)
        if deepest > DEEPEST:
            return _cut(text)
    return html


def _cut(text: str) -> str:
    depth = 0

    def within(tag: re.Match[str]) -> str:
        nonlocal depth
        before, depth = depth, max(depth - 1, 0) if tag[1] else depth + 1
        return "" if before >= DEEPEST + bool(tag[1]) else tag[0]

    return _NESTING.sub(within, text)
