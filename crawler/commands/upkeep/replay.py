"""``scrapy replay``: import saved pages and web archives into the archive."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archive.captures.revisit_lookup import OriginalFinder
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.cli.output.summary import Report
from crawler.model.outlet import OutletError
from crawler.offline.record_tally import RecordTally
from crawler.offline.recovery import recover
from crawler.offline.replay import replay
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore

if TYPE_CHECKING:
    import argparse

    from archive.captures.revisit_lookup import Original
    from archive.index.database import Index
    from archive.warc.record_parser import Record


class Command(Verb):
    """Import files and folders. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] PATH [PATH …]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read saved pages, text renderings, WARC, ARC and WACZ files, or folders of "
            "them; keep their bytes in the archive and their articles in the index. A page's "
            "address and time of capture are read from NAME.json beside it. Records of a web "
            "archive are kept with their requests and the name of the software that wrote them. "
            f"Importing the same files again changes nothing. Example: {PROGRAM} replay seeds/"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --outlet and --all."""
        super().add_options(parser)
        parser.add_argument(
            "--outlet", default="", metavar="NAME", help="the outlet of all given documents"
        )
        parser.add_argument(
            "--all",
            action="store_true",
            help="keep all that web archives have, not only what belongs to articles",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Import; return 1 if anything could not be read."""
        if not args:
            raise usage_error("name at least one file or folder to replay")
        try:
            outlet = outlet_named(opts.outlet) if opts.outlet else None
        except OutletError as error:
            raise usage_error(str(error)) from error
        report, tally = Report(), RecordTally()
        archive = self.archive_store()
        with self.open_index(read_only=False) as index, self.open_segments("replay") as segments:
            run = self.begin("replay", arguments=args)
            store = CaptureStore(segments, index, run, report.add, on_bug=report.add_bug)
            recover(archive, index, store)
            originals = OriginalFinder(archive)
            report.start("reading")
            try:
                find = partial(_original, index, originals)
                replay(args, store, outlet, find, tally, everything=opts.all)
            except KeyboardInterrupt:
                store.close()
                raise
            else:
                store.close()
            finally:
                self.exitcode = report.exit_code  # even if the output is closed early
                report.finish()
                for line in (*tally.sentences(), *tally.lines()):
                    print(line)
        return report.exit_code


def _original(index: Index, originals: OriginalFinder, revisit: Record) -> Original | None:
    with index.reading() as connection:
        return originals.find(connection, revisit)
