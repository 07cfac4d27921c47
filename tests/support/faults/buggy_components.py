"""Stages with a bug, for tests: each raises for a tenth of the articles. They read no settings."""

from __future__ import annotations

import inspect
import os
from functools import wraps
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scrapy.exceptions import DropItem, IgnoreRequest
from scrapy.http import HtmlResponse

from crawler.spider.loader import OutletLoader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from scrapy import Request
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from pipelines.page import Page


#: The fewest digits of an article's id on the mock site.
_ID = 8


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


class EmptyPipeline:
    """A step that returns nothing in place of pages, or articles."""

    def process_item(self, item: Any) -> Any:
        """Return the item, or None."""
        return None if is_hit(_item_id(item)) else item


class IgnoringMiddleware:
    """A downloader middleware that does not let all pages be asked for."""

    def process_request(self, request: Request) -> None:
        """Let the request through, or ignore it."""
        if _is_hit_by(request):
            raise IgnoreRequest("not wanted")


class AnsweringMiddleware:
    """A downloader middleware that answers in place of the outlet."""

    def process_request(self, request: Request) -> Response | None:
        """Let the request through, or answer it."""
        if not _is_hit_by(request):
            return None
        return HtmlResponse(request.url, body=b"<title>mine</title>", encoding="utf-8")


class ReplacingMiddleware:
    """A downloader middleware that changes the answers of the outlet."""

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response, or another one."""
        return response.replace(body=b"mine") if _is_hit_by(request) else response


class RepeatingMiddleware:
    """A downloader middleware that has pages asked for a second time."""

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Return the response, or the request again."""
        if not _is_hit_by(request) or request.meta.get("repeated"):
            return response
        return request.replace(meta={**request.meta, "repeated": True}, dont_filter=True)


def _is_hit_by(request: Request) -> bool:
    return "visit" in request.meta and is_hit(request.meta["visit"].article_id)


class ReplacingSpiderMiddleware:
    """A spider middleware that returns something else in place of pages."""

    async def process_spider_output(
        self,
        response: Response,  # noqa: ARG002 - Scrapy's signature
        result: AsyncIterator[Page],
    ) -> AsyncIterator[Any]:
        """Yield the pages, or values of its own."""
        async for page in result:
            yield {"mine": 1} if is_hit(page.visit) else page


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


class FaultyLoader(OutletLoader):
    """SPIDER_LOADER_CLASS that gives one function a bug before anything of the crawl is made.

    Reads FAULT_AT (``module:function`` or a method) and FAULT_CALLS: the number of the one call that
    the bug meets, or ``all``. Without that it meets a tenth of the articles where the call tells its
    article, else each tenth call, from the third on. FAULT_RECORD is a file that gets a line for each
    time that the bug is met.
    """

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> Self:
        """Put the bug in place."""
        record = Path(settings.get("FAULT_RECORD") or os.devnull)
        _plant(str(settings["FAULT_AT"]), str(settings["FAULT_CALLS"] or ""), record)
        return super().from_settings(settings)


def _plant(place: str, which: str, record: Path) -> None:
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    function = inspect.getattr_static(owner, name)
    if isinstance(function, property):
        assert function.fget is not None
        setattr(owner, name, property(_with_bug(function.fget, which, record)))
    elif isinstance(function, classmethod | staticmethod):
        setattr(owner, name, type(function)(_with_bug(function.__func__, which, record)))
    else:
        setattr(owner, name, _with_bug(function, which, record))


def _with_bug(function: Any, which: str, record: Path) -> Any:
    calls = count(1)

    def raises(args: tuple[Any, ...]) -> None:
        articles = [article for article in map(_article, args) if article]
        number = next(calls)
        is_tenth = is_hit(articles[0]) if articles else number % 10 == 3
        if which in ("all", str(number)) or (not which and is_tenth):
            with record.open("a") as file:
                file.write("met\n")
            raise ZeroDivisionError(f"a bug met a call {articles[:1]}")

    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def iterated(*args: Any, **kwargs: Any) -> Any:
            raises((*args, *kwargs.values()))
            async for one in function(*args, **kwargs):
                yield one

        return iterated

    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            raises((*args, *kwargs.values()))
            return await function(*args, **kwargs)

        return awaited

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        raises((*args, *kwargs.values()))
        return function(*args, **_taken(function, kwargs))

    return called


def _taken(function: Any, named: dict[str, Any]) -> dict[str, Any]:
    """What the function takes of these arguments: Scrapy offers a signal's handlers all it has."""
    if not inspect.isroutine(function):
        return named
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return named
    return {
        name: value for name, value in named.items() if name in {one.name for one in parameters}
    }


def _article(value: Any) -> str:
    """The article that an argument tells of, ``""`` if none."""
    if isinstance(value, str) and value.isdecimal() and len(value) >= _ID:
        return value
    value = getattr(value, "request", value)
    value = (getattr(value, "meta", None) or {}).get("visit", value)
    value = getattr(value, "page", value)
    value = getattr(value, "visited", None) or value
    for name in ("visit", "article_id"):
        found = getattr(value, name, "")
        if isinstance(found, str) and found.isdecimal():
            return found
    return ""
