"""Nothing is stored as success that isn't: what an article must have, and the reason when it has it not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict
from pipelines.text import is_mojibake

if TYPE_CHECKING:
    from archive.model.article import Article
    from pipelines.page import Page


def validate(page: Page) -> Page:
    """Set a verdict with its reason on a page that is no whole article; others pass as they are."""
    if page.verdict is not None:
        return page
    article = page.article
    reason = Reason.NO_LAYOUT if article is None else _fault(article, page)
    # What the page looks like (a login form, a challenge) tells more than which field it lacks; and
    # a wall within an article's own frame lacks none.
    if page.diagnosis is not None and reason is not Reason.MOJIBAKE:
        reason = page.diagnosis
    if reason is None:
        return page
    # That an article was deleted is the outlet's word on it, as a 404 is: nothing failed.
    outcome = Outcome.SKIPPED if reason is Reason.DELETED else Outcome.UNPARSED
    return replace(page, article=None, verdict=Verdict(outcome, reason))


def _fault(article: Article, page: Page) -> Reason | None:
    if not article.headline:
        return Reason.NO_HEADLINE
    if not article.body:
        return Reason.NO_BODY
    if is_mojibake(article.headline + article.text):
        return Reason.MOJIBAKE
    if article.published_at is None:
        return Reason.NO_PUBLISHED
    if sum(map(len, article.body)) < page.rules.min_body:
        return Reason.BODY_TOO_SHORT
    if not article.article_id:
        return Reason.NO_IDENTITY
    return None


class ValidatePipeline:
    """Scrapy's door to :func:`validate`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page, judged."""
        return validate(item)
