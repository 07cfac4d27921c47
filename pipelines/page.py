"""The item of the pipelines: a page with what has been read of it, and an outlet's rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.common_rules import CAPTIONS, CREDITS, with_common

if TYPE_CHECKING:
    from archive.model.article import Article, Removed
    from archive.model.exchange import Exchange
    from archive.model.outcome import Reason, Verdict
    from pipelines.widget_rules import Widgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """The texts that a page prints, not interpreted.

    ``published`` and ``modified`` are machine-readable times, the first of each source; ``times``
    are the printed lines that hold times. ``header`` is the text before the body, a line an
    element; it is read only where times or the deck are looked for in it. ``bylines`` and
    ``emails`` are the texts of the elements that hold them. ``blocks`` are the lines of the body,
    widget noise included. ``captions`` are pairs of image address and printed caption. ``lang`` is
    the language that the page declares. ``contained`` is whether the blocks are those of the body's
    own element, where no section of the page begins; they are clean.
    """

    layout: str
    headline: str = ""
    subheadlines: tuple[str, ...] = ()
    bylines: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    times: str = ""
    header: str = ""
    blocks: tuple[str, ...] = ()
    captions: tuple[tuple[str, str], ...] = ()
    lang: str = ""
    removed: tuple[Removed, ...] = ()
    contained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of an outlet that the pipelines apply.

    ``widgets`` are by default the rules of every outlet. ``caption`` are patterns that match a
    whole printed caption, with the groups ``caption`` and ``credit``, and without references to
    groups; by default the forms that many outlets share. ``min_body`` is the length of the shortest
    body of an article, in characters. ``site_titles`` are titles that are never headlines.
    ``id_day`` is a pattern for ids that start with a day, with the group ``day``. ``deck`` is
    whether deck lines stand between the stamps and the dateline, in an element that is not known.
    ``flags`` are pairs of a flag and the pattern of the notice that sets it. ``paywall`` selects
    the elements that a page has in place of the rest of a paid article. ``of_any_site`` is whether
    nothing is known of the pages: they may be in any language, and state no time.
    """

    widgets: Widgets = field(default_factory=with_common)
    caption: tuple[str, ...] = (*CAPTIONS, *CREDITS)
    min_body: int = 20
    site_titles: tuple[str, ...] = ()
    id_day: str = ""
    deck: bool = False
    flags: tuple[tuple[str, str], ...] = ()
    paywall: str = ""
    of_any_site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """How the text was decoded: charset declared (``""`` if none) and used, number of U+FFFD."""

    declared: str = ""
    used: str = ""
    damage: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Page:
    """A capture and what has been read of it so far.

    ``article_id`` and ``url`` come from the address of the capture, ``""`` if it has none, or
    ``is_foreign``: its host is none of any outlet, and a person says that it is this one's.
    ``flags`` are those of its article that reading the page's head found. ``diagnosis`` is why the
    page seems to be no article (a login form, a bot challenge). ``verdict`` is set by the step that
    ends the processing. ``visit`` is the id of the article in the frontier that was visited, ``""``
    if it was no visit. ``revision_id`` is the revision that a revisit is known to show. ``final``
    is False while the page stands only for its bytes and is not the result of a request.
    ``styles`` are the addresses of the styles that it links, where they were asked for.
    ``seconds`` is the CPU time that reading it has taken, 0 if that is little.
    """

    exchange: Exchange
    outlet: str
    rules: Rules
    article_id: str = ""
    url: str = ""
    is_foreign: bool = False
    decoded: Decoded = field(default_factory=Decoded)
    printed: Printed | None = None
    article: Article | None = None
    flags: tuple[str, ...] = ()
    diagnosis: Reason | None = None
    verdict: Verdict | None = None
    source: str = ""
    visit: str = ""
    revision_id: int | None = None
    final: bool = True
    styles: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    def __repr__(self) -> str:
        """Return what names the page, without its bytes: Scrapy logs the items that it drops."""
        return f"<Page {self.outlet} {self.exchange.url}>"


def page_of(item: object) -> Page:
    """Return an item of our pipelines, which must be a page.

    :raises TypeError: a component of the user's returned something else in its place.
    """
    if not isinstance(item, Page):
        raise TypeError(
            f"a pipeline or spider middleware before ours returned {type(item).__name__} in place "
            "of the page"
        )
    return item
