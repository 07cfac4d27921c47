"""The command ``sacho``: the project's verbs from any folder, without a scrapy.cfg."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
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
from crawler import VERSION
from crawler.cli.output.printable import make_output_safe
from crawler.cli.renamed import RefusedVerb

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from scrapy.commands import ScrapyCommand

_SETTINGS = "crawler.settings"
#: Scrapy's own commands that are verbs of ours as they are.
_OF_SCRAPY = ("settings",)


def main() -> None:
    """Run the verb that the command line names, and exit with its status.

    :raises KeyboardInterrupt: Ctrl-C, while the verb was being prepared.
    """
    program.started_as("sacho")
    # Scrapy's parts then take this for the project that they are in, whatever folder it is.
    os.environ[ENVVAR] = _SETTINGS
    _look_for_modules_here()
    make_output_safe()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        status = _output_failed(error)
    sys.exit(status)


def _look_for_modules_here() -> None:
    """Let settings name modules of the current folder, as in a Scrapy project.

    It is the last place that is looked in: a folder of the name of ours must not be taken for it.
    """
    with suppress(FileNotFoundError):  # the folder was deleted
        sys.path.append(os.getcwd())  # noqa: PTH109  (sys.path holds texts)


def run(arguments: list[str]) -> int:
    """Run a verb with its arguments and options; return the exit status, 2 for invalid usage."""
    name = next((word for word in arguments if not word.startswith("-")), None)
    if name is None or name == "help":
        _print_about(version_only="--version" in arguments)
        return 0
    if name not in verb_names():
        print(_unknown_verb(name), file=sys.stderr)
        return 2
    arguments.remove(name)
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


def _print_about(*, version_only: bool) -> None:
    """Print the version, or the list of verbs."""
    if version_only:
        print(f"Sacho {VERSION}")
    else:
        _print_verbs()


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


def parser_of(name: str, command: ScrapyCommand) -> argparse.ArgumentParser:
    """Return the parser of a verb's options, made as Scrapy makes it."""
    parser = ScrapyArgumentParser(
        prog="sacho",
        formatter_class=ScrapyHelpFormatter,
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


def _output_failed(error: OSError) -> int:
    """Drop the rest of the output, and return the exit status.

    :raises OSError: it is an error of a file, not of the output.
    """
    from crawler.cli.base import discard_output  # after `started_as`, as it reads the name

    if error.filename is not None:
        raise error
    discard_output()
    if isinstance(error, BrokenPipeError):  # head or less has read enough: not a failure
        return 0
    print(f"sacho: the output could not be written ({error.strerror})", file=sys.stderr)
    return 1


def _print_verbs() -> None:
    print(f"Sacho {VERSION}: crawl and archive Korean news\n")
    print("Usage: sacho VERB [options] [arguments]\n\nVerbs:")
    for name, command in each_verb():
        print(f"  {name:<11} {command.short_desc()}")
    print("\nsacho VERB --help describes a verb; sacho completion SHELL completes them by TAB.")


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
