"""``scrapy crawl``: discover an outlet's articles, fetch what is due, keep every exchange."""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError
from scrapy.utils.conf import feed_process_params_from_cli

from archive.model.program import PROGRAM
from crawler.alarms.crawl_verdict import EndedCrawl, judge_crawl
from crawler.cli.base import Verb, usage_error
from crawler.cli.configuration.component_bugs import counting_component_bugs
from crawler.cli.configuration.components import (
    check_components,
    check_early_components,
    failure_of,
)
from crawler.cli.output.plural import counted
from crawler.cli.output.tables import print_table
from crawler.model.outlet import Outlet, OutletError
from crawler.model.text import as_text
from crawler.outlets import as_address, new_site, outlet_at, outlet_named

if TYPE_CHECKING:
    import argparse

    from archive.frontier.accounting import Balance
    from crawler.discovery.plan import Plan
    from crawler.spider.session import CrawlSession


class Command(Verb):
    """Crawl one outlet. Reads CONTACT, ARCHIVE_URL, INDEX_URL and the settings of a crawl."""

    requires_crawler_process = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] OUTLET | ADDRESS | --site ADDRESS"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read an outlet's feeds, sitemaps and list pages, fetch the articles that are new or "
            "due for another visit, and keep every exchange. With ADDRESS, any address of an "
            "article, fetch that article. With --site, archive a site of which nobody wrote an "
            "outlet: ADDRESS is a list of its articles, a feed or a sitemap; the site is kept as "
            "site:DOMAIN, read by a tool for any page (quality: generic). If it is stopped, the "
            "same command continues. Needs "
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

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Crawl and print a summary; return 1 if anything failed or the counts do not add up."""
        # Imported here: Scrapy imports every command's module to run one of them.
        from crawler.spider.loader import spider_class
        from crawler.spider.session import CrawlSession
        from crawler.spider.spider import OutletSpider

        outlet, given, arguments = self._checked(args, opts.arguments, as_text(opts.site))
        assert self.crawler_process is not None, "requires_crawler_process"
        # A site is no outlet that its name alone tells of.
        named = spider_class(outlet) if opts.site else outlet.name
        crawler = self.crawler_process.create_crawler(named)
        check_components(crawler.settings)
        words = ["--site", as_text(opts.site)] if opts.site else [outlet.name]
        words += [word for pair in given for word in ("-a", pair)]
        session = CrawlSession.of_run(crawler, self.begin("crawl", outlet.name, words))
        # Scrapy makes a record of each page and item for its log, whatever LOG_LEVEL then drops.
        # Errors are counted even if they are not logged.
        core = logging.getLogger("scrapy.core")
        core.setLevel(crawler.settings["LOG_LEVEL"])
        core.setLevel(min(core.level, logging.ERROR))
        session.report.start(f"crawling {outlet.name}")
        with counting_component_bugs(crawler.settings, session.count_passed_over):
            started = self.crawler_process.crawl(crawler, **arguments)
            self.crawler_process.start()
        failure = failure_of(started, crawler.settings)
        spider = crawler.spider
        plan = spider.plan if isinstance(spider, OutletSpider) else None
        # A feed that is the standard output must be nothing but the feed.
        is_taken = "stdout:" in crawler.settings.getdict("FEEDS")
        with redirect_stdout(sys.stderr) if is_taken else nullcontext():
            _print_summary(session, plan)
        # Not of the stats, which a user may replace or turn off.
        reason = None if self.crawler_process.bootstrap_failed else session.reason
        if reason == "shutdown":
            self.was_stopped()
        verdict = judge_crawl(EndedCrawl(session, plan, reason, datetime.now(UTC), failure))
        for sentence in verdict.faults:
            print(f"{PROGRAM} crawl: {sentence}", file=sys.stderr)
        return verdict.exit_code

    def _checked(
        self, args: list[str], given: list[str], site: str
    ) -> tuple[Outlet, list[str], dict[str, str]]:
        """Return the outlet, and the spider's arguments as words and by name.

        :raises UsageError: one of them is invalid, or CONTACT is missing.
        """
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
        return outlet, given, arguments

    def _check_contact(self, outlet: Outlet) -> None:
        """Check the contact before anything is written; the spider checks it again.

        :raises ContactError: a host is not local and CONTACT is not set.
        """
        from crawler.middlewares.identity import check_contact
        from crawler.spider.obligations import hosts_of

        assert self.settings is not None
        check_contact(self.settings, hosts_of(outlet))


def _print_summary(session: CrawlSession, plan: Plan | None) -> None:
    session.report.finish()
    if plan is not None:
        _print_channels(plan)
    if session.looked_again is not None:
        print(f"to look at again: {counted(session.looked_again, 'article')}")
    if session.balance is not None:
        _print_balance(session.balance)


def _print_channels(plan: Plan) -> None:
    rows = []
    for report in plan.reports():
        state = "dead" if report.dead else "ok"
        figures = (len(report.found), len(report.share.unique), len(report.share.missing))
        rows.append((report.name, state, f"{report.answered}/{report.asked}", *map(str, figures)))
    print_table(("channel", "state", "answered", "found", "unique", "missing"), rows, figures=4)


def _print_balance(balance: Balance) -> None:
    failed, skipped = sum(balance.failed.values()), sum(balance.skipped.values())
    print(
        f"discovered or due {balance.discovered} = stored {balance.stored} "
        f"+ unchanged {balance.unchanged} + failed {failed} + skipped {skipped} "
        f"+ pending {balance.pending}"
    )
