"""A page on its way through the steps: the value each step takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.widget_rules import Widgets

if TYPE_CHECKING:
    from archive.model.article import Article, Removed
    from archive.model.exchange import Exchange
    from archive.model.outcome import Reason, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a page prints, word for word, before anyone interprets it.

    ``published``/``modified`` are machine-readable times, ``times`` the printed lines; ``bylines``
    and ``emails`` texts of the elements that hold them; ``blocks`` the body's lines with whatever
    noise stands among them; ``captions`` pairs of image address and printed caption; ``lang`` what
    the page declares.
    """

    layout: str
    headline: str = ""
    subheadlines: tuple[str, ...] = ()
    bylines: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    published: str = ""
    modified: str = ""
    times: str = ""
    blocks: tuple[str, ...] = ()
    captions: tuple[tuple[str, str], ...] = ()
    lang: str = ""
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the steps need to know of an outlet, as plain values.

    ``caption`` matches a printed caption whole, with the groups ``caption`` and ``credit``;
    ``min_body`` is the shortest body, in characters, that counts as an article; ``site_titles`` are
    never headlines; ``flags`` are patterns of notices by flag name.
    """

    widgets: Widgets = field(default_factory=Widgets)
    caption: tuple[str, ...] = ()
    min_body: int = 20
    site_titles: tuple[str, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """How the text was decoded: the charset declared (``""`` if none), the one used, U+FFFD counted."""

    declared: str = ""
    used: str = ""
    damage: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One capture and what has been read of it so far.

    ``article_id`` and ``url`` come from its address, empty where none is known. ``diagnosis`` is
    what the page looks like if it is no article (a wall, a challenge). ``verdict`` is set by the
    step that ends it. ``visit`` is the id of the frontier's article that it answers for, ``""`` if
    it is none. ``revision_id`` is the revision it is known to show without reading (a revisit).
    ``final`` is false while it only stands for its bytes, and is not anybody's result.
    """

    exchange: Exchange
    outlet: str
    rules: Rules
    article_id: str = ""
    url: str = ""
    decoded: Decoded = field(default_factory=Decoded)
    printed: Printed | None = None
    article: Article | None = None
    diagnosis: Reason | None = None
    verdict: Verdict | None = None
    source: str = ""
    visit: str = ""
    revision_id: int | None = None
    final: bool = True
