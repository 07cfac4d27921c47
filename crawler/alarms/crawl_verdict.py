"""The verdict on a crawl that has ended: what is wrong with it, in sentences, and its exit status.

A crawl without any failed page may still have found nothing: no channel answered, no article was
in the window, or its outlet is silent. Each rule is a function that yields its sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome
from crawler.alarms.silence import is_silent_for_a_day
from crawler.cli.output.summary import bugs_in_log
from crawler.cli.output.times import kst_minute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archive.frontier.accounting import Balance
    from crawler.discovery.plan import Plan
    from crawler.model.outlet import Outlet
    from crawler.spider.session import CrawlSession

_FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class EndedCrawl:
    """A crawl that has ended.

    ``reason`` is Scrapy's reason for the end, None if the crawl never started; ``plan`` is None if
    there was no discovery. ``failure`` is why it never started, ``""`` if that is not known.
    """

    session: CrawlSession
    plan: Plan | None
    reason: str | None
    now: datetime
    failure: str = ""


@dataclass(frozen=True, slots=True)
class CrawlVerdict:
    """The sentences about what is wrong, and whether any page failed or gave no article."""

    faults: tuple[str, ...]
    has_failed_pages: bool

    @property
    def exit_code(self) -> int:
        """1 if anything is wrong, else 0."""
        return 1 if self.faults or self.has_failed_pages else 0


def judge_crawl(crawl: EndedCrawl) -> CrawlVerdict:
    """Return the verdict on a crawl."""
    faults = [sentence for rule in _RULES for sentence in rule(crawl)]
    if not faults:
        faults = list(_found_nothing_new(crawl))
    report = crawl.session.report
    failed = any(outcome is Outcome.FAILED for _, outcome in +report.counts)
    return CrawlVerdict(tuple(faults), failed or report.exit_code != 0)


def shortfall(outlet: Outlet, balance: Balance, last_new: datetime | None, now: datetime) -> str:
    """Return a sentence if a complete crawl of new articles stored too little, else ``""``.

    ``last_new`` is when any crawl last stored an article for the first time, None if none ever
    did. If it cannot be known whether the crawl stored too little, the result is ``""``.
    """
    if last_new is None:
        if balance.discovered and not balance.pending:
            return (
                f"no article of {outlet.name} was ever stored; check what became of the "
                f"{balance.discovered} found"
            )
        return ""
    if not is_silent_for_a_day(outlet.per_day, last_new, now):
        return ""
    return (
        f"{outlet.name} publishes about {outlet.per_day} articles a day, but no new one was found "
        f"since {kst_minute(last_new)} KST: its channels list only known articles"
    )


def _session_fault(crawl: EndedCrawl) -> Iterator[str]:
    if crawl.session.fault:
        yield crawl.session.fault


def _bugs(crawl: EndedCrawl) -> Iterator[str]:
    # What raises where there is no memory is no bug.
    if crawl.session.bugs and not crawl.session.is_out_of_memory:
        yield bugs_in_log(crawl.session.bugs)


def _unfinished(crawl: EndedCrawl) -> Iterator[str]:
    if crawl.reason is None:
        yield f"the crawl could not be started: {crawl.failure or 'the log above says why'}."
    elif crawl.reason != _FINISHED and not crawl.session.fault:
        yield (
            f"stopped before the end ({crawl.reason}). What was fetched is kept; run the same "
            "command to continue."
        )


def _nothing_discovered(crawl: EndedCrawl) -> Iterator[str]:
    """Judge the channels of a finished crawl; one that was stopped had no time for all of them."""
    plan = crawl.plan
    if crawl.reason != _FINISHED or plan is None:
        return
    if plan.failure and not _ids_answered(plan, crawl.session.balance):
        yield f"{plan.failure}; no article could be discovered."
        return
    if not any(report.found for report in plan.reports()) and not _published_nothing(plan):
        yield (
            f"the channels of {crawl.session.outlet.name} answered, but listed no article in the "
            "requested window."
        )


def _ids_not_found(crawl: EndedCrawl) -> Iterator[str]:
    if crawl.plan is not None and crawl.plan.walk_problem:
        yield (
            "articles are missing, because the ids of the requested days could not be found: "
            f"{crawl.plan.walk_problem}."
        )


def _counts_do_not_add_up(crawl: EndedCrawl) -> Iterator[str]:
    balance = crawl.session.balance
    if balance is None:
        if crawl.reason is not None and not crawl.session.fault:
            yield "the crawl ended before its articles could be counted."
    elif balance.missing or not balance.is_even:
        missing = ", ".join(balance.missing[:5]) or "unknown"
        yield f"the counts do not add up; missing: {missing}"


def _blocked(crawl: EndedCrawl) -> Iterator[str]:
    if crawl.session.new.blocked:
        yield crawl.session.new.sentence(crawl.session.outlet.name)


def _found_nothing_new(crawl: EndedCrawl) -> Iterator[str]:
    """Judge an otherwise faultless crawl of new articles by when its outlet last had one."""
    session, balance = crawl.session, crawl.session.balance
    if balance is None or crawl.plan is None or not crawl.plan.up_to_date:
        return
    sentence = shortfall(session.outlet, balance, session.last_new, crawl.now)
    if sentence:
        yield sentence


def _published_nothing(plan: Plan) -> bool:
    """Return whether the outlet published nothing in a window that reaches until now.

    Its channels then list articles, all of them older.
    """
    to_now = plan.window.since is not None and plan.up_to_date
    return to_now and any(report.outside for report in plan.reports())


def _ids_answered(plan: Plan, balance: Balance | None) -> bool:
    """Return whether ids were enumerated and any answered: channels were not the only source."""
    return plan.window.since is not None and balance is not None and balance.answered


_RULES = (
    _session_fault,
    _bugs,
    _unfinished,
    _nothing_discovered,
    _ids_not_found,
    _counts_do_not_add_up,
    _blocked,
)
