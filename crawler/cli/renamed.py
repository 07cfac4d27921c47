"""Verbs that do nothing but say what to use: renamed ones, and Scrapy's that have no use here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    import argparse


class RefusedVerb(ScrapyCommand):
    """Base of the commands that only say what to use. Scrapy finds a command by its module's name.

    ``use`` is what to use, after the command's name. The exit status is 2, so that a script or a
    cron line that still uses the command fails visibly.
    """

    use: ClassVar[str]

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return f"Not available: {self.use}"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add none: an old command line is refused for its name, whatever its options are."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Refuse before any option is read."""
        self.run(args, opts)

    def run(self, args: list[str], opts: argparse.Namespace) -> NoReturn:  # noqa: ARG002  (unused)
        """Refuse.

        :raises UsageError: always; the message says what to use.
        """
        name = type(self).__module__.rpartition(".")[2]
        raise UsageError(f"{name} {self.use}", print_help=False)
