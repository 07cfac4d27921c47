"""What is printed when crawls have ended: their channels, what became of articles, the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.cli.output.plural import counted
from crawler.cli.output.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archive.frontier.accounting import Balance
    from crawler.cli.output.summary import Report
    from crawler.crawling.outlet_crawl import OutletCrawl
    from crawler.discovery.plan import Plan

_CHANNELS = ("channel", "state", "answered", "found", "unique", "missing")


def print_crawl(crawl: OutletCrawl) -> None:
    """Print the summary of one crawl."""
    crawl.session.report.finish()
    if crawl.plan is not None:
        print_table(_CHANNELS, list(_channel_rows(crawl.plan)), figures=4)
    for line in _lines(crawl):
        print(line)


def print_crawls(whole: Report, crawls: Sequence[OutletCrawl]) -> None:
    """Print the summary of several crawls: each table with a row for each outlet, then its lines.

    ``whole`` is the report that showed their progress.
    """
    for crawl in crawls:
        whole.absorb(crawl.session.report)
    whole.finish()
    rows = [
        (crawl.outlet.name, *row)
        for crawl in crawls
        if crawl.plan is not None
        for row in _channel_rows(crawl.plan)
    ]
    print_table(("outlet", *_CHANNELS), rows, figures=4)
    for crawl in crawls:
        for line in _lines(crawl):
            print(f"{crawl.outlet.name}: {line}")


def _channel_rows(plan: Plan) -> Iterator[tuple[str, ...]]:
    for report in plan.reports():
        state = "dead" if report.dead else "ok"
        figures = (len(report.found), len(report.share.unique), len(report.share.missing))
        yield report.name, state, f"{report.answered}/{report.asked}", *map(str, figures)


def _lines(crawl: OutletCrawl) -> Iterator[str]:
    session = crawl.session
    if session.looked_again is not None:
        yield f"to look at again: {counted(session.looked_again, 'article')}"
    if session.balance is not None:
        yield _balance(session.balance)


def _balance(balance: Balance) -> str:
    failed, skipped = sum(balance.failed.values()), sum(balance.skipped.values())
    return (
        f"discovered or due {balance.discovered} = stored {balance.stored} "
        f"+ unchanged {balance.unchanged} + failed {failed} + skipped {skipped} "
        f"+ pending {balance.pending}"
    )
