"""Widget noise: named rules take it out of the body, and everything taken out is kept under its rule's name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.widget_rules import sift

if TYPE_CHECKING:
    from pipelines.page import Page


def drop_widgets(page: Page) -> Page:
    """Take widget noise out of the article's body; the removed spans join those taken out of the page."""
    if page.article is None:
        return page
    body, removed = sift(page.article.body, page.rules.widgets)
    if not removed:
        return page
    return replace(
        page, article=replace(page.article, body=body, removed=page.article.removed + removed)
    )


class WidgetsPipeline:
    """Scrapy's door to :func:`drop_widgets`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page without widget noise."""
        return drop_widgets(item)
