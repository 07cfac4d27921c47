"""Check the values of settings that a person wrote, so that a wrong one is a sentence."""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

#: Settings of Scrapy whose default is a whole number, though their values need not be one.
_FRACTIONS = re.compile("TIMEOUT|DELAY|INTERVAL|SECS|BACKOFF")
#: Numbers that may be negative: differences of priorities, and an indent that means none.
_SIGNED = re.compile("PRIORITY|ADJUST|INDENT")
#: Without at least one, nothing is ever sent, processed, run or kept.
_POSITIVE = frozenset(
    {
        "CONCURRENT_REQUESTS",
        "CONCURRENT_REQUESTS_PER_DOMAIN",
        "CONCURRENT_ITEMS",
        "JOBS_AT_ONCE",
        "LOG_KEEP_DAYS",
    }
)


def check_values(settings: BaseSettings) -> None:
    """Check each value that is text, as all are which a person wrote outside Python.

    :raises UsageError: one is not of its setting's kind; the message names both.
    """
    defaults = Settings()
    defaults.setmodule("crawler.settings")
    for name, value in settings.items():
        if isinstance(value, str) and name in defaults:
            problem = _problem(str(name), value, defaults[name])
            if problem:
                raise UsageError(f"{name}={value}: {problem}", print_help=False)


def _problem(name: str, value: str, default: Any) -> str:
    """Return what is wrong with a value, by the kind of its default; ``""`` if nothing is."""
    if name == "LOG_LEVEL":
        return _problem_of_level(value)
    if isinstance(default, bool):
        return "" if _can(BaseSettings({name: value}).getbool, name) else "give 0 or 1"
    if isinstance(default, (int, float)):
        return _problem_of_number(name, value, default)
    if isinstance(default, dict) or hasattr(default, "maxpriority"):
        is_valid = _can(BaseSettings({name: value}).getdict, name)
        return "" if is_valid else "give an object in JSON, such as {}"
    return ""


def _problem_of_level(value: str) -> str:
    levels = logging.getLevelNamesMapping()
    if value in levels:
        return ""
    close = value.upper()
    known = close if close in levels else "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
    return f"give {known}"


def _problem_of_number(name: str, value: str, default: float) -> str:
    is_whole = isinstance(default, int) and not _FRACTIONS.search(name)
    try:
        number = int(value) if is_whole else float(value)
    except ValueError:
        return "give a whole number" if is_whole else "give a number"
    if not math.isfinite(number):
        return "give a number"
    least = 1 if name in _POSITIVE else 0
    if number < least and not _SIGNED.search(name):
        return f"give a number of at least {least}"
    return ""


def _can(read: Callable[[str], object], name: str) -> bool:
    """Return whether Scrapy reads the value."""
    try:
        read(name)
    except (TypeError, ValueError):
        return False
    return True
