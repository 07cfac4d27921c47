"""Check the values of settings that a person wrote, so that a wrong one is a sentence."""

from __future__ import annotations

import codecs
import logging
import math
import os
import re
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any

from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings, Settings

from crawler.cli.configuration.components import ORDERED

#: Settings of Scrapy whose default is a whole number, though their values need not be one.
_FRACTIONS = re.compile("TIMEOUT|DELAY|INTERVAL|SECS|BACKOFF")
#: Numbers that may be negative: differences of priorities, and an indent that means none.
_SIGNED = re.compile("PRIORITY|ADJUST|INDENT")
#: Lists of numbers that are empty by default.
_NUMBERS = frozenset({"HTTPCACHE_IGNORE_HTTP_CODES", "HTTPERROR_ALLOWED_CODES"})
#: The characters of a wrong value that are shown.
_SHOWN = 100
#: Without at least one, nothing is ever sent, processed, run or kept.
_POSITIVE = frozenset(
    {
        "CONCURRENT_REQUESTS",
        "CONCURRENT_REQUESTS_PER_DOMAIN",
        "CONCURRENT_ITEMS",
        "JOBS_AT_ONCE",
        "JOBS_TOGETHER",
        "LOG_KEEP_DAYS",
        "S3_PART_BYTES",
    }
)

#: What the options of a feed have to be, where they are given.
_FEED_OPTIONS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "batch_item_count": ((int,), "a whole number"),
    "fields": ((list, dict), "a list, or an object in JSON"),
    "indent": ((int,), "a whole number"),
    "item_classes": ((list, tuple), "a list"),
    "item_export_kwargs": ((dict,), "an object in JSON, such as {}"),
    "overwrite": ((bool,), "true or false"),
    "postprocessing": ((list, tuple), "a list"),
    "store_empty": ((bool,), "true or false"),
}
#: Seconds between two calls.
_ABOVE_ZERO = frozenset({"MEMUSAGE_CHECK_INTERVAL_SECONDS"})


def check_values(settings: BaseSettings) -> None:
    """Check each value that a person may have written, as text or in Python.

    :raises UsageError: one is not of its setting's kind; the message names both.
    """
    defaults = Settings()
    defaults.setmodule("crawler.settings")
    for name, value in settings.items():
        if name in defaults:
            problem = _problem(str(name), value, defaults[name])
            if problem:
                shown = f"{value if isinstance(value, str) else repr(value)}"
                raise UsageError(f"{name}={shown[:_SHOWN]}: {problem}", print_help=False)


def _problem(name: str, value: Any, default: Any) -> str:
    """Return what is wrong with a value, ``""`` if nothing is."""
    if name in _OWN:
        return _OWN[name](value)
    if isinstance(default, bool):
        return "" if _can(BaseSettings({name: value}).getbool, name) else "give 0 or 1"
    if isinstance(default, (int, float)):
        return _problem_of_number(name, value, default)
    if isinstance(default, (dict, BaseSettings)):
        return _problem_of_dict(name, value)
    if isinstance(default, list):
        return _problem_of_list(name, value, default)
    if isinstance(default, str):
        return _problem_of_text(name, value)
    return ""


def _problem_of_text(name: str, value: Any) -> str:
    if isinstance(value, str) or (value is None and not name.endswith("_CLASS")):
        return ""
    # Where a class is named, the class itself can be given, too.
    is_object = callable(value) or isinstance(value, PathLike)
    return "" if is_object else "give a text"


def _problem_of_list(name: str, value: Any, default: list[Any]) -> str:
    if value is not None and not isinstance(value, (str, list, tuple, set, frozenset)):
        return "give a list"
    parts = BaseSettings({name: value}).getlist(name)
    if all(isinstance(one, int) for one in default) and (default or name in _NUMBERS):
        return "" if _can(lambda _: list(map(int, parts)), name) else "give whole numbers"
    return ""


def _problem_of_dict(name: str, value: Any) -> str:
    settings = BaseSettings({name: value})
    if not _can(settings.getdict, name):
        return "give an object in JSON, such as {}"
    given = settings.getdict(name)
    if name.removesuffix("_BASE") in ORDERED:
        for path, number in given.items():
            if number is not None and not isinstance(number, (int, float)):
                return f"give {path} a number, or null to turn it off"
    return _PARTS[name](given) if name in _PARTS else ""


