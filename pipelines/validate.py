"""Check that an article is complete; if it is not, set the verdict with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict
from pipelines.text import is_mojibake
from pipelines.time_sources import UNREAD_PUBLISHED

if TYPE_CHECKING:
    from pipelines.page import Page


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
    return replace(page, article=None, verdict=Verdict(outcome, reason))


def _missing(page: Page) -> Reason | None:
    """Return why the page has no complete article; None if it has one."""
    article = page.article
    if article is None:
        return Reason.NO_LAYOUT
    if not article.headline:
        return Reason.NO_HEADLINE
    if not article.body:
        return Reason.NO_BODY
    if is_mojibake(article.headline + article.text):
        return Reason.MOJIBAKE
    # A stamp that is printed shows an article, whether its form is known or not.
    if article.published_at is None and UNREAD_PUBLISHED not in article.flags:
        return Reason.NO_PUBLISHED
    if sum(map(len, article.body)) < page.rules.min_body:
        return Reason.BODY_TOO_SHORT
    if not article.article_id:
        return Reason.NO_IDENTITY
    return None


class ValidatePipeline:
    """Item pipeline that calls :func:`validate`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page, validated."""
        return validate(item)
