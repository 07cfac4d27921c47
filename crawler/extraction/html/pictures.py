"""Find the pictures of a body: their addresses and printed captions."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from crawler.extraction.html.blocks import lines_of, outermost
from crawler.model.layout import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selectolax.lexbor import LexborNode

#: What HTML itself has for a picture with a caption; every layout is read with it too.
FIGURE = Figure(box="figure", caption="figcaption")
#: Pages with lazy loading have the address in one of these, and a placeholder in src.
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy")
_SETS = ("data-srcset", "srcset")
_PLACEHOLDER = re.compile(
    r"(?:data|about|blob|javascript):|#|(?:[^?#]*/)?(?:blank|spacer|pixel|transparent|placeholder"
    r"|loading|lazy(?:load)?|clear|dummy|no[-_]?im(?:g|age)|\d{1,2}x\d{1,2})(?:[-_.]\d{1,4}x?\d{0,4})?"
    r"\.(?:gif|png|svg|jpe?g|webp)(?:[?#].*)?\Z",
    re.IGNORECASE,
)
#: `(사진=뉴시스)`, `사진제공=달빛마을도서관`, `[그래픽: 한누리]`: a caption without the outlet's
#: sign.
_CREDIT = re.compile(r"[(\[]?\s?(?:사진|그래픽|이미지|자료|출처)(?:\s?제공)?\s?[=:].{1,80}")
_ENDED = re.compile(r"[.다)\]”\"’']$")
#: What no address may hold as it is: controls, and marks that turn the direction of text.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]+"
)
#: An absolute address to which resolving and escaping would do nothing, as most are.
_PLAIN = re.compile(r"https?://[a-z0-9.-]+(?:/[A-Za-z0-9_%~-][A-Za-z0-9_%~.-]*)+")
#: Levels of a box that are searched for its captions.
_LEVELS = 20


def take_figures(
    body: LexborNode, figure: Figure, patterns: Sequence[str], base: str
) -> list[tuple[str, str]]:
    """Remove captions and their pictures from the boxes; return address and caption by caption.

    What a box holds besides is left in the body. ``patterns`` are the outlet's captions; ``base``
    is the address that relative addresses refer to.
    """
    found: list[tuple[str, str]] = []
    boxes = [box for box in body.css(figure.box) if box.mem_id != body.mem_id]
    for box in outermost(boxes):
        images = list(_images(box))
        nodes = outermost(box.css(figure.caption)) if figure.caption else []
        captions = [line for line in (" ".join(lines_of(node)) for node in nodes) if line]
        if not captions:
            captions = _caption_lines(box, patterns, known=not figure.caption, images=len(images))
            nodes = _nodes_of(box, set(captions)) if captions else []
        if not captions:
            continue
        found += _paired(addresses_of(images, base), captions)
        for node in outermost([*nodes, *images]):
            node.decompose()
    return found


def pictures_without_caption(body: LexborNode, base: str) -> list[tuple[str, str]]:
    """Return the addresses of the body's pictures, each with an empty caption."""
    return [(address, "") for address in addresses_of(_images(body), base)]


def addresses_of(images: Iterator[LexborNode] | Sequence[LexborNode], base: str) -> list[str]:
    """Return the addresses of the pictures in order, without those that only hold the place."""
    sets: dict[int, list[str]] = {}
    found = (_address(image, sets) for image in images)
    return list(dict.fromkeys(_resolved(address, base) for address in found if address))


def _images(box: LexborNode) -> Iterator[LexborNode]:
    """Yield the <img> of a box, and each <picture> that holds none."""
    nodes = box.css("img, picture")
    around: set[int] = set()
    for node in nodes:
        if node.tag == "img":
            _add_ancestors(node, around)
    return (node for node in nodes if node.tag == "img" or node.mem_id not in around)


def _add_ancestors(node: LexborNode, known: set[int]) -> None:
    """Add the ids of a node's ancestors, up to one whose ancestors are known."""
    at = node.parent
    while at is not None and at.mem_id not in known:
        known.add(at.mem_id)
        at = at.parent


