"""``scrapy crawl``: discover an outlet's articles, fetch what is due, keep every exchange."""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError
from scrapy.utils.conf import feed_process_params_from_cli

from archive.model.program import PROGRAM
from archive.runs.record import Ending
from archive.runs.recorder import RunRecorder
from crawler import VERSION
from crawler.cli.base import Verb, usage_error
from crawler.cli.configuration.components import check_early_components
from crawler.cli.output.summary import Report
from crawler.model.outlet import Outlet, OutletError
from crawler.model.text import as_text
from crawler.outlets import as_address, new_site, outlet_at, outlet_named

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.cli.output.run_logs import RunLogs
    from crawler.crawling.outlet_crawl import Wanted
    from crawler.crawling.together import Ended


class Command(Verb):
    """Crawl outlets. Reads CONTACT, ARCHIVE_URL, INDEX_URL and the settings of a crawl."""

    outlasts_reader = True

    requires_crawler_process = True
    #: Of a process that crawls as it is ordered: where output and answers go.
    _logs: RunLogs
    _answers: int

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] OUTLET … | ADDRESS | --site ADDRESS"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read an outlet's feeds, sitemaps and list pages, fetch the articles that are new or "
            "due for another visit, and keep every exchange. With ADDRESS, any address of an "
            "article, fetch that article. With --site, archive a site of which nobody wrote an "
            "outlet: ADDRESS is a list of its articles, a feed or a sitemap; the site is kept as "
            "site:DOMAIN, read by a tool for any page (quality: generic). Several outlets are "
            "crawled in one process, each at its own pace; those with a host in common one after "
            "the other. If it is stopped, the same command continues. Needs "
            "CONTACT, an address under which outlets can reach you. "
            f"Example: CONTACT=desk@example.org {PROGRAM} crawl etoday -a since=2023-09-01 "
            "-a until=2023-09-30"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add -a."""
        super().add_options(parser)
        parser.add_argument(
            "-a",
            dest="arguments",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="since=YYYY-MM-DD, until=YYYY-MM-DD (days of publication, KST, inclusive), "
            "url=ADDRESS (only this article), limit=N (at most N articles), "
            "discover=no (only articles that are due for another visit), "
            "again=YYYY-MM-DD..YYYY-MM-DD (what was found gone or given up on these days, KST, and "
            "was not seen since)",
        )

        parser.add_argument(
            "--orders",
            action="store_true",
            help="for sacho schedule (JOBS_TOGETHER): crawl what lines on the standard input "
            "order, at the same time, until it closes",
        )
        parser.add_argument(
            "--site",
            default="",
            metavar="ADDRESS",
            help="a list page, feed or sitemap of a site without an outlet",
        )
        parser.add_argument(
            "-o",
            "--output",
            action="append",
            default=[],
            metavar="FILE",
            help="append the stored articles to FILE as well, as Scrapy's feeds do; the ending of "
            "its name is the format (jsonl, json, csv, xml), or -:jsonl for standard output",
        )
        parser.add_argument(
            "-O",
            "--overwrite-output",
            action="append",
            default=[],
            metavar="FILE",
            help="the same, in place of what FILE holds",
        )
        parser.add_argument(
            "-t", "--output-format", metavar="FORMAT", help="the format of FILE, whatever its name"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Put the files of -o and -O into FEEDS.

        :raises UsageError: a format is unknown, both options are given, or an add-on or the
            spider loader cannot be imported.
        """
        super().process_options(args, opts)
        assert self.settings is not None
        check_early_components(self.settings)
        if opts.orders:
            self._take_streams()
        if not (opts.output or opts.overwrite_output):
            return
        ending = f":{opts.output_format}" if opts.output_format else ""
        try:
            feeds = feed_process_params_from_cli(
                self.settings,
                [f"{file}{ending}" for file in opts.output],
                overwrite_output=[f"{file}{ending}" for file in opts.overwrite_output],
            )
        except UsageError as error:
            raise usage_error(str(error)) from error
        self.settings.set("FEEDS", feeds, priority="cmdline")

    def _take_streams(self) -> None:
        """Give the output to the runs that are ordered, each to its log, with what it does."""
        from crawler.crawling.orders import take_streams

        self._logs, self._answers = take_streams()

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Crawl and print a summary; return 1 if anything failed or the counts do not add up."""
        if opts.orders:
            return self._crawl_as_ordered(args)
        if len(args) > 1:
            return self._crawl_together(self._several(args, opts))
        return self._crawl_one(self._checked(args, opts.arguments, as_text(opts.site)))

    def _crawl_one(self, wanted: Wanted) -> int:
        # Imported here: Scrapy imports every command's module to run one of them.
        from crawler.crawling.outlet_crawl import OutletCrawl
        from crawler.crawling.summary import print_crawl

        assert self.crawler_process is not None, "requires_crawler_process"
        run = self.begin("crawl", wanted.outlet.name, wanted.words)
        crawl = OutletCrawl(self.crawler_process, wanted, run)
        crawl.session.report.start(f"crawling {wanted.outlet.name}")
        crawl.start()
        self.crawler_process.start()
        crawl.end_left()
        # A feed that is the standard output must be nothing but the feed.
        is_taken = "stdout:" in crawl.crawler.settings.getdict("FEEDS")
        with redirect_stdout(sys.stderr) if is_taken else nullcontext():
            print_crawl(crawl)
        reason, verdict = crawl.end()
        if reason == "shutdown":
            self.was_stopped()
        for sentence in verdict.faults:
            print(f"{PROGRAM} crawl: {sentence}", file=sys.stderr)
        return verdict.exit_code

    def _crawl_together(self, wanted: Sequence[Wanted]) -> int:
        """Crawl several outlets in one reactor; return the highest of their exit statuses."""
        from crawler.crawling.summary import print_crawls
        from crawler.crawling.together import Together

        process = self._several_at_once()
        whole = Report()
        ended: list[Ended] = []
        together = Together(process, lambda crawl: crawl.session.report.show_in(whole))

        def note_end(one: Ended) -> None:
            self._record_one(one)
            ended.append(one)

        whole.start(f"crawling {len(wanted)} outlets")
        for one in wanted:
            together.add(one, partial(_run_of, one), note_end)
        if together.is_going:
            process.start()
        together.end()
        print_crawls(whole, [one.crawl for one in ended if one.crawl is not None])
        for crawl in ended:
            for sentence in crawl.faults:
                name = crawl.wanted.outlet.name
                print(f"{PROGRAM} crawl: {name}: {sentence}", file=sys.stderr)
        return max(crawl.exit_code for crawl in ended)

    def _crawl_as_ordered(self, args: list[str]) -> int:
        """Crawl what a scheduler orders."""
        from crawler.crawling.orders import OrderedCrawls

        if args:
            raise usage_error("--orders takes no outlets: lines on the standard input name them")
        self._check_feeds()
        self.log_run()
        # What tells of the process is in the log of no run, and the scheduler says it too.
        logging.getLogger("crawler.cli.base").setLevel(logging.WARNING)
        process = self._several_at_once()
        process.settings.set("LOG_LEVEL", "INFO", priority="command")
        orders = OrderedCrawls(process, self._ordered, self._logs, self._answers, self.record_end)
        orders.run()
        return 0

    def _ordered(self, words: Sequence[str]) -> Wanted:
        """Return the crawl that the words of a command line ask for.

        :raises UsageError: an argument is invalid.
        """
        from crawler.cli.verbs import parser_of

        given, names = parser_of("crawl", self).parse_known_args([*words])
        return self._checked(names, given.arguments, as_text(given.site))

    def _several_at_once(self) -> AsyncCrawlerProcess:
        """Return what runs several crawls.

        :raises UsageError: the settings ask for Scrapy's other process.
        """
        from scrapy.crawler import AsyncCrawlerProcess

        process = self.crawler_process
        if not isinstance(process, AsyncCrawlerProcess):
            raise usage_error("several outlets need what FORCE_CRAWLER_PROCESS turns off")
        # Each crawl opens the log anew; none may cut off what another has written.
        process.settings.set("LOG_FILE_APPEND", True, priority="cmdline")
        return process

    def _record_one(self, ended: Ended) -> None:
        """Write to the history how one of several crawls has ended."""
        ending = Ending.FAILED if ended.exit_code else Ending.SUCCEEDED
        if ended.was_stopped:
            ending = Ending.STOPPED
        if ended.run_id:
            self.record_end(ended.run_id, ending, ended.exit_code)

    def _several(self, args: list[str], opts: argparse.Namespace) -> list[Wanted]:
        """Return the crawls of several outlets, with the same arguments for each.

        :raises UsageError: one of them is invalid, or needs an outlet alone.
        """
        if opts.site:
            raise usage_error("--site ADDRESS is all that names the site")
        alone = next((name for name in args if as_address(as_text(name))), "")
        if alone:
            raise usage_error(f"{alone} is one article's address: crawl it alone")
        if any(word.startswith("url=") for word in opts.arguments):
            raise usage_error("-a url= names one article: name its outlet alone")
        twice = next((name for name in args if args.count(name) > 1), "")
        if twice:
            raise usage_error(f"{twice} is named twice")
        self._check_feeds()
        wanted = [self._checked([name], opts.arguments, "") for name in args]
        self._check_limits(len(args))
        return wanted

    def _check_feeds(self) -> None:
        """Check that no two crawls write to one feed.

        :raises UsageError: they would.
        """
        assert self.settings is not None
        for address in self.settings.getdict("FEEDS"):
            if "%(name)s" not in str(address):
                raise usage_error(
                    f"{address} would be written by several crawls at once: put %(name)s, which "
                    "becomes the outlet's name, into the name of the file"
                )

    def _checked(self, args: list[str], given: list[str], site: str) -> Wanted:
        """Return the crawl that is asked for.

        :raises UsageError: one of them is invalid, or CONTACT is missing.
        """
        from crawler.crawling.outlet_crawl import Wanted
        from crawler.model.crawl_arguments import parse_arguments
        from crawler.model.window import WindowError

        if len(args) != (0 if site else 1):
            raise usage_error(
                "--site ADDRESS is all that names the site"
                if site
                else f"name one outlet ({PROGRAM} list shows them) or one address of an article"
            )
        address = "" if site else as_address(as_text(args[0]))
        try:
            if site:
                outlet = new_site(site)
            else:
                outlet = outlet_at(address) if address else outlet_named(args[0])
            if address and any(word.startswith("url=") for word in given):
                raise usage_error(f"-a url= names another address than {address}: name one")
            if address:
                given = [*given, f"url={address}"]
            arguments = parse_arguments(given, outlet)
            self._check_contact(outlet)
        except (OutletError, WindowError, ValueError) as error:
            raise usage_error(str(error)) from error
        words = ["--site", site] if site else [outlet.name]
        words += [word for pair in given for word in ("-a", pair)]
        return Wanted(outlet, arguments, tuple(words))

    def _check_contact(self, outlet: Outlet) -> None:
        """Check the contact before anything is written; the spider checks it again.

        :raises ContactError: a host is not local and CONTACT is not set.
        """
        from crawler.middlewares.identity import check_contact

        assert self.settings is not None
        check_contact(self.settings, set(outlet.crawled_hosts))


def _run_of(wanted: Wanted) -> RunRecorder:
    """Return the recorder of a run that begins now."""
    return RunRecorder("crawl", outlet=wanted.outlet.name, arguments=wanted.words, version=VERSION)
