"""Check that an article is complete; if it is not, set the verdict with its reason."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.article import TEXT_LAYOUT
from archive.model.outcome import Outcome, Reason, Verdict
from pipelines.cpu_limit import limited
from pipelines.page import page_of
from pipelines.text import is_mojibake
from pipelines.time_sources import UNREAD_PUBLISHED

if TYPE_CHECKING:
    from archive.model.article import Article
    from pipelines.page import Page

_HANGUL = re.compile("[가-힣]")
#: `[포토]`, `포토뉴스`, `[사진]`, `[만평]`: the picture is the article.
_PHOTO = re.compile(r"[^\w]{0,3}(?:포토|화보|사진|만평|PHOTO)", re.IGNORECASE)
#: A host or a folder of an edition in another language.
_EDITION = re.compile(r"(?://|/)(?:en|eng|english|jp|japanese|cn|chinese)[./]", re.IGNORECASE)
#: What a text rendering lacks that has no stamp.
_NO_STAMP = (
    "the text has no line with the times of publication, by which headline and body are known; "
    "a tool left it out, or made one line of the page"
)


def validate(page: Page) -> Page:
    """Return the page; with a verdict and without article if that is not complete."""
    if page.verdict is not None:
        return page
    reason = _missing(page)
    # What the page seems to be (a login form, a challenge) says more than which field is missing,
    # and a wall inside an article's frame may have all fields.
    if page.diagnosis is not None and reason is not Reason.MOJIBAKE:
        reason = page.diagnosis
    if reason is None:
        return page
    # A page that says that the article was deleted is an answer like a 404: nothing failed.
    outcome = Outcome.SKIPPED if reason is Reason.DELETED else Outcome.UNPARSED
    detail = _NO_STAMP if page.diagnosis is None and _is_unanchored(page) else ""
    return replace(page, article=None, verdict=Verdict(outcome, reason, detail))


def _is_unanchored(page: Page) -> bool:
    """Whether a page is a text without its stamps, and so nothing shows which line the headline is.

    Tools that look for the main text leave the head of the page out, or make one line of it.
    """
    printed = page.printed
    if printed is None or printed.layout != TEXT_LAYOUT:
        return False
    return not printed.times and not printed.headline


def _missing(page: Page) -> Reason | None:
    """Return why the page has no complete article; None if it has one."""
    article = page.article
    if article is None:
        return Reason.NO_LAYOUT
    if _is_unanchored(page):
        return Reason.NO_PUBLISHED
    if not article.headline:
        return Reason.NO_HEADLINE
    if not any(map(str.isalnum, article.text)) and not _is_photo(article):
        return Reason.NO_BODY
    if _is_damaged(page, article):
        return Reason.MOJIBAKE
    # A stamp that is printed shows an article, whether its form is known or not.
    if _is_undated(page, article):
        return Reason.NO_PUBLISHED
    if _is_too_short(page, article):
        return Reason.BODY_TOO_SHORT
    if not article.article_id:
        return Reason.NO_IDENTITY
    return None


def _is_undated(page: Page, article: Article) -> bool:
    if article.published_at is not None or page.rules.of_any_site:
        return False
    return UNREAD_PUBLISHED not in article.flags


def _is_photo(article: Article) -> bool:
    """Whether the headline announces pictures, and there is one with its caption."""
    return _PHOTO.match(article.headline) is not None and any(
        image.caption for image in article.images
    )


def _is_damaged(page: Page, article: Article) -> bool:
    """Whether the text was read by a wrong charset, or is a Korean outlet's without any Hangul."""
    text = f"{article.headline}\n{article.text}"
    if is_mojibake(text):
        return True
    return not _HANGUL.search(text) and not _is_foreign(page)


def _is_foreign(page: Page) -> bool:
    """Whether the page says that it is of an edition in another language, or its address does."""
    if page.rules.of_any_site:
        return True
    lang = page.printed.lang[:2].lower() if page.printed else ""
    return lang not in ("", "ko") or bool(_EDITION.search(page.url or page.exchange.url))


def _is_too_short(page: Page, article: Article) -> bool:
    """Whether a body is too short for an article of a page whose end is not known.

    A body in its own element is whole however short it is ([속보], [인사], [부고]), and so is one
    that something else of the page follows.
    """
    is_whole = (page.printed is not None and page.printed.contained) or bool(article.removed)
    return not is_whole and sum(map(len, article.body)) < page.rules.min_body


class ValidatePipeline:
    """Item pipeline that calls :func:`validate`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page, validated."""
        return limited(validate, page_of(item))
