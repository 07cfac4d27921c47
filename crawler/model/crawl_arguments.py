"""The arguments of a crawl: a window of days, one address, a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.model.window import Window, parse_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.model.outlet import Outlet

NAMES = ("since", "until", "url", "limit", "discover")


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
