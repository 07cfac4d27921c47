"""Read a page that no layout reads: headline and times from its head, its body by trafilatura.

trafilatura is optional: the extra ``generic``. Of the tools for pages of any site it reads the
bodies of real Korean pages best; headline and times are read by our own code, which reads them to
the minute and by the rules of every other time.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from archive.model.article import GENERIC_LAYOUT
from archive.model.outcome import Outcome, Reason
from crawler.extraction.walls import is_reporters, wall_in
from crawler.model.layout import BYLINES, HEADLINE, MODIFIED, PUBLISHED, SECTION
from pipelines.page import Printed
from pipelines.text import clean, clean_each

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.extraction.html.reader import PageReader
    from pipelines.page import Page

#: What to type to install the tool.
INSTALL = "pip install 'sacho[generic]'"
#: What a layout may miss on a page that is an article nevertheless. A notice or a page that is
#: another article is none, whatever a tool finds on it.
_MISSED = frozenset(
    {
        Reason.NO_LAYOUT,
        Reason.NO_HEADLINE,
        Reason.NO_PUBLISHED,
        Reason.NO_BODY,
        Reason.BODY_TOO_SHORT,
    }
)
#: Of these, what says that a layout's container holds no text.
_NO_TEXT = frozenset({Reason.NO_BODY, Reason.BODY_TOO_SHORT})
#: What a page without a body is taken for if a form or a script of it is that of a wall, which many
#: articles' pages have too.
_WALLS = frozenset({Reason.BOT_CHALLENGE, Reason.LOGIN_WALL})
#: The characters of the shortest body that is believed: less may be a teaser, or words of a menu.
LEAST_BODY = 100
#: The same on a page that may be a wall, which may show the first lines of articles.
_LEAST_BEHIND_WALL = 1_000
#: What no reader sees, and the addresses of the page, from which the tool would take a date.
_UNREAD = "script, style, template, noscript, iframe, [hidden], link, meta[property='og:url']"
#: Tags of the longest page that the tool is given: it takes seconds for ten times as many.
_MOST_TAGS = 20_000
#: The flag of an article whose time of publication the tool took from elsewhere than the page's
#: head: a date near the headline, or that of a picture.
PUBLISHED_GUESSED = "published_guessed"
#: Loggers of the tool and of its parts, which log what is wrong with each page.
_LOGGERS = ("trafilatura", "htmldate", "courlan", "justext")
_ANY_PAGE = "<html><body><p>1</p></body></html>"


def may_be_article(page: Page) -> bool:
    """Return whether no layout reads a page that is an article by its address.

    A page with the container of a layout, and too little in it, is none: what a tool would find
    elsewhere on it is not the article's text.
    """
    verdict = page.verdict
    if verdict is None or verdict.outcome is not Outcome.UNPARSED:
        return False
    if verdict.reason in _NO_TEXT and page.printed is not None and page.printed.contained:
        return False
    is_missed = verdict.reason in _MISSED | _WALLS
    return is_missed and bool(page.article_id and page.url) and not page.is_foreign


def is_body(page: Page, printed: Printed, *, is_guessed: bool) -> bool:
    """Return whether what a tool found of a page without an article is an article's body.

    It must be long enough, and no notice. What seems to be a wall must state when it was published
    (``is_guessed`` is whether the tool found out), and a reporter must tell something in it.
    """
    length = sum(map(len, printed.blocks))
    if length < LEAST_BODY or wall_in(printed.blocks, printed.headline):
        return False
    if page.verdict is None or page.verdict.reason not in _WALLS:
        return True
    is_stated = any(printed.published) and not is_guessed
    return is_stated and length >= _LEAST_BEHIND_WALL and any(map(is_reporters, printed.blocks))


@cache
def tool() -> Any:
    """Return the module trafilatura, ready to read; None if it is not installed.

    It is imported at the first page that needs it, which takes a second. Call this outside of the
    limit on a page's time: an import that is broken off cannot be repeated.
    """
    try:
        import trafilatura
    except ImportError:
        return None
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _extract(trafilatura, _ANY_PAGE, None)  # it imports more when it is first used
    return trafilatura


def version() -> str:
    """Return the version of the tool, ``""`` if it is not installed; nothing is imported."""
    try:
        return metadata.version("trafilatura")
    except metadata.PackageNotFoundError:
        return ""


def read_generic(
    module: Any, reader: PageReader, captured: datetime
) -> tuple[Printed, tuple[str, ...]] | None:
    """Return what a page prints, as far as the tool tells, and flags; None if it finds no body.

    ``captured`` is when the page was captured. Its tree is consumed.
    """
    printed = Printed(
        layout=GENERIC_LAYOUT,
        headline=reader.first_with_letter(HEADLINE),
        bylines=reader.all(BYLINES),
        section=reader.first(SECTION),
        published=tuple(reader.first((source,)) for source in PUBLISHED),
        modified=tuple(reader.first((source,)) for source in MODIFIED),
        lang=reader.lang,
    )
    for node in reader.tree.css(_UNREAD):
        node.decompose()
    html = reader.tree.html or ""
    found = _extract(module, html, captured) if html.count("<") <= _MOST_TAGS else None
    if found is None:
        return None
    headline = printed.headline or found.title or ""
    read = replace(printed, headline=headline, blocks=_body(found.text or "", headline))
    if not any(printed.published) and found.date:
        return replace(read, published=(found.date,)), (PUBLISHED_GUESSED,)
    return read, ()


def _extract(module: Any, text: str, captured: datetime | None) -> Any:
    """Return what the tool finds: an object with title, date and text; None if it finds nothing.

    It does not search the whole text for dates, which may be of anything.
    """
    dates: dict[str, Any] = {"original_date": True, "extensive_search": False}
    if captured is not None:
        dates["max_date"] = captured.date().isoformat()
    return module.bare_extraction(
        text,
        favor_precision=True,
        include_comments=False,
        with_metadata=True,
        date_extraction_params=dates,
    )


def _body(text: str, headline: str) -> tuple[str, ...]:
    """Return the paragraphs of a body, without the headline in front of them."""
    blocks = [block for block in clean_each(text.split("\n")) if block]
    if blocks and blocks[0] == clean(headline):
        del blocks[0]
    return tuple(blocks)
