"""The verbs that a job may run besides a crawl, and their words, read as the command line reads them."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import NoReturn

from scrapy.settings import Settings

#: What needs nobody beside it; nothing that asks, serves or takes away.
VERBS = ("backup", "export", "recover", "reindex", "replay", "verify")
#: Former names of verbs, as older jobs files may have them.
RENAMED = {"close": "recover"}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong instead of ending the process, and prints nothing."""

    def print_help(self, file: object = None) -> None:
        """Print none."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise ValueError(message or f"it would only print and exit with {status}")


def check_words(words: list[str]) -> tuple[str, tuple[str, ...]]:
    """The verb and the words behind it.

    :raises ValueError: no such verb, or an option it doesn't have.
    """
    verb, *rest = words or [""]
    if verb == "crawl":
        raise ValueError('write outlet = "NAME" for a crawl, and its arguments = { limit = 100 }')
    if verb in RENAMED:
        raise ValueError(f"{verb} was renamed: use {RENAMED[verb]} instead")
    if verb not in VERBS:
        raise ValueError(
            f"{verb!r} is no verb for a job; those are {', '.join(VERBS)}, and outlet = for a crawl"
        )
    command = import_module(f"crawler.commands.{verb}").Command()
    command.settings = Settings()
    parser = _Parser(prog=verb, add_help=False, conflict_handler="resolve")
    command.add_options(parser)
    parser.add_argument("-h", "--help", action="help")
    _, unknown = parser.parse_known_args(rest)
    wrong = next((word for word in unknown if word.startswith("-") and word != "-"), None)
    if wrong is not None:
        raise ValueError(f"{verb} has no option {wrong}")
    return verb, tuple(rest)