def _address(image: LexborNode, sets: dict[int, list[str]]) -> str:
    """Return the printed address of an <img> or a <picture> without one, or ``""``.

    ``sets`` are the addresses that the sources of each <picture> name, read once.
    """
    for candidate in _candidates(image, sets):
        address = (candidate or "").strip()
        if address and not _PLACEHOLDER.match(address):
            return address
    return ""


def _candidates(image: LexborNode, sets: dict[int, list[str]]) -> Iterator[str | None]:
    """Yield what may be the picture's address, the likeliest first."""
    attributes = image.attributes
    for name in (*_LAZY, "src"):
        yield attributes.get(name)
    yield from _largest_of_sets(image)
    picture = image if image.tag == "picture" else image.parent
    if picture is not None and picture.tag == "picture":
        if picture.mem_id not in sets:
            sources = (node for node in picture.iter() if node.tag == "source")
            named = [each for node in sources for each in _largest_of_sets(node)]
            # Of those that only hold the place none is asked again by the next image.
            real = (each for each in named if each and not _PLACEHOLDER.match(each))
            sets[picture.mem_id] = list(islice(real, 1))
        yield from sets[picture.mem_id]


def _largest_of_sets(node: LexborNode) -> Iterator[str]:
    attributes = node.attributes
    return (_largest(attributes.get(name)) for name in _SETS)


def _largest(srcset: str | None) -> str:
    """Return the address with the greatest width or density in a ``srcset``, or ``""``."""
    best, size = "", -1.0
    # A comma within an address is not followed by a space (a rule of the format).
    for candidate in re.split(r",\s+|,(?=\s*(?:https?:)?/)", srcset or ""):
        address, _, descriptor = candidate.strip().partition(" ")
        number = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)[wx]", descriptor.strip())
        worth = float(number[1]) if number else 1.0
        if address and worth > size:
            best, size = address, worth
    return best


@lru_cache(maxsize=64)  # a page shows a picture in several places
def _resolved(address: str, base: str) -> str:
    """Return an address made absolute, as far as it is one; what does not print is escaped."""
    if _PLAIN.fullmatch(address):
        return address
    with suppress(ValueError):
        address = urljoin(base, address)
    return _UNPRINTABLE.sub(lambda found: quote(found[0], errors="replace"), address)


def _paired(addresses: list[str], captions: list[str]) -> list[tuple[str, str]]:
    """Return each caption with its picture; of several they are paired in order."""
    if len(addresses) == len(captions):
        return list(zip(addresses, captions, strict=True))
    first = addresses[0] if addresses else ""
    return [(first, caption) for caption in captions] + [(more, "") for more in addresses[1:]]


def _caption_lines(
    box: LexborNode, patterns: Sequence[str], *, known: bool, images: int
) -> list[str]:
    """Return the lines of a box that are captions: the outlet's, credits, else the first ones.

    A box whose end tag is missing holds paragraphs too; they are none. Only in a box that is
    ``known`` to have captions without an element of their own are the first lines taken.
    """
    if not known and not images:
        return []
    lines = lines_of(box)
    captions: list[str] = []
    continued = False
    for line in lines:
        if continued or _CREDIT.fullmatch(line) or _is_caption(line, patterns):
            captions.append(line)
            continued = not _ENDED.search(line)
    if captions or not known:
        return captions
    return lines if len(lines) <= 2 * max(1, images) else lines[:1]


def _is_caption(line: str, patterns: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, line, re.DOTALL) for pattern in patterns)


def _nodes_of(box: LexborNode, captions: set[str]) -> list[LexborNode]:
    """Return the nodes within a box that hold nothing but captions."""
    found: list[LexborNode] = []
    level = [box]
    for _ in range(_LEVELS):
        deeper: list[LexborNode] = []
        for node in level:
            for child in _children(node):
                lines = _own_lines(child)
                if lines and captions.issuperset(lines):
                    found.append(child)
                elif not captions.isdisjoint(lines):
                    deeper.append(child)
        level = deeper
    return found


def _own_lines(node: LexborNode) -> list[str]:
    if node.tag == "-text":
        text = " ".join((node.text_content or "").split())
        return [text] if text else []
    return lines_of(node)


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        following = child.next
        yield child
        child = following
