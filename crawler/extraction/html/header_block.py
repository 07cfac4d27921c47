"""Read the header block of an article: the text between its headline and its body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.text import clean, clean_lines

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_SILENT = frozenset(("script", "style", "iframe", "noscript", "template", "head"))
_INLINE = frozenset(
    ("-text", "a", "b", "em", "font", "i", "mark", "small", "span", "strong", "time", "u")
)
#: Bounds of the walk, for pages whose headline is not found before the body.
_MOST_NODES = 2000
_MOST_TEXT = 600


def text_before(body: LexborNode, headline: str) -> str:
    """Return the lines before the body, back to the headline or for 600 characters.

    Layouts know the elements of some times only, but all pages print them in this block.
    """
    wanted = clean(headline)
    parts: list[str] = []
    length = 0
    at = body
    entered = False
    for _ in range(_MOST_NODES):
        if length > _MOST_TEXT:
            break
        before, is_parent = _previous(at, entered=entered)
        if before is None:
            break
        at = before
        tag = at.tag
        entered = not is_parent and tag not in _SILENT
        if tag == "-text":
            text = (at.text_content or "").replace("\n", " ")
            # Composed text is never longer than it was, so most need not be cleaned.
            if wanted and len(text) >= len(wanted) and clean(text) == wanted:
                break
            parts.append(text)
            length += len(text.strip())
        elif tag not in _INLINE:
            parts.append("\n")
    return "\n".join(clean_lines("".join(reversed(parts))))


def _previous(node: LexborNode, *, entered: bool) -> tuple[LexborNode | None, bool]:
    """Return the next node of a walk against document order, and whether it is the parent.

    A parent is returned once all before the node in it was. ``entered`` is whether the children of
    the node are next.
    """
    before = node.last_child if entered else None
    if before is None:
        before = node.prev
    return (node.parent, True) if before is None else (before, False)
