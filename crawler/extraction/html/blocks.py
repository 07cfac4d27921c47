"""Lay out an element's text in lines, in document order: paragraphs, list items, table rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from selectolax.lexbor import LexborNode

#: Marks while text is collected; no page prints these. Line ends of the source are white space.
_BREAK = "\u2028"
_ROW, _CELL, _ROW_END = "\ufdd0", "\ufdd1", "\ufdd2"
_LINK, _LINK_END = "\ufdd3", "\ufdd4"
_MARKS = re.compile(f"([{_BREAK}{_ROW}{_CELL}{_ROW_END}])")
_LINKS = re.compile(f"([{_LINK}{_LINK_END}])")
_OPENING = {"tr": _ROW, "td": _CELL, "th": _CELL}
_CLOSING = {"tr": _ROW_END}
BLOCK_TAGS = frozenset(
    (  # noqa: SIM905  (a list of 50 quoted words hides them)
        "address article aside blockquote br button caption center dd details dialog div dl dt"
        " fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main"
        " menu nav ol optgroup option p pre section select summary table tbody td tfoot th thead"
        " tr ul"
    ).split()
)
#: Elements whose text is never the page's: a browser shows none of it.
_SILENT = frozenset(
    (  # noqa: SIM905  (a list of quoted words hides them)
        "script style iframe noscript template head svg audio video object canvas"
    ).split()
)
#: A cell with several lines and more characters than this holds prose: its row lays out a page.
_PROSE = 120
_CELLS_JOINED = " | "
_A_LETTER = re.compile(r"[^\W\d_]")
#: A headline ends otherwise; a sentence that is one link is the reporter's.
_SENTENCE = re.compile(r"[다요][.”\"’']*\.[”\"’')]*$")


def lines_of(node: LexborNode) -> list[str]:
    """Return the node's text as a browser lays it out, one line for each block element or <br>.

    A table row is one line, with its cells separated.
    """
    at = node.first_child
    if at is None:
        return []
    if at.next is None and at.tag == "-text":  # most paragraphs hold one text and nothing else
        text = at.text_content or ""
        line = " ".join(text.split()) if "\n" in text else text.strip()
        return [line] if line else []
    return _laid_out("".join(_texts_from(at, ())))


def lines_and_links(node: LexborNode, links: Collection[int]) -> tuple[list[str], set[int]]:
    """Return the node's lines, and the indices of those that are nothing but links.

    ``links`` are the ids of the elements that are such links. A date or a number beside the link
    is part of a list's item; a whole sentence is none.
    """
    at = node.first_child
    if at is None:
        return [], set()
    if not links:
        return _lines_of_blocks(node), set()
    marked = _laid_out("".join(_texts_from(at, links)))
    lines: list[str] = []
    linked: set[int] = set()
    inside = False
    for text in marked:
        line, is_linked, inside = _without_links(text, inside=inside)
        if not line:
            continue
        if is_linked and not _SENTENCE.search(line):
            linked.add(len(lines))
        lines.append(line)
    return lines, linked


def outermost(nodes: list[LexborNode]) -> list[LexborNode]:
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


def _lines_of_blocks(node: LexborNode) -> list[str]:
    """Return the lines of a node: child by child where its children are blocks, as mostly."""
    lines: list[str] = []
    child = node.first_child
    while child is not None:
        tag = child.tag
        if tag in BLOCK_TAGS:
            lines += lines_of(child)
        elif tag in _SILENT or tag == "-comment":
            pass
        elif tag != "-text" or not (child.text_content or "").isspace():
            return lines_of(node)
        child = child.next
    return lines


def _without_links(text: str, *, inside: bool) -> tuple[str, bool, bool]:
    """Return the line without marks, whether its letters are all linked, and the state behind."""
    is_linked, outside = False, ""
    parts: list[str] = []
    for part in _LINKS.split(text):
        if part in (_LINK, _LINK_END):
            inside = part == _LINK
        elif inside:
            parts.append(part)
            is_linked = is_linked or bool(part.strip())
        else:
            parts.append(part)
            outside += part
    line = " ".join("".join(parts).split())
    return line, is_linked and not _A_LETTER.search(outside), inside


def _texts_from(first: LexborNode, links: Collection[int]) -> list[str]:
    """Return the texts of a node, its following siblings and all they hold, and marks.

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
            if tag not in _SILENT:
                child = at.first_child
            if tag in BLOCK_TAGS:
                parts.append(_BREAK if child is None else _OPENING.get(tag or "", _BREAK))
            elif links and child is not None and at.mem_id in links:
                parts.append(_LINK)
        if child is not None:
            at, depth = child, depth + 1
        else:
            at, depth = _following(at, depth, parts, links)
    return parts


def _following(
    node: LexborNode, depth: int, parts: list[str], links: Collection[int]
) -> tuple[LexborNode | None, int]:
    """Return the node after the end of this one, and its depth; None at the end of the text."""
    following = node.next
    while following is None:
        depth -= 1
        parent = node.parent
        if not depth or parent is None:
            return None, 0
        tag = parent.tag
        if tag in BLOCK_TAGS:
            parts.append(_CLOSING.get(tag or "", _BREAK))
        elif links and parent.mem_id in links:
            parts.append(_LINK_END)
        node, following = parent, parent.next
    return following, depth


def _laid_out(text: str) -> list[str]:
    """Return the lines of a marked text, each table row as one line."""
    if _ROW not in text:
        return list(filter(None, map(_collapsed, text.split(_BREAK))))
    lines: list[str] = []
    rows: list[list[list[str]]] = []  # the open rows, each with its cells, each with its lines
    for token in _MARKS.split(text):
        if token == _ROW:
            rows.append([[]])
        elif token == _CELL and rows:
            rows[-1].append([])
        elif token == _ROW_END and rows:
            row = _row(rows.pop())
            (rows[-1][-1] if rows else lines).extend(row)
        elif not _MARKS.fullmatch(token):
            (rows[-1][-1] if rows else lines).extend(filter(None, [_collapsed(token)]))
    for cells in rows:  # marks that the page itself prints
        lines.extend(_row(cells))
    return lines


def _row(cells: list[list[str]]) -> list[str]:
    """Return a row of values as one line, one that lays out a page as the lines of its cells."""
    full = [cell for cell in cells if cell]
    is_layout = any(len(cell) > 1 and sum(map(len, cell)) > _PROSE for cell in full)
    if len(full) < 2 or is_layout:
        return [line for cell in full for line in cell]
    return [_CELLS_JOINED.join(" ".join(cell) for cell in full)]


def _collapsed(text: str) -> str:
    """Return the text with the source's line ends as spaces.

    Other white space is left to the normaliser.
    """
    return " ".join(text.split()) if "\n" in text else text.strip()
