"""A verb that has another name now: the old name says so and does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    import argparse


class RenamedVerb(ScrapyCommand):
    """Base of the commands under former names. Scrapy finds a command by its module's name.

    ``new_name`` is the verb to use. The exit status is 2, so that a script or a cron line that
    still uses the old name fails visibly.
    """

    new_name: ClassVar[str]

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return f"Renamed to {self.new_name}"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add none: an old command line is refused for its name, whatever its options are."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Refuse before any option is read."""
        self.run(args, opts)

    def run(self, args: list[str], opts: argparse.Namespace) -> NoReturn:  # noqa: ARG002  (unused)
        """Refuse.

        :raises UsageError: always; the message names the new verb.
        """
        old = type(self).__module__.rpartition(".")[2]
        raise UsageError(f"{old} was renamed: use {self.new_name} instead", print_help=False)
