"""The arguments of a crawl: a window of days, one address, a limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self

from crawler.model.window import Window, parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.model.outlet import Outlet

NAMES = ("since", "until", "url", "limit", "discover")
#: An article older than this is not news any more.
NEWS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class CrawlArguments:
    """The arguments of a crawl that has run or will run; days are KST.

    ``limit`` is left out, as it decides nothing about a crawl that has ended.
    """

    since: date | None = None
    until: date | None = None
    url: str = ""
    discover: bool = True

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Self:
        """Return the arguments among the words of a command line, ``NAME=VALUE`` each.

        A day that is not valid counts as not given: no crawl runs with it, but a row may hold it.
        """
        given = dict(word.split("=", 1) for word in words if "=" in word)
        return cls(
            since=_day(given.get("since", "")),
            until=_day(given.get("until", "")),
            url=given.get("url", ""),
            discover="discover" not in given,
        )

    @property
    def finds_new(self) -> bool:
        """Whether the crawl discovers articles up to now, and not one address or past days."""
        return self.discover and not self.url and self.until is None

    def is_backfill(self, today: date, after: timedelta = NEWS) -> bool:
        """Return whether the crawl asked for an address, or for days longer ago than ``after``."""
        oldest = today - after
        return bool(self.url) or any(day and day < oldest for day in (self.since, self.until))


def checked(given: Iterable[str], outlet: Outlet) -> dict[str, str]:
    """The spider's arguments, of ``NAME=VALUE`` words.

    :raises ValueError: an unknown name, no value, or a value that can't be; the message is a
        sentence.
    """
    arguments: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if name not in NAMES or not equals or not value:
            raise ValueError(f"-a {pair}: give one of {', '.join(NAMES)} as NAME=VALUE")
        arguments[name] = value
    since, until = arguments.get("since"), arguments.get("until")
    Window(parse_day(since) if since else None, parse_day(until) if until else None)
    limit = arguments.get("limit", "1")
    if not limit.isascii() or not limit.isdigit() or int(limit) < 1:
        raise ValueError(f"-a limit={limit}: give a number of at least 1")
    if arguments.get("discover", "no") != "no":
        raise ValueError(
            f"-a discover={arguments['discover']}: only discover=no is an argument; else leave it out"
        )
    if "discover" in arguments and (since or until or "url" in arguments):
        raise ValueError(
            "-a discover=no looks again at what is due, and nothing else: no since, until or url"
        )
    url = arguments.get("url")
    if url and outlet.identify(url) is None:
        raise ValueError(f"-a url={url}: it is not the address of an article of {outlet.name}")
    return arguments


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
