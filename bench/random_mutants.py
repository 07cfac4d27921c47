"""Damage saved pages at random and read them: nothing may crash, no line of a widget be kept.

    python -m bench.random_mutants [--number 10000] [--seed 1] [--wrong]

Each page in seeds/ is damaged in turn, in one to three places: bits flipped, bytes lost, doubled,
exchanged or cut off, tags lost, marks and characters put in. Printed are what became of them, how
many lines of widgets are in how many bodies, and the longest reading. Exit status 1 if there is a
line, an exception, or a reading of more than 5 CPU seconds. A line is counted too where bytes of a
widget were doubled or exchanged into the text, which no reader can know from the text.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random
from time import process_time
from typing import TYPE_CHECKING

from bench.extraction.cases import fixture_corpus
from bench.extraction.measures import Reading, widget_lines_kept
from crawler.extraction.reading import read_by_layouts
from crawler.extraction.recognise import outlet_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.extraction.cases import Case

#: CPU seconds that reading a page may take.
_LONGEST = 5.0
#: What is put in: marks of HTML, of text and of neither.
_MARKS = (b"<", b">", b'"', b"'", b"&", b"</", b"<!--", b"-->", b"<![CDATA[", b"\0", b"\xff", b"\xe2\x80\xae", b"\r\n", b"<p>", b"</div>", b"<script>", b"<style>", b"<table>", b"<svg>", b"<template>")  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What became of the damaged pages: ``kept`` are the lines of widgets by page."""

    read: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)
    longest: float = 0.0


def _flip(data: bytearray, random: Random) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _lose(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data))
    del data[start : start + random.randint(1, 200)]


def _double(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data))
    part = data[start : start + random.randint(1, 400)]
    data[start:start] = part * random.choice((1, 1, 1, 50))


def _exchange(data: bytearray, random: Random) -> None:
    first, second = sorted(random.sample(range(len(data)), 2))
    size = random.randint(1, max(1, min(300, second - first)))
    data[first : first + size], data[second : second + size] = (
        data[second : second + size],
        data[first : first + size],
    )


def _cut(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data) // 2, len(data)) :]


def _lose_tag(data: bytearray, random: Random) -> None:
    start = data.find(b"<", random.randrange(len(data)))
    end = data.find(b">", start)
    if 0 <= start < end:
        del data[start : end + 1]


def _put_in(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at:at] = random.choice(_MARKS)


_DAMAGES: tuple[Callable[[bytearray, Random], None], ...] = (
    _flip, _lose, _double, _exchange, _cut, _lose_tag, _put_in,
)  # fmt: skip


def damaged(page: bytes, random: Random) -> bytes:
    """Return a page damaged in one to three places."""
    data = bytearray(page)
    for _ in range(random.randint(1, 3)):
        random.choice(_DAMAGES)(data, random)
        data = data or bytearray(b" ")
    return bytes(data)


def read_mutants(number: int, seed: int) -> Tally:
    """Read so many damaged pages."""
    cases = fixture_corpus().cases
    tally = Tally()
    for at in range(number):
        case = cases[at % len(cases)]
        _read(case, damaged(case.exchange.body, Random(f"{seed} {at}")), f"{case.name} {at}", tally)
    return tally


def _read(case: Case, page: bytes, name: str, tally: Tally) -> None:
    outlet = outlet_for(case.exchange)
    assert outlet is not None, name
    start = process_time()
    try:
        read = read_by_layouts(replace(case.exchange, body=page), outlet, name)
    except Exception as error:  # noqa: BLE001 - what no page may cause
        tally.wrong.append(f"{name}: {error!r}")
        return
    taken = process_time() - start
    tally.longest = max(tally.longest, taken)
    if taken > _LONGEST:
        tally.wrong.append(f"{name}: {taken:.1f} s")
    if read.article is None:
        tally.read[str(read.verdict)] += 1
        return
    tally.read["article"] += 1
    reading = Reading(body=read.article.body)
    lines = widget_lines_kept(reading, case.expected)
    if lines:
        tally.kept[name] = lines


def main() -> int:
    """Print what became of the pages; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wrong", action="store_true", help="print all that is wrong")
    options = parser.parse_args()
    tally = read_mutants(options.number, options.seed)
    for name, count in tally.read.most_common():
        print(f"{count:6} {name}")
    kept = [f"{name}: {line}" for name, lines in tally.kept.items() for line in lines]
    for line in tally.wrong + kept if options.wrong else tally.wrong:
        print(line)
    print(
        f"{options.number} damaged pages; {len(tally.wrong)} wrong, {len(kept)} lines of widgets in "
        f"{len(tally.kept)} bodies; the longest took {tally.longest:.2f} CPU s"
    )
    return 1 if tally.wrong or kept else 0


if __name__ == "__main__":
    sys.exit(main())
