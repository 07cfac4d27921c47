"""Parts of a reindex: each outlet is of one, and together they read every record once, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.reindex.builder import IndexBuilder
from archive.reindex.progress import Unread, divide_among_parts, parts_left, unread
from archive.reindex.shares import Share, divide
from archive.reindex.spans import END, Span, list_segments
from crawler.offline.workers import outlets_in, read_span
from tests.support.archives.reindex import of_the_seeds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_each_outlet_is_of_one_part_and_the_parts_are_alike(number: int) -> None:
    sizes = {f"outlet{size}": size for size in (50, 40, 30, 20, 10, 0)}
    parts = divide(sizes, number)
    assert parts.keys() == sizes.keys()
    assert set(parts.values()) == set(range(1, min(number, len(sizes)) + 1))
    loads = [
        sum(sizes[outlet] for outlet, own in parts.items() if own == part)
        for part in set(parts.values())
    ]
    if number == 2:
        assert sorted(loads) == [70, 80]
    if number == 3:
        assert loads == [50, 50, 50]


def test_an_outlet_that_is_in_no_part_is_read_by_the_first_of_a_segment() -> None:
    shares = [Share(number, {"a": 1, "b": 2}, is_first=number == 1) for number in (1, 2)]
    assert [share.has("a") for share in shares] == [True, False]
    assert [share.has("b") for share in shares] == [False, True]
    assert [share.has("") for share in shares] == [True, False]


def test_the_parts_of_a_segment_with_several_outlets_are_all_of_its_records(
    tmp_path: Path,
) -> None:
    (segment,) = list_segments(of_the_seeds(tmp_path).archive)
    sizes = outlets_in(segment)
    assert len(sizes) > 1
    whole = read_span(Span(segment, 0, END))
    parts = divide(sizes, 2)
    of_parts = [
        read_span(Span(segment, 0, END, share=Share(part, parts, is_first=part == 1))).captures
        for part in (1, 2)
    ]
    for part, own in enumerate(of_parts, 1):
        assert own == [one for one in whole.captures if parts[one.capture["outlet"]] == part]
        assert own
    assert sum(map(len, of_parts)) == len(whole.captures)


def test_what_is_left_is_known_by_part(tmp_path: Path) -> None:
    workspace = of_the_seeds(tmp_path)
    (segment,) = list_segments(workspace.archive)
    with IndexBuilder(workspace.index_url, "state") as builder:
        assert builder.unread([segment]) == [Unread(segment, 0)]
        builder.write(Span(segment, 0, 500), 500, [], [])
        (whole,) = builder.unread([segment])
        assert whole == Unread(segment, 500)
        with builder.index.writing() as connection:
            divide_among_parts(connection, [(whole, {"a": 3, "b": 2, "c": 1})], 2)
            left = unread(connection, [segment])
            assert [(one.start, one.share and one.share.number) for one in left] == [
                (500, 1),
                (500, 2),
            ]
            assert [one.share and one.share.is_first for one in left] == [True, False]
            assert unread(connection, [segment], 2) == left[1:]
            assert parts_left(connection) == [1, 2]
        builder.write(Span(segment, 500, END, share=left[0].share), END, [], [])
        assert builder.parts_left() == [2]
        assert builder.unread([segment]) == left[1:]
        assert builder.number_of_parts() == 2
