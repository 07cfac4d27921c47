"""The components that settings name: import them, and tell which of them raised an exception."""

from __future__ import annotations

import asyncio
import logging
import traceback
from contextlib import contextmanager, suppress
from itertools import dropwhile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy.addons import AddonManager
from scrapy.exceptions import UsageError
from scrapy.utils.misc import load_object

from crawler.cli.configuration.component_kinds import problem_of_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from scrapy.settings import BaseSettings, Settings

    #: A frame, and the line that is executed in it.
    _Call = tuple[FrameType, int]

_log = logging.getLogger(__name__)

#: The settings whose keys are components, and those whose values are.
_COMPONENTS = (
    "DOWNLOADER_MIDDLEWARES",
    "EXTENSIONS",
    "ITEM_PIPELINES",
    "SPIDER_MIDDLEWARES",
)
_HANDLERS = ("DOWNLOAD_HANDLERS", "FEED_EXPORTERS", "FEED_STORAGES")
#: The settings that name one class.
_CLASSES = (
    "DEFAULT_ITEM_CLASS",
    "DOWNLOADER",
    "DUPEFILTER_CLASS",
    "EXCHANGE_SINK",
    "FEED_URI_PARAMS",
    "ITEM_PROCESSOR",
    "LOG_FORMATTER",
    "REQUEST_FINGERPRINTER_CLASS",
    "ROBOTS_STORE",
    "SCHEDULER",
    "SCHEDULER_MEMORY_QUEUE",
    "SCHEDULER_PRIORITY_QUEUE",
    "SCHEDULER_START_MEMORY_QUEUE",
    "STATS_CLASS",
)
#: The settings that name several.
_CLASS_LISTS = ("RETRY_EXCEPTIONS",)
#: The options of a feed that name several classes, and those that name one class or function.
_FEED_CLASS_LISTS = ("item_classes", "postprocessing")
_FEED_OBJECTS = ("item_filter", "uri_params")
#: Those of what Scrapy makes before a crawl begins.
_EARLY_COMPONENTS = ("ADDONS",)
_EARLY_CLASSES = (
    "ASYNCIO_EVENT_LOOP",
    "DNS_RESOLVER",
    "SPIDER_LOADER_CLASS",
    "TWISTED_DNS_RESOLVER",
)
#: The settings whose keys are components and whose values are numbers.
ORDERED = (*_COMPONENTS, *_EARLY_COMPONENTS)
_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
#: The packages that call components, and are no place to look for what they did wrong.
_CALLERS = frozenset(
    {"asyncio", "contextlib", "functools", "importlib", "pydispatch", "scrapy", "twisted"}
)
_OURS = frozenset({"archive", "crawler", "pipelines"})


def check_components(settings: BaseSettings) -> None:
    """Import what a user's settings add to a crawl, once the reactor is there that it may import.

    :raises UsageError: one cannot be imported, or the settings of the HTTP client are invalid; the
        message names it and its setting.
    """
    for name in _COMPONENTS:
        for path in settings.getdict(name):
            _check_path(name, path)
    for name in _HANDLERS:
        for path in filter(None, settings.getdict(name).values()):
            _check_path(name, path)
    for name in _CLASS_LISTS:
        for path in settings.getlist(name):
            _check_path(name, path)
    for name in _CLASSES:
        _check_class(settings, name)
    _check_feeds(settings)
    _check_client(settings)


def check_early_components(settings: Settings) -> None:
    """Import what Scrapy imports before a crawl begins: the add-ons and the spider loader.

    The early settings of the add-ons are tried on a copy.

    :raises UsageError: one cannot be used; the message names it and its setting.
    """
    for name in _EARLY_COMPONENTS:
        for path in settings.getdict(name):
            _check_path(name, path)
    for name in _EARLY_CLASSES:
        _check_class(settings, name)
    if settings["TWISTED_REACTOR"] != _REACTOR or not settings.getbool("TWISTED_REACTOR_ENABLED"):
        raise UsageError(
            f"TWISTED_REACTOR: a crawl needs {_REACTOR}, and TWISTED_REACTOR_ENABLED",
            print_help=False,
        )
    with blaming(settings):
        AddonManager.load_pre_crawler_settings(settings.copy())


@contextmanager
def blaming(settings: BaseSettings) -> Iterator[None]:
    """Make a sentence of what a component of the user's raises in the block.

    :raises UsageError: one raised; the message names it and its setting.
    """
    try:
        yield
    except Exception as error:  # anything else is raised again
        if not component_of(error, settings):
            raise
        raise UsageError(blame(error, settings), print_help=False) from error


def failure_of(started: object, settings: BaseSettings) -> str:
    """Return what ended a crawl that could not be started, ``""`` if nothing is known.

    ``started`` is the task that Scrapy ran it in. To ask a task for its exception keeps it from
    printing the traceback, which the log has at the level DEBUG.
    """
    if not isinstance(started, asyncio.Future) or not started.done() or started.cancelled():
        return ""
    error = started.exception()
    if error is None:
        return ""
    _log.debug("The crawl could not be started", exc_info=error)
    return blame(_first_of_component(error, settings), settings)


