"""``scrapy check``: check the outlets' files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.plural import counted
from crawler.outlets import known_outlets, outlet_named

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Check the outlets' files. Reads OUTLET_MODULES."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[OUTLET ...]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Check the outlets' files, yours too"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read the file of every outlet, those of OUTLET_MODULES and of installed packages as "
            "well, and say what is wrong with the first that is invalid. "
            f"Example: {PROGRAM} check -s OUTLET_MODULES=mypaper.outlets"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (Verb's)
        """Print the number of valid outlets; an invalid one has ended the command before."""
        try:
            names = [outlet_named(name).name for name in args] or list(known_outlets())
        except ValueError as error:
            raise usage_error(str(error)) from error
        print(f"{counted(len(names), 'valid outlet')}: {', '.join(names)}")
        return 0
