"""Stages with a bug, for tests: each raises for a tenth of the articles. They read no settings."""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from inspect import iscoroutinefunction
from itertools import count
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import DropItem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from scrapy import Request
    from scrapy.crawler import Crawler
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

    def process_item(self, item: Any) -> Any:
        """Return the item, or fall over it."""
        _meet(_item_id(item))
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


class DroppingPipeline:
    """A step that drops pages, or articles."""

    def process_item(self, item: Any) -> Any:
        """Return the item, or drop it."""
        if is_hit(_item_id(item)):
            raise DropItem("not wanted")
        return item


class ReplacingPipeline:
    """A step that returns something else in place of pages, or articles."""

    def process_item(self, item: Any) -> Any:
        """Return the item, or a value of its own."""
        return {"mine": 1} if is_hit(_item_id(item)) else item


def _item_id(item: Any) -> str:
    """The id of the article that an item is of, before and behind our steps."""
    id_: str = item["article_id"] if isinstance(item, dict) else item.visit
    return id_


class SwallowingSpiderMiddleware:
    """One that does not pass on all that the callback returns."""

    async def process_spider_output_async(
        self,
        response: Response,  # noqa: ARG002 - Scrapy's signature
        result: AsyncIterator[Page],
    ) -> AsyncIterator[Page]:
        """Yield the pages, some excepted."""
        async for page in result:
            if not is_hit(page.visit):
                yield page

    def process_spider_output(
        self,
        response: Response,  # noqa: ARG002 - Scrapy's signature
        result: Iterable[Page],
    ) -> Iterator[Page]:
        """Yield the pages, some excepted."""
        return (page for page in result if not is_hit(page.visit))


class FaultAt:
    """An extension that gives one function of the crawl a bug: ``module:function`` or a method.

    Reads FAULT_AT and FAULT_CALLS, the number of the one call that the bug meets. Without that it
    meets a tenth of the articles where the call tells its article, else each tenth call, from the
    third on.
    """

    def __init__(self, place: str, only: int) -> None:
        module, _, path = place.partition(":")
        owner: Any = import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        setattr(owner, name, _with_bug(getattr(owner, name), only))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FaultAt:
        """Put the bug in place."""
        return cls(str(crawler.settings["FAULT_AT"]), crawler.settings.getint("FAULT_CALLS"))


def _with_bug(function: Any, only: int) -> Any:
    calls = count(1)

    def raises(args: tuple[Any, ...]) -> None:
        articles = [article for article in map(_article, args) if article]
        if only:
            if next(calls) == only:
                raise ZeroDivisionError("a bug met a call")
        elif articles:
            _meet(articles[0])
        elif next(calls) % 10 == 3:
            raise ZeroDivisionError("a bug met a call")

    if iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            raises((*args, *kwargs.values()))
            return await function(*args, **kwargs)

        return awaited

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        raises((*args, *kwargs.values()))
        return function(*args, **kwargs)

    return called


def _article(value: Any) -> str:
    """The article that an argument tells of, ``""`` if none."""
    value = getattr(value, "request", value)
    value = (getattr(value, "meta", None) or {}).get("visit", value)
    value = getattr(value, "page", value)
    value = getattr(value, "visited", None) or value
    for name in ("visit", "article_id"):
        found = getattr(value, name, "")
        if isinstance(found, str) and found.isdecimal():
            return found
    return ""
