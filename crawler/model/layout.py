"""How an outlet's pages are built: selectors with their dates of use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

#: Sources of one field, in order; the first that yields text is used. ``jsonld:KEY`` and
#: ``meta:NAME`` read the page's head, ``json:PATH`` reads the data that a script of the page holds
#: (`crawler.extraction.html.script_data`), anything else is a CSS selector, with ``@name`` appended
#: for an attribute.
Sources = tuple[str, ...]
#: Where pages of any outlet state a field in their heads; read where a layout names no source of
#: it. JSON-LD is read only where it is this article's own (`crawler.extraction.html.jsonld`).
HEADLINE: Sources = ("jsonld:headline", "meta:og:title")
PUBLISHED: Sources = ("jsonld:datePublished", "meta:article:published_time")
MODIFIED: Sources = ("jsonld:dateModified", "meta:article:modified_time")
BYLINES: Sources = ("jsonld:author",)
SECTION: Sources = ("jsonld:articleSection", "meta:article:section")

#: How sure a fact about an outlet is. A: two or more independent sources, one of them recent; B:
#: one good source or several older ones; C: one old or weak source, or an inference.
Confidence = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One way in which a layout shows pictures.

    ``box`` is the element around image and caption, ``caption`` the caption's element in it.
    Without ``caption`` the first lines of the box's text are the captions. What a box holds besides
    picture and captions belongs to the body.
    """

    box: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One page template of an outlet.

    ``since`` and ``until`` are the first and last capture date on which it was seen; None is an
    open end. ``root`` is the element with all of the article and none of the site's menus, where
    one is known: nothing outside of it is read or searched for widgets. ``body`` are containers,
    the first present one is read, all of its text in document order; only a widget rule removes any
    of it. ``times`` are elements whose text has the printed times, ``emails`` those with the
    authors' addresses. Fields that have a default are read from it where none is named; one that
    is named replaces it.

    ``confidence`` is that of the facts which an article needs: its body, headline and time;
    ``less_sure`` are the fields whose facts are weaker, each with its rating. ``seen`` are the days
    (of publication) of the real pages that it was checked on; without any it rests on facts only.
    """

    name: str
    confidence: Confidence
    since: date | None = None
    until: date | None = None
    root: str = ""
    body: Sources
    headline: Sources = HEADLINE
    subheadlines: Sources = ()
    published: Sources = PUBLISHED
    modified: Sources = MODIFIED
    times: Sources = ()
    bylines: Sources = BYLINES
    emails: Sources = ()
    section: Sources = SECTION
    tags: Sources = ()
    figures: tuple[Figure, ...] = ()
    less_sure: tuple[tuple[str, Confidence], ...] = ()
    seen: tuple[date, ...] = ()

    @property
    def first_day(self) -> int:
        """The first day of its use as an ordinal; that of `date.min` where it is unknown."""
        return (self.since or date.min).toordinal()

    def covers(self, day: date) -> bool:
        """Whether the layout was in use on a capture date."""
        return (self.since or date.min) <= day <= (self.until or date.max)

    # The values are checked where the outlet is loaded, as those of all its fields are.
    def like(self, name: str, **changes: Any) -> Layout:
        """Return a layout of another name that differs from this one in the fields given.

        Its dates of use and the pages it was seen on are its own: empty unless they are given.
        """
        own = {"since": None, "until": None, "seen": ()} | changes
        return replace(self, name=name, **own)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """How an outlet's pages look as plain text, without markup.

    ``recognise`` are patterns that are all found in a page of this outlet and of no other.
    ``stamp`` matches one printed time with its label; a line of nothing but stamps holds the times,
    and the headline stands before it. ``stamp_label`` matches a label whose time is on the next
    line. ``section_after`` is the line before the section; ``sections`` is whether one or two lines
    alone before the headline are the section. ``deck`` is whether deck lines may stand between the
    times and the body. ``byline`` matches a line before the body with the author's name.
    ``aside`` are the first and the last line of a block that is not the reporter's, removed under
    the name ``aside_rule``. ``tail`` matches the first line behind the body; a later line is under
    a widget rule or outside of the article. Captions are recognised by the outlet's caption
    patterns. All patterns are applied to cleaned lines without bullets and Markdown.
    """

    recognise: tuple[str, ...]
    stamp: str
    stamp_label: str = ""
    section_after: str = ""
    sections: bool = False
    deck: bool = False
    byline: str = ""
    aside: tuple[str, str] = ("", "")
    aside_rule: str = ""
    tail: str = ""


def choose(layouts: tuple[Layout, ...], captured: date) -> tuple[Layout, ...]:
    """Return the layouts in the order to try for a page captured on that day.

    Those in use on that day come first, newest first. The others follow, because dates of use are
    known from samples only.
    """
    return tuple(
        sorted(layouts, key=lambda layout: (not layout.covers(captured), -layout.first_day))
    )
