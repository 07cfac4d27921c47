"""Remove widget noise from the body of an article; the removed text is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.cpu_limit import limited
from pipelines.page import page_of
from pipelines.widget_rules import sift, sift_lines

if TYPE_CHECKING:
    from pipelines.page import Page


def drop_widgets(page: Page) -> Page:
    """Return the page without widget noise in the body; removed spans are added to the article."""
    if page.article is None:
        return page
    is_contained = page.printed is not None and page.printed.contained
    sifting = sift_lines if is_contained else sift
    body, removed = sifting(page.article.body, page.rules.widgets)
    if not removed:
        return page
    return replace(
        page, article=replace(page.article, body=body, removed=page.article.removed + removed)
    )


class WidgetsPipeline:
    """Item pipeline that calls :func:`drop_widgets`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page without widget noise."""
        return limited(drop_widgets, page_of(item))
