"""The commands that a job may run besides a crawl, and the check of their arguments."""

from __future__ import annotations

import argparse
from typing import NoReturn

from crawler.cli.verbs import load_verb

#: Commands that need no terminal, end by themselves and remove nothing.
VERBS = ("backup", "export", "recover", "reindex", "replay", "verify")
#: Former names of verbs, as older jobs files may have them.
RENAMED = {"close": "recover"}


class _Parser(argparse.ArgumentParser):
    """A parser that raises ValueError instead of printing and ending the process."""

    def print_help(self, file: object = None) -> None:
        """Print nothing."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise ValueError(message or f"it would only print and exit with {status}")


def check_words(words: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return a command and its arguments, checked by the command's own parser.

    :raises ValueError: there is no such command, or an argument is invalid.
    """
    verb, *rest = words or [""]
    if verb == "crawl":
        raise ValueError('write outlet = "NAME" for a crawl, and its arguments = { limit = 100 }')
    if verb in RENAMED:
        raise ValueError(f"{verb} was renamed: use {RENAMED[verb]} instead")
    if verb not in VERBS:
        raise ValueError(
            f"{verb!r} is not a command for a job; those are {', '.join(VERBS)}, and outlet = for "
            "a crawl"
        )
    command = load_verb(verb)
    parser = _Parser(prog=verb, add_help=False, conflict_handler="resolve")
    command.add_options(parser)
    parser.add_argument("-h", "--help", action="help")
    _, unknown = parser.parse_known_args(rest)
    wrong = next((word for word in unknown if word.startswith("-") and word != "-"), None)
    if wrong is not None:
        raise ValueError(f"{verb} has no option {wrong}")
    return verb, tuple(rest)
