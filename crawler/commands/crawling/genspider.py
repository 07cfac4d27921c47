"""``scrapy genspider``: make the file of an outlet, to be filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.model.outlet_skeleton import Draft

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Make the file of an outlet. Reads OUTLET_MODULES."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "NAME ADDRESS"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Make NAME.py with all fields of an outlet and comments on what each wants. Of the "
            f"pages nothing is known, so no selector is filled in ({PROGRAM} outlet new fills in "
            "what pages show). ADDRESS is a page of the outlet, "
            "or its host. The file is made in the package that OUTLET_MODULES names, else in "
            "crawler/outlets of the checkout; one that exists is left as it is. "
            f"Example: {PROGRAM} genspider mypaper https://www.mypaper.example/ "
            "-s OUTLET_MODULES=mypaper_outlets"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (Verb's)
        """Make the file and print its path.

        :raises UsageError: an argument is invalid or taken, the file exists, or there is no place
            for it.
        """
        if len(args) != 2:
            raise usage_error("give a name and an address of the outlet")
        # Imported here: Scrapy imports every command's module to run one of them.
        from crawler.authoring.new_file import checked_host, checked_name, new_path, write_file

        name, host = checked_name(args[0]), checked_host(args[1])
        path = new_path(name)
        write_file(path, Draft(name=name, hosts=(host,)))
        print(f"{path}: fill it in as its comments say, then run {PROGRAM} check {name}")
        return 0
