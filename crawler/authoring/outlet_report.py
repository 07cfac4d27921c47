"""What a check of an outlet's file and fixtures found: its faults, as lines and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.authoring.field_sources import SOURCE_FIELDS, sources_of
from crawler.authoring.fixtures import (
    PageReading,
    fixture_files,
    fixture_folder,
    read_fixture,
)
from crawler.model.outlet_check import unfilled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from crawler.authoring.field_sources import SourceMatch
    from crawler.model.layout import Layout
    from crawler.model.outlet import Outlet


@dataclass(frozen=True, slots=True)
class OutletCheck:
    """An outlet, and what its fixtures were read as."""

    outlet: Outlet
    folder: Path
    readings: tuple[PageReading, ...]

    @property
    def faults(self) -> list[str]:
        """What is wrong, a sentence each; nothing if the outlet is as its fixtures say."""
        found = [f"{self.outlet.name}: {name} is not filled in" for name in unfilled(self.outlet)]
        for each in self.readings:
            if each.fault:
                found.append(f"{each.name}: no article was read ({each.fault})")
            elif each.differing:
                names = ", ".join(each.differing)
                found.append(f"{each.name}: not as expected: {names}")
        return found

    @property
    def notes(self) -> list[str]:
        """What is left to do, a sentence each."""
        if not self.readings:
            return [f"there are no fixtures: saved pages in {self.folder}"]
        read = {each.layout for each in self.readings}
        bare = [each.name for each in self.outlet.layouts if each.name not in read]
        notes = [f"no fixture is of the layout {name}" for name in bare]
        unchecked = [each.name for each in self.readings if _lacks_golden(each)]
        return notes + [
            f"{name}: no article is expected of it yet (--accept)" for name in unchecked
        ]

    def by_layout(self) -> Iterator[tuple[Layout, list[PageReading]]]:
        """Yield each layout with the fixtures that it was tried on, those of HTML."""
        for layout in self.outlet.layouts:
            tried = [each for each in self.readings if each.layout == layout.name and each.matches]
            if tried:
                yield layout, tried

    def as_values(self) -> dict[str, object]:
        """Return the check as JSON has it."""
        return {
            "outlet": self.outlet.name,
            "folder": str(self.folder),
            "ok": not self.faults,
            "faults": self.faults,
            "notes": self.notes,
            "layouts": [
                {
                    "layout": layout.name,
                    "fixtures": len(tried),
                    "fields": source_counts(layout, [each.matches for each in tried]),
                }
                for layout, tried in self.by_layout()
            ],
            "fixtures": [_values_of(each) for each in self.readings],
        }


def check_outlet_file(outlet: Outlet) -> OutletCheck:
    """Return what the outlet's fixtures are read as.

    :raises ValueError: what stands beside a fixture is no JSON object.
    """
    folder = fixture_folder(outlet.name)
    readings = tuple(read_fixture(path, outlet) for path in fixture_files(folder))
    return OutletCheck(outlet, folder, readings)


def source_rows(layout: Layout, pages: Sequence[Sequence[SourceMatch]]) -> list[tuple[str, ...]]:
    """Return a row for each source of each field: the pages that have it, and that it is used on.

    ``pages`` are what the layout's sources found on each page.
    """
    return [
        (field, source, str(found), str(used))
        for field, source, found, used in _counts(layout, pages)
    ]


def source_counts(
    layout: Layout, pages: Sequence[Sequence[SourceMatch]]
) -> list[dict[str, object]]:
    """Return the same as JSON has it."""
    return [
        {"field": field, "source": source, "found": found, "used": used}
        for field, source, found, used in _counts(layout, pages)
    ]


def _counts(
    layout: Layout, pages: Sequence[Sequence[SourceMatch]]
) -> Iterator[tuple[str, str, int, int]]:
    for field in SOURCE_FIELDS:
        for source in sources_of(layout, field):
            of_source = [
                match
                for matches in pages
                for match in matches
                if (match.field, match.source) == (field, source)
            ]
            found, used = _number(m.text for m in of_source), _number(m.used for m in of_source)
            yield field, source, found, used


def _number(values: Iterable[object]) -> int:
    return sum(map(bool, values))


def _lacks_golden(reading: PageReading) -> bool:
    return not reading.fault and reading.differing is None


def _values_of(reading: PageReading) -> dict[str, object]:
    return {
        "fixture": reading.name,
        "layout": reading.layout,
        "fault": reading.fault or None,
        "golden": reading.golden,
        "differing": list(reading.differing or ()),
        "empty": list(reading.empty),
    }