def _first_of_component(error: BaseException, settings: BaseSettings) -> BaseException:
    """Return the exception to blame: Scrapy's end of a crawl that has not begun may hide it."""
    earlier: BaseException | None = error
    while earlier is not None:
        if component_of(earlier, settings):
            return earlier
        earlier = earlier.__context__
    return error


def is_of_user(error: BaseException) -> bool:
    """Return whether an exception came out of a component that is neither ours nor Scrapy's."""
    calls = _calls(error)
    first = _first_outside(calls)
    if first is not None:
        return _package(first[0]) not in _OURS
    # A component that cannot even be called has no call of its own.
    known = _OURS | _CALLERS | {"builtins"}
    return any(kind.__module__.partition(".")[0] not in known for kind in _classes(calls))


def blame(error: BaseException, settings: BaseSettings) -> str:
    """Return an exception as a sentence: the component and its setting if known, and the place."""
    component = component_of(error, settings)
    first = _first_outside(_calls(error))
    place = f" ({first[0].f_code.co_filename}, line {first[1]})" if first is not None else ""
    what = f"{component}: " if component else ""
    return f"{what}{type(error).__name__}: {error}{place}"


def component_of(error: BaseException, settings: BaseSettings) -> str:
    """Return the component that an exception came out of as ``SETTING: path``, ``""`` if none."""
    names = _component_names(settings)
    # The last one: a component may be made by another, such as Scrapy's downloader.
    return ["", *(names[kind] for kind in _classes(_calls(error)) if kind in names)][-1]


def _component_names(settings: BaseSettings) -> dict[type, str]:
    """Return ``SETTING: path`` for the class of each component that the settings name."""
    names: dict[type, str] = {}
    for setting, path in _named(settings):
        with suppress(Exception):  # it is no component if it cannot be imported
            names[load_object(path)] = f"{setting}: {path}"
    return names


def _named(settings: BaseSettings) -> Iterator[tuple[str, Any]]:
    """Yield each setting and what it names."""
    for name in (*_COMPONENTS, *_EARLY_COMPONENTS):
        yield from ((name, path) for path in settings.getdict(name))
    for name in _HANDLERS:
        yield from ((name, path) for path in settings.getdict(name).values() if path)
    for name in (*_CLASSES, *_EARLY_CLASSES):
        # Scrapy warns of a deprecated setting that is read, even of its default.
        if settings.getpriority(name) and settings.get(name):
            yield name, settings[name]


def _calls(error: BaseException) -> list[_Call]:
    """Return the calls that an exception came through, from Scrapy's first one inwards."""
    calls = list(traceback.walk_tb(error.__traceback__))
    return list(dropwhile(lambda call: _package(call[0]) not in _CALLERS, calls)) or calls


def _classes(calls: Iterable[_Call]) -> Iterator[type]:
    """Yield the class of each call's first argument: the component, or what Scrapy builds it of."""
    for frame, _ in calls:
        code = frame.f_code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        yield first if isinstance(first, type) else type(first)


def _first_outside(calls: Iterable[_Call]) -> _Call | None:
    """Return the first call outside what calls components, None if there is none."""
    return next((call for call in calls if _package(call[0]) not in _CALLERS), None)


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _check_feeds(settings: BaseSettings) -> None:
    """Check what Scrapy only logs, and then leaves the feed out.

    :raises UsageError: nothing writes the format of a feed, or to its address; or what an option
        of it names cannot be used.
    """
    formats = settings.getwithbase("FEED_EXPORTERS")
    schemes = settings.getwithbase("FEED_STORAGES")
    for address, how in settings.getdict("FEEDS").items():
        if how["format"] not in formats:
            raise UsageError(
                f"FEEDS: {address}: there is no format {how['format']!r}; those are "
                f"{', '.join(sorted(formats))}",
                print_help=False,
            )
        if urlsplit(str(address)).scheme not in schemes:
            raise UsageError(
                f"FEEDS: {address}: nothing writes to such an address", print_help=False
            )
        for name in _FEED_CLASS_LISTS:
            for path in how.get(name) or ():
                _check_path(name, path, f"FEEDS: {address}: ")
        for name in _FEED_OBJECTS:
            if how.get(name):
                _check_path(name, how[name], f"FEEDS: {address}: ")


def _check_client(settings: BaseSettings) -> None:
    # Imported here: only what fetches needs it.
    from crawler.httpclient.dns import Resolver
    from crawler.httpclient.tls import tls_context

    try:
        tls_context(settings)
        Resolver(settings, ())
    except ValueError as error:
        raise UsageError(str(error), print_help=False) from error


def _check_class(settings: BaseSettings, name: str) -> None:
    """Import the class that a setting names, if it is not Scrapy's default."""
    if settings.getpriority(name) and settings.get(name):
        _check_path(name, settings[name])


def _check_path(name: str, path: Any, place: str = "") -> None:
    """Import what a setting, or an option of a feed at ``place``, names.

    :raises UsageError: it cannot be imported, or is not of the setting's kind.
    """
    shown = f"{place}{name}: {path}"
    try:
        component = load_object(path)
    except Exception as error:  # a module of the user's may raise anything: a sentence says so
        raise UsageError(
            f"{shown} cannot be imported ({type(error).__name__}: {error})", print_help=False
        ) from error
    problem = problem_of_kind(name, component)
    if problem:
        raise UsageError(f"{shown} {problem}", print_help=False)
