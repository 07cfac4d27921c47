"""``scrapy crawl``: discover an outlet's articles, fetch what is due, keep everything."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy.settings import SETTINGS_PRIORITIES

from archive.model.outcome import Outcome
from archive.model.program import PROGRAM
from crawler.alarms.shortfall import shortfall
from crawler.cli.base import Verb, usage_error
from crawler.cli.tables import print_table
from crawler.model.outlet import Outlet, OutletError
from crawler.outlets import outlet_named

if TYPE_CHECKING:
    import argparse

    from archive.frontier.accounting import Balance
    from crawler.discovery.plan import Plan
    from crawler.spider.session import CrawlSession


class Command(Verb):
    """Crawls one outlet. Reads CONTACT, ARCHIVE_URL, INDEX_URL and what the wire and the pipelines read."""

    requires_crawler_process = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] OUTLET"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Discover an outlet's articles, fetch what is due, keep everything"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Ask an outlet's feeds, sitemaps and lists, fetch the articles that are new or due for another look, and "
            "keep every exchange. Stopped at any moment, the same command goes on where it was. Needs CONTACT. "
            f"Example: CONTACT=desk@example.org {PROGRAM} crawl etoday -a since=2023-09-01 -a "
            "until=2023-09-30"
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
            help="since=YYYY-MM-DD, until=YYYY-MM-DD (days of publication, KST, inclusive), url=ADDRESS, limit=N, "
            "discover=no (only what is due for another look)",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Crawl, print what was found and kept; 1 if anything failed or the books don't balance."""
        # Here, and not above: Scrapy imports every verb's module to find one verb, and only this
        # one needs the crawl.
        from crawler.model.crawl_arguments import checked
        from crawler.model.window import WindowError
        from crawler.spider.session import CrawlSession
        from crawler.spider.spider import OutletSpider

        if len(args) != 1:
            raise usage_error(f"name one outlet; {PROGRAM} list shows them")
        if self.text_setting("JOBDIR"):
            raise usage_error(
                "JOBDIR is not supported: the index remembers what a stopped crawl has left to fetch"
            )
        try:
            outlet = outlet_named(args[0])
            arguments = checked(opts.arguments, outlet)
            self._introduce(outlet)
        except (OutletError, WindowError, ValueError) as error:
            raise usage_error(str(error)) from error
        assert self.crawler_process is not None, "requires_crawler_process"
        crawler = self.crawler_process.create_crawler(outlet.name)
        words = [word for pair in opts.arguments for word in ("-a", pair)]
        session = CrawlSession.of_run(
            crawler, self.begin("crawl", outlet.name, [outlet.name, *words])
        )
        session.report.start(f"crawling {outlet.name}")
        self.crawler_process.crawl(crawler, **arguments)
        self.crawler_process.start()
        spider = crawler.spider
        plan = spider.plan if isinstance(spider, OutletSpider) else None
        session.report.finish()
        if plan is not None:
            _print_channels(plan)
        reason = crawler.stats.get_value("finish_reason") if crawler.stats is not None else None
        if self.crawler_process.bootstrap_failed:
            reason = None
        if reason == "shutdown":
            self.was_stopped()
        return _conclude(session, plan, reason)

    def _introduce(self, outlet: Outlet) -> None:
        """Name ourselves to the hosts to be reached.

        :raises ContactError: there is nobody to name.
        """
        from crawler.middlewares.identity import check_contact

        assert self.settings is not None
        hosts = {
            *outlet.hosts,
            *(urlsplit(s.url).hostname or "" for c in outlet.channels for s in c.sources),
        }
        named = check_contact(self.settings, hosts)
        if self.settings.getpriority("USER_AGENT") != SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("USER_AGENT", named, priority="cmdline")


def _print_channels(plan: Plan) -> None:
    rows = []
    for report in plan.reports():
        state = "dead" if report.dead else "ok"
        figures = (len(report.found), len(report.share.unique), len(report.share.missing))
        rows.append((report.name, state, f"{report.answered}/{report.asked}", *map(str, figures)))
    print_table(("channel", "state", "answered", "found", "only here", "missed"), rows, figures=4)


def _quiet(plan: Plan) -> bool:
    """Whether the outlet published nothing from a day on until now: its channels show articles, all of them older."""
    return (
        plan.window.since is not None
        and plan.up_to_date
        and any(report.outside for report in plan.reports())
    )


def _walked(plan: Plan, balance: Balance | None) -> bool:
    """Whether ids were walked, and any visit was answered: then dead channels are not all there was to go by."""
    return plan.window.since is not None and balance is not None and balance.answered


def _conclude(session: CrawlSession, plan: Plan | None, reason: str | None) -> int:
    """Say what has to be looked at, and give the exit status; ``reason`` is why Scrapy ended, None: it never began."""
    faults: list[str] = []
    if session.fault:
        faults.append(session.fault)
    if session.bugs:
        faults.append(
            f"{session.bugs} times a step raised an exception; the log above has them. It is a bug."
        )
    if reason is None:
        faults.append("the crawl could not be started; the log above says why.")
    elif reason != "finished" and not session.fault:
        faults.append(
            f"stopped before it was done ({reason}). What is kept is kept; run the same command to go on."
        )
    if reason != "finished":
        pass  # what else is missing, it had no time for
    elif plan is not None and plan.failure and not _walked(plan, session.balance):
        faults.append(f"{plan.failure}; nothing could be discovered.")
    elif (
        plan is not None and not any(report.found for report in plan.reports()) and not _quiet(plan)
    ):
        faults.append(
            f"the channels of {session.outlet.name} answered, but showed no article of the window asked for."
        )
    if plan is not None and plan.walk_problem:
        faults.append(
            f"the ids of the days asked for could not be found, so articles are missing: {plan.walk_problem}."
        )
    balance = session.balance
    if balance is None and not session.fault:
        faults.append("the crawl ended before its books could be done.")
    if balance is not None:
        failed, skipped = sum(balance.failed.values()), sum(balance.skipped.values())
        print(
            f"discovered or due {balance.discovered} = stored {balance.stored} + unchanged {balance.unchanged} "
            f"+ failed {failed} + skipped {skipped} + left for later {balance.pending}"
        )
        if balance.missing or not balance.even:
            faults.append(
                f"the books don't balance; missing: {', '.join(balance.missing[:5]) or 'unknown'}"
            )
    if not faults and balance is not None and plan is not None and plan.up_to_date:
        faults += filter(
            None, [shortfall(session.outlet, balance, session.last_new, datetime.now(UTC))]
        )
    for sentence in faults:
        print(f"{PROGRAM} crawl: {sentence}", file=sys.stderr)
    logging.getLogger(__name__).info("exit with %s faults", len(faults))
    failures = session.report.counts
    failed_visits = sum(
        count for (_, outcome), count in failures.items() if outcome is Outcome.FAILED
    )
    return 1 if faults or failed_visits or session.report.exit_code else 0
