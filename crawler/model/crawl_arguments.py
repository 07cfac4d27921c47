"""The arguments of a crawl: a window of days, one address, a limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self

from crawler.model.window import Window, parse_day, parse_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crawler.model.outlet import Outlet

NAMES = ("since", "until", "url", "limit", "discover", "again")
#: An article older than this is not news any more.
NEWS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class CrawlArguments:
    """The arguments of a crawl that has run or will run; days are KST.

    ``limit`` is left out, as it decides nothing about a crawl that has ended. ``again`` is whether
    it looked again at articles that were found gone.
    """

    since: date | None = None
    until: date | None = None
    url: str = ""
    discover: bool = True
    again: bool = False

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
            discover="discover" not in given and "again" not in given,
            again="again" in given,
        )

    @property
    def finds_new(self) -> bool:
        """Whether the crawl discovers articles up to now, and not one address or past days."""
        return self.discover and not self.url and self.until is None

    def is_backfill(self, today: date, after: timedelta = NEWS) -> bool:
        """Return whether the crawl asked for certain articles, or days further back than that."""
        oldest = today - after
        return (
            bool(self.url)
            or self.again
            or any(day and day < oldest for day in (self.since, self.until))
        )


def parse_arguments(words: Iterable[str], outlet: Outlet) -> dict[str, str]:
    """Return the spider's arguments that the words ``NAME=VALUE`` state, by name.

    Names that begin with ``_`` are passed on as they are.

    :raises ValueError: a name is unknown, or a value is missing or invalid; the message says which.
    """
    arguments: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name.startswith("_"):
            # Of a scheduler such as scrapyd, for the spider to have: `_job`.
            arguments[name] = value
            continue
        if name not in NAMES or not value:
            raise ValueError(f"-a {word}: give one of {', '.join(NAMES)} as NAME=VALUE")
        arguments[name] = value
    since, until = arguments.get("since"), arguments.get("until")
    Window(parse_day(since) if since else None, parse_day(until) if until else None)
    _check_limit(arguments.get("limit", "1"))
    _check_discover(arguments)
    _check_again(arguments)
    url = arguments.get("url")
    if url and outlet.identify(url) is None:
        raise ValueError(f"-a url={url}: it is not the address of an article of {outlet.name}")
    return arguments


def _check_limit(limit: str) -> None:
    """Raise ValueError unless the limit is a whole number of at least 1."""
    if not limit.isascii() or not limit.isdigit() or int(limit) < 1:
        raise ValueError(f"-a limit={limit}: give a number of at least 1")


def _check_discover(arguments: Mapping[str, str]) -> None:
    """Raise ValueError unless ``discover`` is missing, or is ``no`` without days or an address."""
    discover = arguments.get("discover")
    if discover is None:
        return
    if discover != "no":
        raise ValueError(
            f"-a discover={discover}: only discover=no is an argument; otherwise leave it out"
        )
    if not arguments.keys().isdisjoint(("since", "until", "url")):
        raise ValueError(
            "-a discover=no visits only what is due: it cannot be used with since, until or url"
        )


def _check_again(arguments: Mapping[str, str]) -> None:
    """Raise ValueError unless ``again`` is missing, or is days without another choice of articles.

    :raises WindowError: it is not days.
    """
    if "again" not in arguments:
        return
    parse_days(arguments["again"])
    if not arguments.keys().isdisjoint(("since", "until", "url", "discover")):
        raise ValueError(
            "-a again looks at articles that were found gone: it cannot be used with since, until, "
            "url or discover"
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
