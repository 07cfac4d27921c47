"""Inputs made from samples: parts taken out, doubled, moved, torn, and words put between them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.support.fuzzing.samples import WORDS, samples

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where a sample is taken apart: tags, white space, signs.
_PARTS = re.compile(rb"<[^<>]*>|[^\s<>]+|\s+|[<>]")
_LONGEST = 2**17


def parts_of(data: bytes) -> list[bytes]:
    """Take a sample apart; joined again its parts are the sample."""
    return _PARTS.findall(data)


@st.composite
def mutated(draw: st.DrawFn, target: str, most: int = 6) -> bytes:
    """Return a sample of the target with up to ``most`` changes."""
    given = draw(st.sampled_from(samples(target)))
    parts = parts_of(given)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(0, len(parts) - 1)))
        change = draw(st.sampled_from(_CHANGES))
        change(draw, target, parts, at)
    return b"".join(parts)[:_LONGEST]


def _drop(draw: st.DrawFn, _: str, parts: list[bytes], at: int) -> None:
    del parts[at : at + draw(st.integers(1, 12))]


def _double(draw: st.DrawFn, _: str, parts: list[bytes], at: int) -> None:
    span = parts[at : at + draw(st.integers(1, 8))]
    parts[at:at] = span * draw(st.sampled_from((1, 2, 9, 200)))


def _move(draw: st.DrawFn, _: str, parts: list[bytes], at: int) -> None:
    end = at + draw(st.integers(1, 8))
    span = parts[at:end]
    del parts[at:end]
    to = draw(st.integers(0, len(parts)))
    parts[to:to] = span


def _insert(draw: st.DrawFn, target: str, parts: list[bytes], at: int) -> None:
    word = draw(st.sampled_from(WORDS[target]))
    parts.insert(at, word * draw(st.sampled_from((1, 1, 1, 2, 40, 2000))))


def _replace(draw: st.DrawFn, target: str, parts: list[bytes], at: int) -> None:
    parts[at : at + 1] = [draw(st.sampled_from(WORDS[target]))]


def _tear(draw: st.DrawFn, _: str, parts: list[bytes], at: int) -> None:
    """Change some bytes of a part, or cut it."""
    if parts:
        part = bytearray(parts[at])
        place = draw(st.integers(0, len(part)))
        part[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
        parts[at] = bytes(part)


def _cut(draw: st.DrawFn, _: str, parts: list[bytes], at: int) -> None:
    if draw(st.booleans()):
        del parts[at:]
    else:
        del parts[:at]


def _splice(draw: st.DrawFn, target: str, parts: list[bytes], at: int) -> None:
    """Put a piece of another sample in."""
    other = parts_of(draw(st.sampled_from(samples(target))))
    start = draw(st.integers(0, max(0, len(other) - 1)))
    parts[at:at] = other[start : start + draw(st.integers(1, 60))]


def _write(draw: st.DrawFn, _: str, parts: list[bytes], at: int) -> None:
    parts.insert(at, draw(st.text(max_size=12)).encode("utf-8", "surrogatepass"))


_CHANGES: tuple[Callable[[st.DrawFn, str, list[bytes], int], None], ...] = (
    _drop, _double, _move, _insert, _replace, _tear, _tear, _cut, _splice, _write,
)  # fmt: skip
