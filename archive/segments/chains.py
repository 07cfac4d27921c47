"""Logs of an archive that several writers keep: one chain a writer, joined for those who read.

A log ``fixity.jsonl`` is the chain of that name, to which all processes append that share a folder,
and the chains ``fixity+WRITER.jsonl``, each of one writer alone: where nothing can be appended to,
as in S3, each writer replaces its own. A line may state under ``seen`` how many bytes of the other
chains were there before it. That orders the lines where clocks differ, and shows that a chain was
cut or deleted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.segments import chained_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDING = ".jsonl"
_WRITER = "+"
#: The field of a line with the lengths of the other chains, by their names.
SEEN = "seen"
#: Fields of a line that are the chain's own.
_OF_CHAIN = frozenset({"chain", SEEN})


class ChainFault(NamedTuple):
    """What is wrong with a chain: its file, the offset of the line (-1 for none), a sentence."""

    file: str
    offset: int
    sentence: str


@dataclass(frozen=True, slots=True)
class ChainLine:
    """A line: its chain's file, its offset there, and its fields without those of the chain."""

    file: str
    offset: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line with the offset behind it and the lengths of other chains that it states."""

    line: ChainLine
    end: int
    seen: dict[str, int]


def chain_of(log: str, writer: str) -> str:
    """Return the name of a writer's chain of a log."""
    return f"{log.removesuffix(_ENDING)}{_WRITER}{writer}{_ENDING}"


def is_chain_of(log: str, name: str) -> bool:
    """Return whether a file is a chain of the log: its own, or that of a writer."""
    start = log.removesuffix(_ENDING) + _WRITER
    return name == log or (
        name.startswith(start) and name.endswith(_ENDING) and len(name) > len(start + _ENDING)
    )


def join(chains: Mapping[str, bytes]) -> tuple[list[ChainLine], list[ChainFault]]:
    """Return the lines of all chains in the order in which they were written, and the faults.

    Lines that no other states to have seen are ordered by their field ``at``.
    """
    placed: dict[str, list[_Placed]] = {}
    faults: list[ChainFault] = []
    for name, data in sorted(chains.items()):
        lines, wrong = chained_log.read_lines(data)
        faults += [ChainFault(name, at, sentence) for at, sentence in wrong]
        placed[name] = [_place(name, at, fields, data) for at, fields in lines]
    for name, lines_of_it in placed.items():
        faults += _cut(name, lines_of_it, chains)
    return [one.line for one in _in_order(placed)], faults


def lengths_seen(own: bytes, others: Mapping[str, int]) -> dict[str, int]:
    """Return what the next line states of the lengths of the other chains, given its own chain.

    That is what no earlier line of it has stated.
    """
    known: dict[str, int] = {}
    for _, fields in chained_log.read_lines(own)[0]:
        known |= _seen(fields)
    return {name: size for name, size in sorted(others.items()) if size > known.get(name, 0)}


def _place(name: str, at: int, fields: dict[str, Any], data: bytes) -> _Placed:
    own = {key: value for key, value in fields.items() if key not in _OF_CHAIN}
    return _Placed(ChainLine(name, at, own), data.index(b"\n", at) + 1, _seen(fields))


def _seen(fields: dict[str, Any]) -> dict[str, int]:
    """Return what a line states of the lengths of other chains."""
    found = fields.get(SEEN)
    if not isinstance(found, dict):
        return {}
    return {str(name): size for name, size in found.items() if isinstance(size, int)}


def _cut(name: str, lines: list[_Placed], chains: Mapping[str, bytes]) -> Iterator[ChainFault]:
    """Yield faults of other chains that lack what lines of this one have seen of them."""
    wanted: dict[str, int] = {}
    for one in lines:
        for other, size in one.seen.items():
            wanted[other] = max(size, wanted.get(other, 0))
    for other, size in wanted.items():
        data = chains.get(other)
        if data is None:
            yield ChainFault(other, -1, f"It is missing; {name} refers to {size} bytes of it.")
        elif len(data) < size:
            sentence = f"It has {len(data)} bytes; {name} refers to {size} bytes of it."
            yield ChainFault(other, -1, sentence)


def _in_order(chains: dict[str, list[_Placed]]) -> Iterator[_Placed]:
    """Yield the lines so that each follows what it has seen, the earlier first where both may."""
    waiting = {name: deque(lines) for name, lines in chains.items() if lines}
    reached = dict.fromkeys(waiting, 0)
    while waiting:
        heads = [(str(lines[0].line.fields.get("at")), name) for name, lines in waiting.items()]
        # none is ready only where lines were changed, which is a fault already
        ready = [head for head in heads if _is_ready(waiting[head[1]][0], waiting, reached)]
        _, name = min(ready or heads)
        first = waiting[name].popleft()
        reached[name] = first.end
        if not waiting[name]:
            del waiting[name]
        yield first


def _is_ready(one: _Placed, waiting: Mapping[str, object], reached: Mapping[str, int]) -> bool:
    """Return whether all that a line has seen is before it, or is not there at all."""
    return all(name not in waiting or reached[name] >= size for name, size in one.seen.items())
