"""Names of segments, and the free space of the disks they lie on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from archive.segments.files import disk
from archive.segments.names import (
    closed_segments,
    final_name,
    is_closed,
    is_open,
    is_segment,
    open_name,
    open_segments,
)


@pytest.mark.parametrize(
    ("name", "closed", "opened"),
    [
        ("a.warc.gz", True, False),
        ("a.warc.gz.open", False, True),
        ("a.open", False, False),
        ("a.warc", False, False),
        (".a.warc.gz.part", False, False),
        ("fixity.jsonl", False, False),
    ],
)
def test_a_name_says_what_a_file_is(name: str, closed: bool, opened: bool) -> None:
    assert (is_closed(name), is_open(name), is_segment(name)) == (closed, opened, closed or opened)


def test_open_and_final_names_belong_together() -> None:
    assert open_name("a.warc.gz") == "a.warc.gz.open"
    assert final_name("a.warc.gz.open") == final_name("a.warc.gz") == "a.warc.gz"


def test_segments_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("b.warc.gz", "a.warc.gz", "c.warc.gz.open", "d.open", ".e.warc.gz.part"):
        (tmp_path / name).touch()
    assert [path.name for path in closed_segments(tmp_path)] == ["a.warc.gz", "b.warc.gz"]
    assert [path.name for path in open_segments(tmp_path)] == ["c.warc.gz.open"]
    assert closed_segments(tmp_path / "none") == open_segments(tmp_path / "none") == []


def test_free_space_is_that_of_the_nearest_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=1_500_000)

    monkeypatch.setattr(disk.shutil, "disk_usage", usage)
    place = tmp_path / "no" / "folder"
    assert disk.shortage(place, 1_500_000) == ""
    assert disk.shortage(place, 2_000_000) == f"{place} has 1.5 MB free, and 2.0 MB are needed."
    assert asked == [tmp_path, tmp_path]
    assert disk.existing(Path("no/such/folder")) == Path.cwd()
