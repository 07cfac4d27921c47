"""The verbs of ``sacho``: found, described, parsed and run as Scrapy does with its commands."""

from __future__ import annotations

import os
import sys
from cProfile import Profile
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING

from scrapy.cmdline import ScrapyArgumentParser
from scrapy.commands import ScrapyHelpFormatter
from scrapy.exceptions import UsageError
from scrapy.settings import Settings
from scrapy.utils.project import ENVVAR

from archive.model import program
from crawler.cli.renamed import RefusedVerb

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from scrapy.commands import ScrapyCommand

_SETTINGS = "crawler.settings"
#: Scrapy's own commands that are verbs of ours as they are.
_OF_SCRAPY = ("settings",)


def run_verb(name: str, arguments: list[str]) -> int:
    """Run a verb with its arguments and options; return the exit status, 2 for invalid usage."""
    # Scrapy's parts then take this for the project that they are in, whatever folder it is.
    os.environ[ENVVAR] = _SETTINGS
    if name not in verb_names():
        print(_unknown_verb(name), file=sys.stderr)
        return 2
    command = load_verb(name)
    parser = parser_of(name, command)
    options, rest = parser.parse_known_args(arguments)
    if not _usage_checked(parser, lambda: command.process_options(rest, options)):
        return 2
    if command.requires_crawler_process and not _usage_checked(parser, lambda: _prepare(command)):
        return 2
    if not _usage_checked(parser, lambda: _run(command, rest, options)):
        return 2
    return command.exitcode


def _unknown_verb(name: str) -> str:
    """Return the sentence about a verb that does not exist, with one of a similar name."""
    close = get_close_matches(name, verb_names(), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"sacho: unknown command {name}{hint} (sacho --help lists them)"


def verb_names() -> list[str]:
    """Return the names of all verbs, sorted; former names among them."""
    return sorted(_verb_modules())


def load_verb(name: str) -> ScrapyCommand:
    """Return a new command, with the project's settings and the defaults of its own."""
    command: ScrapyCommand = import_module(_verb_modules()[name]).Command()
    settings = Settings()
    settings.setmodule(_SETTINGS, priority="project")
    settings.setdict(command.default_settings, priority="command")
    command.settings = settings
    return command


@cache
def _verb_modules() -> dict[str, str]:
    """Return the module of each verb, by its name."""
    package = import_module("crawler.commands")
    modules = walk_packages(package.__path__, f"{package.__name__}.")
    ours = {module.name.rpartition(".")[2]: module.name for module in modules if not module.ispkg}
    return ours | {name: f"scrapy.commands.{name}" for name in _OF_SCRAPY}


def each_verb() -> Iterator[tuple[str, ScrapyCommand]]:
    """Yield each verb with its name, sorted, without those that only say what to use."""
    for name in verb_names():
        command = load_verb(name)
        if not isinstance(command, RefusedVerb):
            yield name, command


class _HelpFormatter(ScrapyHelpFormatter):
    """Scrapy's, which takes each line that ends in a colon for the heading of a section."""

    def format_part_strings(self, part_strings: list[str]) -> list[str]:
        """Return the parts with their headings underlined, those of an option as they are."""
        begins_section = part_strings[:1] == ["\n"]
        if begins_section or "".join(part_strings[:1]).startswith("usage: "):
            return super().format_part_strings(part_strings)
        return part_strings


def parser_of(name: str, command: ScrapyCommand) -> argparse.ArgumentParser:
    """Return the parser of a verb's options, made as Scrapy makes it."""
    parser = ScrapyArgumentParser(
        prog="sacho",
        formatter_class=_HelpFormatter,
        usage=f"sacho {name} {command.syntax()}".rstrip(),
        conflict_handler="resolve",
        description=command.long_desc(),
    )
    command.add_options(parser)
    return parser


def command_line() -> list[str]:
    """Return the words that start a verb of this installation in another process."""
    if program.PROGRAM == "scrapy":
        return [sys.executable, "-m", "scrapy"]
    # -P: a folder "crawler" where the process is started must not be taken for ours.
    return [sys.executable, "-P", "-m", "crawler"]


def _usage_checked(parser: argparse.ArgumentParser, step: Callable[[], None]) -> bool:
    """Take a step; print what is wrong with the usage and return False if the step finds that."""
    try:
        step()
    except UsageError as error:
        if str(error):
            parser.error(str(error))
        if error.print_help:
            parser.print_help()
        return False
    return True


def _prepare(command: ScrapyCommand) -> None:
    """Give a command what its crawl runs in, as Scrapy does.

    :raises UsageError: the user's spider loader cannot be made.
    """
    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.cli.configuration.components import blaming

    assert command.settings is not None
    with blaming(command.settings):
        command.crawler_process = AsyncCrawlerProcess(command.settings)


def _run(command: ScrapyCommand, arguments: list[str], options: argparse.Namespace) -> None:
    profile = getattr(options, "profile", None)
    if not profile:
        command.run(arguments, options)
        return
    profiler = Profile()
    profiler.runcall(command.run, arguments, options)
    profiler.dump_stats(profile)
