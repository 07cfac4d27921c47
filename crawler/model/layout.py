"""How an outlet's pages are built: selectors as data, dated, chosen by what the page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

#: Ordered sources of one field; the first that yields text wins. ``jsonld:KEY`` and ``meta:NAME``
#: look into the page's head, anything else is a CSS selector, with ``@name`` behind it for an
#: attribute.
Sources = tuple[str, ...]

#: A: two or more independent sources, one recent; B: one good or several older; C: one old or weak,
#: or inference.
Confidence = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One way a layout shows pictures: the ``box`` holding image and caption, ``caption`` within it.

    Without ``caption`` the lines of the box's text are the captions.
    """

    box: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One page template of an outlet and the capture dates it was seen on; ``None`` is an open end.

    ``root`` is the element that holds all of the article and none of the site's menus, where one is
    known: what lies outside of it is neither read nor searched for widgets. ``body`` are
    containers, the first present one is read; ``paragraphs`` are its children that hold the body
    (text elsewhere in it is kept as removed, under ``outside_paragraphs``). ``times`` are elements
    whose text carries the printed stamps, ``emails`` those that hold the authors' addresses.
    ``facts`` is the confidence of the weakest fact it needs.
    """

    name: str
    facts: Confidence
    since: date | None = None
    until: date | None = None
    root: str = ""
    body: Sources
    paragraphs: str = "p"
    headline: Sources
    subheadlines: Sources = ()
    published: Sources = ()
    modified: Sources = ()
    times: Sources = ()
    bylines: Sources = ()
    emails: Sources = ()
    section: Sources = ()
    tags: Sources = ()
    figures: tuple[Figure, ...] = ()

    @property
    def first_day(self) -> int:
        """The day its use began, as a number; the first of all days where that is unknown."""
        return (self.since or date.min).toordinal()

    def covers(self, day: date) -> bool:
        """Whether the layout was in use on a capture date."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """How an outlet's pages look as text, without markup.

    ``recognise``: patterns that are all found in a page of this outlet and of no other. ``times``
    matches, whole, the lines that print the stamps; the headline is the line before them.
    ``section_after`` is the line the section follows; ``deck`` whether deck lines stand as one
    block between the stamps and the body. Captions are told by the outlet's caption patterns.
    """

    recognise: tuple[str, ...]
    times: str
    section_after: str = ""
    deck: bool = False


def choose(layouts: tuple[Layout, ...], captured: date) -> tuple[Layout, ...]:
    """Layouts in the order to try: those in use on the capture date first, newest first; then the others.

    The others stay in the list because dates of use are known from samples only.
    """
    return tuple(
        sorted(layouts, key=lambda layout: (not layout.covers(captured), -layout.first_day))
    )
