"""What is known of an outlet and how sure it is, in words: on real pages, or from facts only."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from crawler.model.layout import BYLINES, HEADLINE, MODIFIED, PUBLISHED, SECTION, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from crawler.model.channels import Channel
    from crawler.model.outlet import Outlet

#: The fields of an article that a layout may name sources of, in the order of the documentation.
FIELDS = (
    *("headline", "subheadlines", "published", "modified", "bylines", "emails", "section", "tags"),
    *("body", "figures"),
)
_RATINGS = ("A", "B", "C")
_SOURCES_OF_HEADS = (HEADLINE, PUBLISHED, MODIFIED, BYLINES, SECTION)
#: Where a field is read from the head of any outlet's pages: no fact about this one.
_STANDARD = {
    field.name: field.default for field in fields(Layout) if field.default in _SOURCES_OF_HEADS
}


def basis(outlet: Outlet) -> str:
    """Return whether real pages of the outlet were read, how many and of which days."""
    return _seen(sorted(day for layout in outlet.layouts for day in layout.seen))


def basis_of_layout(layout: Layout) -> str:
    """Return whether real pages were read by a layout."""
    return _seen(sorted(layout.seen))


def _seen(days: Sequence[date]) -> str:
    if not days:
        return "facts only"
    pages = "1 real page" if len(days) == 1 else f"{len(days)} real pages"
    span = str(days[0]) if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    return f"seen on {pages}, {span}"


def ratings(layout: Layout) -> dict[str, str]:
    """Return the rating of each field that the layout names a source of.

    What is read from the head of any outlet's pages is no fact about this one, and not rated.
    """
    weaker = dict(layout.less_sure)
    named = [name for name in FIELDS if _is_named(layout, name)]
    return {name: weaker.get(name, layout.confidence) for name in named}


def _is_named(layout: Layout, name: str) -> bool:
    if name == "published" and layout.times:
        return True
    sources = getattr(layout, name)
    return bool(sources) and sources != _STANDARD.get(name)


def rated(layout: Layout) -> str:
    """Return the fields of a layout by their rating: ``A: headline, body; B: emails``."""
    known = ratings(layout)
    groups = [(rating, [name for name in known if known[name] == rating]) for rating in _RATINGS]
    return "; ".join(f"{rating}: {', '.join(names)}" for rating, names in groups if names)


def listed(channels: Sequence[Channel]) -> str:
    """Return the channels with their ratings: ``sitemap B, feed A``."""
    return ", ".join(f"{channel.name} {channel.confidence}" for channel in channels)
