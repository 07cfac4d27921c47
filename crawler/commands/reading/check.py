"""``scrapy check``: check the outlets' files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.output.plural import counted
from crawler.model.outlet_check import unfilled
from crawler.outlets import broken_outlets, known_outlets, outlet_named

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Check the outlets' files. Reads OUTLET_MODULES."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[OUTLET ...]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read the file of every outlet, those of OUTLET_MODULES and of installed packages as "
            "well, and say what is wrong with those that are broken, file and field, and what is "
            "left to fill in. "
            f"Example: {PROGRAM} check -s OUTLET_MODULES=mypaper.outlets"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (Verb's)
        """Print the number of valid outlets; what is wrong with others has been said before.

        Return 1 if one is broken, or lacks what every outlet needs.
        """
        try:
            outlets = [outlet_named(name) for name in args] or list(known_outlets().values())
        except ValueError as error:
            raise usage_error(str(error)) from error
        whole = [outlet.name for outlet in outlets if not unfilled(outlet)]
        print(f"{counted(len(whole), 'valid outlet')}{': ' if whole else ''}{', '.join(whole)}")
        for outlet in outlets:
            if unfilled(outlet):
                print(
                    f"{PROGRAM} check: {outlet.name} is not filled in yet; without a value: "
                    f"{', '.join(unfilled(outlet))}",
                    file=sys.stderr,
                )
        is_any_broken = not args and bool(broken_outlets())
        return 1 if is_any_broken or len(whole) < len(outlets) else 0
