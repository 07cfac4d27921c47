"""``sacho outlet``: what helps to write an outlet's file: ``outlet check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.plural import counted
from crawler.cli.printable import print_json
from crawler.cli.tables import print_table
from crawler.model.outlet import OutletError
from crawler.outlets import broken_outlets, outlet_named

if TYPE_CHECKING:
    import argparse

    from crawler.authoring.outlet_report import OutletCheck
    from crawler.model.outlet import Outlet


class Command(Verb):
    """Check the file of one outlet. Reads OUTLET_MODULES."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "check NAME [options]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Check one outlet's file and the pages saved beside it"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "check: say what is wrong with an outlet's file, file and field, and read the pages "
            "that are saved for it (seeds/NAME of the checkout; for an outlet of yours, the folder "
            "fixtures/NAME beside its file): which source of each field is found and used on how "
            "many pages, what was left empty, and whether each page is read as the article "
            "expected beside it. The exit status is 1 if one is not. "
            f"Example: {PROGRAM} outlet check etoday"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of both."""
        super().add_options(parser)
        parser.add_argument(
            "--accept",
            action="store_true",
            help="check: write what each page is read as beside it, as the article expected of it "
            "from now on; compare every line with the page",
        )
        parser.add_argument("--json", action="store_true", help="check: print the result as JSON")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Do what the first argument names, and return the exit status.

        :raises UsageError: it names nothing, or the arguments are invalid.
        """
        if len(args) != 2 or args[0] != "check":
            raise usage_error("say what to do, and with which outlet: check NAME")
        return self._check(_outlet(args[1]), opts)

    def _check(self, outlet: Outlet, opts: argparse.Namespace) -> int:
        """Check an outlet and print what was found; return 1 if anything is wrong."""
        # Imported here: Scrapy imports every command's module to run one of them.
        from crawler.authoring.goldens import write_golden
        from crawler.authoring.outlet_report import check_outlet_file

        try:
            check = check_outlet_file(outlet)
            if opts.accept:
                for each in check.readings:
                    if each.page is not None and each.page.article is not None:
                        write_golden(each.path, each.page.article)
                check = check_outlet_file(outlet)
        except ValueError as error:
            self._fail(str(error))
            return 1
        if opts.json:
            print_json(check.as_values())
        else:
            _print_check(check)
        return 1 if check.faults else 0


def _outlet(name: str) -> Outlet:
    """Return the outlet of that name.

    :raises OutletError: its file is broken.
    :raises UsageError: there is none.
    """
    try:
        return outlet_named(name)
    except OutletError as error:
        if name in broken_outlets():
            raise
        raise usage_error(str(error)) from error


def _print_check(check: OutletCheck) -> None:
    from crawler.authoring.outlet_report import source_rows

    outlet = check.outlet
    layouts, pages = counted(len(outlet.layouts), "layout"), counted(len(check.readings), "fixture")
    print(f"{outlet.name}: {layouts}, {pages} in {check.folder}")
    for layout, tried in check.by_layout():
        print(f"\n{layout.name}, tried on {counted(len(tried), 'fixture')}")
        rows = source_rows(layout, [each.matches for each in tried])
        print_table(("field", "source", "found on", "used on"), rows, figures=2)
    rows = [
        (each.path.name, each.layout, each.golden, ", ".join(each.empty)) for each in check.readings
    ]
    print_table(("fixture", "layout", "golden", "empty"), rows)
    for note in check.notes:
        print(f"note: {note}")
    for fault in check.faults:
        print(f"{PROGRAM} outlet: {fault}", file=sys.stderr)