def _problem_of_feeds(feeds: dict[str, Any]) -> str:
    for file, how in feeds.items():
        if not isinstance(how, Mapping) or not isinstance(how.get("format"), str):
            return f'give {file} its format, such as {{"format": "jsonl"}}'
        for option, (kinds, kind) in _FEED_OPTIONS.items():
            if how.get(option) is not None and not isinstance(how[option], kinds):
                return f"give the {option} of {file} {kind}"
        if "encoding" in how and _problem_of_encoding(how["encoding"]):
            return f"{file}: {_problem_of_encoding(how['encoding'])}"
    return ""


def _problem_of_slots(slots: dict[str, Any]) -> str:
    for host, own in slots.items():
        if not isinstance(own, Mapping):
            return f'give {host} an object, such as {{"delay": 5}}'
        for key in ("delay", "concurrency"):
            if key in own and _problem_of_number(f"DOWNLOAD_{key.upper()}", own[key], 0.0):
                return f"give the {key} of {host} a number of at least 0"
    return ""


def _problem_of_headers(headers: dict[str, Any]) -> str:
    for name, value in headers.items():
        if not isinstance(value, (str, bytes, int, NoneType)):
            return f"give {name} a text"
    return ""


def _problem_of_places(places: dict[str, Any]) -> str:
    wrong = next((name for name, place in places.items() if not isinstance(place, str)), None)
    return "" if wrong is None else f"give {wrong} an address"


def _problem_of_encoding(value: Any) -> str:
    is_known = value is None or _can(lambda _: codecs.lookup(value), "")
    return "" if is_known else "give a character encoding, such as utf-8"


def _problem_of_format(value: Any) -> str:
    def log(_: str) -> None:
        logging.Formatter(value).format(logging.makeLogRecord({}))

    return "" if _can(log, "") else "give a format of Python's logging, such as %(message)s"


def _problem_of_stdout(value: Any) -> str:
    settings = BaseSettings({"LOG_STDOUT": value})
    if not _can(settings.getbool, "LOG_STDOUT"):
        return "give 0 or 1"
    is_on = settings.getbool("LOG_STDOUT")
    return "what a command prints is its result, and no log; give 0" if is_on else ""


def _problem_of_file(value: Any) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, (str, PathLike)):
        return "give a file"
    path = Path(value)
    if path.is_dir():
        return "it is a folder; give a file"
    if not path.parent.is_dir():
        return "its folder does not exist"
    existing = path if path.exists() else path.parent
    return "" if os.access(existing, os.W_OK) else "you may not write it"


def _problem_of_level(value: Any) -> str:
    levels = logging.getLevelNamesMapping()
    if value in levels.values() if isinstance(value, int) else str(value) in levels:
        return ""
    close = str(value).upper()
    known = close if close in levels else "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
    return f"give {known}"


def _problem_of_number(name: str, value: Any, default: float) -> str:
    is_whole = isinstance(default, int) and not _FRACTIONS.search(name)
    try:
        number = int(value) if is_whole else float(value)
    except (TypeError, ValueError, OverflowError):
        return "give a whole number" if is_whole else "give a number"
    if not math.isfinite(number):
        return "give a number"
    least = 1 if name in _POSITIVE else 0
    if number < least and not _SIGNED.search(name):
        return f"give a number of at least {least}"
    return "give a number above 0" if name in _ABOVE_ZERO and number == 0 else ""


def _can(read: Callable[[str], object], name: str) -> bool:
    """Return whether Scrapy reads the value."""
    try:
        read(name)
    except (LookupError, TypeError, ValueError):
        return False
    return True


#: Settings whose values have a check of their own, and those of the parts of an object.
_OWN: dict[str, Callable[[Any], str]] = {
    "DEFAULT_DROPITEM_LOG_LEVEL": _problem_of_level,
    "FEED_EXPORT_ENCODING": _problem_of_encoding,
    "HTTPPROXY_AUTH_ENCODING": _problem_of_encoding,
    "LOG_DATEFORMAT": lambda value: "" if isinstance(value, (str, NoneType)) else "give a text",
    "LOG_ENCODING": _problem_of_encoding,
    "LOG_FILE": _problem_of_file,
    "LOG_FORMAT": _problem_of_format,
    "LOG_LEVEL": _problem_of_level,
    "LOG_STDOUT": _problem_of_stdout,
    "RETRY_GIVE_UP_LOG_LEVEL": _problem_of_level,
}
_PARTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "DEFAULT_REQUEST_HEADERS": _problem_of_headers,
    "DOWNLOAD_SLOTS": _problem_of_slots,
    "FEEDS": _problem_of_feeds,
    "RESOLVER_MAP": _problem_of_places,
}
