"""Stages with a bug, for tests: each raises for a tenth of the articles. They read no settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

    from pipelines.page import Page


def is_hit(article_id: str) -> bool:
    """Whether the bug meets this article: one in ten, by its id."""
    return int(article_id) % 10 == 3


def _meet(article_id: str) -> None:
    if is_hit(article_id):
        raise ZeroDivisionError(f"a bug met {article_id}")


class FaultyPipeline:
    """A step of the pipelines."""

    def process_item(self, item: Page) -> Page:
        """Return the page, or fall over it."""
        _meet(item.visit)
        return item


class FaultyDownloaderMiddleware:
    """Between the wire and the engine."""

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response, or fall over it."""
        if "visit" in request.meta:
            _meet(request.meta["visit"].article_id)
        return response


class FaultySpiderMiddleware:
    """Between the engine and the spider's callback."""

    def process_spider_input(self, response: Response) -> None:
        """Let the response in, or fall over it."""
        visit: Any = response.meta.get("visit")
        if visit is not None:
            _meet(visit.article_id)
