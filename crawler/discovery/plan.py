"""Discovery as a small state machine: which source to ask next, and what its answer says. No network, no clock.

Whoever drives it does::

    plan = Plan(outlet, Window(since, until), now)
    while not plan.finished:
        for request in plan.next_requests():      # fetch request.url, then one of
            result = plan.read_response(request, body, content_type, status)
            result = plan.fail(request, "connection refused")
        for link in plan.candidates(50):      # ids of a walk: fetch, then
            plan.learn(link.article_id, published_at or None)
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.article import KST
from crawler.discovery.coverage import ChannelFault, ChannelReport, channel_shares
from crawler.discovery.entries import DiscoveredLink, SourceError, SourceFault
from crawler.discovery.feeds import Document, read_feed
from crawler.discovery.id_walks import DailyWalk, RisingWalk
from crawler.discovery.list_pages import read_list_page
from crawler.discovery.requests import Limits, PagingEnd, SourceRequest, SourceResult
from crawler.model.channels import DailyIds, ListPage, RisingIds, Sitemap
from crawler.model.window import Window, WindowError

if TYPE_CHECKING:
    from crawler.discovery.entries import FeedEntry
    from crawler.model.channels import Channel
    from crawler.model.outlet import Outlet


class Plan:
    """Discovery of one crawl: every channel is asked, stand-ins where their channel died, ids where no list reaches."""

    def __init__(
        self, outlet: Outlet, window: Window, now: datetime, limits: Limits | None = None
    ) -> None:
        self.outlet = outlet
        self.window = window
        self.limits = limits or Limits()
        self._now = now.astimezone(KST)
        self._reports = {channel.name: ChannelReport(channel.name) for channel in outlet.channels}
        self._queue: deque[SourceRequest] = deque()
        self._open: set[SourceRequest] = set()
        self._started: set[str] = set()
        self._hosts = {
            *outlet.hosts,
            *(urlsplit(s.url).hostname for c in outlet.channels for s in c.sources),
        }
        self._sitemaps: set[str] = set()
        self._listed: dict[tuple[str, str], set[str]] = {}
        self._dates: dict[str, date | None] = {}
        self._walk: tuple[str, RisingWalk | DailyWalk] | None = None
        self._whole: set[str] = set()
        self._phase = 0
        self._advance()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to request, to await or to walk."""
        idle = not self._queue and not self._open
        return idle and self._phase > 1 and (self._walk is None or self._walk[1].finished)

    def next_requests(self) -> list[SourceRequest]:
        """What may be asked now; nothing while everything further depends on answers."""
        requests = list(self._queue)
        self._queue.clear()
        self._open.update(requests)
        for request in requests:
            self._reports[request.channel].asked += 1
        return requests

    def read_response(
        self, request: SourceRequest, body: bytes, content_type: str = "", status: int = 200
    ) -> SourceResult:
        """Read an answer. 304 is an answer without news; any status but 200 and it is a fault."""
        if status == 304:
            return self._settle(request, (), None)
        if status != 200:
            return self._settle(
                request, (), SourceError(SourceFault.STATUS, f"it answered with status {status}")
            )
        try:
            if isinstance(request.source, ListPage):
                document = Document(
                    read_list_page(body, content_type, request.url, request.source, self._now)
                )
                if not document.entries and not request.page:
                    raise SourceError(SourceFault.EMPTY, "the list's first page holds no items")
            else:
                document = read_feed(body, content_type, request.url, self._now)
            if document.sitemaps:
                self._descend(request, document.sitemaps)
                self._reports[request.channel].indexes += 1
            elif not (
                request.page
                or request.depth
                or any(self.outlet.identify(entry.url) for entry in document.entries)
            ):
                sentence = f"none of its {len(document.entries)} addresses is an article of {self.outlet.name}"
                raise SourceError(SourceFault.WRONG_SHAPE, sentence)
        except SourceError as error:
            return self._settle(request, error.partial, error)
        return self._settle(request, document.entries, None)

    def fail(self, request: SourceRequest, sentence: str) -> SourceResult:
        """Note that an address could not be fetched."""
        return self._settle(request, (), SourceError(SourceFault.UNREACHABLE, sentence))

    def candidates(self, most: int = 50) -> list[DiscoveredLink]:
        """Ids to look at where no list reaches; each has to be followed by :meth:`learn`."""
        if self._queue or self._open or self._walk is None:
            return []
        name, walk = self._walk
        found = walk.ids(most)
        report = self._reports[name]
        report.asked += len(found)
        if walk.problem and not report.faults:
            report.asked += 1
            report.faults.append(ChannelFault("", SourceFault.TOO_MANY, walk.problem))
        urls = [(article_id, self.outlet.canonical.format(id=article_id)) for article_id in found]
        return [DiscoveredLink(article_id, url, name, alias=url) for article_id, url in urls]

    def learn(self, article_id: str, published_at: datetime | None) -> None:
        """Say what a candidate was: an article and when it was published, or (None) no article."""
        if self._walk is None:
            return
        name, walk = self._walk
        day = published_at.astimezone(KST).date() if published_at else None
        walk.learn(article_id, day)
        report = self._reports[name]
        report.answered += 1
        if day is None:
            report.dropped += 1
        elif self.window.excludes(day):
            report.outside += 1
        else:
            report.found.add(article_id)

    def reports(self) -> tuple[ChannelReport, ...]:
        """The channels that were asked, in the outlet's order, with what each missed that another had."""
        asked = [report for report in self._reports.values() if report.asked]
        for name, share in channel_shares({report.name: report.found for report in asked}).items():
            self._reports[name].share = share
        return tuple(asked)

    @property
    def failure(self) -> str:
        """Why the crawl found nothing to go by: every channel is dead; ``""`` while one lives.

        A walk does not live by itself where others were asked: its ids are guesses until a visit is
        answered.
        """
        walker = self._walk[0] if self._walk is not None else ""
        asked = [report for report in self._reports.values() if report.asked]
        asked = [report for report in asked if report.name != walker] or asked
        if not all(report.dead and not report.found for report in asked):
            return ""
        first = "; ".join(f"{report.name}: {report.faults[0].sentence}" for report in asked)
        return (
            f"no channel of {self.outlet.name} gave articles ({first})"
            if first
            else "no channel could be asked"
        )

    @property
    def up_to_date(self) -> bool:
        """Whether what is new today is among what was asked for."""
        return self.window.until is None or self.window.until >= self._now.date()

    @property
    def walk_problem(self) -> str:
        """Why the walk was given up before its end; ``""`` if it wasn't."""
        return self._walk[1].problem if self._walk is not None else ""

    def _descend(self, request: SourceRequest, found: tuple[FeedEntry, ...]) -> None:
        """Ask the sitemaps that an index names, the newest first, within bounds."""
        if not isinstance(request.source, Sitemap):
            raise SourceError(
                SourceFault.WRONG_SHAPE, "a sitemap index was served where a feed was expected"
            )
        if request.depth >= self.limits.sitemap_depth:
            raise SourceError(
                SourceFault.TOO_DEEP,
                f"sitemap indexes nest more than {self.limits.sitemap_depth} deep",
            )
        newest = sorted(
            found, key=lambda e: -e.modified_at.timestamp() if e.modified_at else float("-inf")
        )
        for entry in newest:
            if urlsplit(entry.url).hostname not in self._hosts:
                self._reports[request.channel].dropped += 1
            elif self.window.excludes(
                None, entry.modified_at.date() if entry.modified_at else None
            ):
                self._reports[request.channel].outside += 1
            elif entry.url not in self._sitemaps:
                if len(self._sitemaps) >= self.limits.sitemaps:
                    raise SourceError(
                        SourceFault.TOO_MANY,
                        f"indexes name more than {self.limits.sitemaps} sitemaps",
                    )
                self._sitemaps.add(entry.url)
                self._queue.append(
                    SourceRequest(
                        request.channel, request.source, entry.url, depth=request.depth + 1
                    )
                )

    def _settle(
        self, request: SourceRequest, entries: tuple[FeedEntry, ...], error: SourceError | None
    ) -> SourceResult:
        """Count an answer, page on, and begin what waits for it."""
        self._open.remove(request)
        report = self._reports[request.channel]
        fault = None
        if error is None:
            report.answered += 1
        else:
            fault = ChannelFault(request.url, error.reason, str(error))
            report.faults.append(fault)
        links: list[DiscoveredLink] = []
        every: list[tuple[str, date | None]] = []
        for entry in entries:
            address = self.outlet.identify(entry.url)
            if address is None:
                report.dropped += 1
                continue
            day = self._day(address.article_id, entry)
            changed = entry.modified_at.date() if entry.modified_at else None
            every.append((address.article_id, day))
            self._dates[address.article_id] = self._dates.get(address.article_id) or day
            if self.window.excludes(day, changed):
                report.outside += 1
                continue
            report.found.add(address.article_id)
            times = (entry.published_at, entry.modified_at)
            links.append(
                DiscoveredLink(
                    address.article_id, address.url, request.channel, entry.url, entry.title, *times
                )
            )
        if isinstance(request.source, ListPage):
            self._page_on(request, request.source, every, failed=error is not None)
        self._advance()
        return SourceResult(tuple(links), fault)

    def _page_on(
        self,
        request: SourceRequest,
        form: ListPage,
        every: list[tuple[str, date | None]],
        *,
        failed: bool,
    ) -> None:
        """Ask for the list's next page, or note why not."""
        if not form.paged:
            return
        seen = self._listed.setdefault((request.channel, form.url), set())
        ids = {article_id for article_id, _ in every}
        end: PagingEnd | None = None
        if failed:
            end = PagingEnd.FAULT
        elif not ids:
            end = PagingEnd.EMPTY
        elif ids <= seen:
            end = PagingEnd.REPEATED
        elif all(day is not None and day < self._floor() for _, day in every):
            end = PagingEnd.OLDER
        elif request.page + 1 >= self.limits.pages:
            end = PagingEnd.LIMIT
        seen |= ids
        if end is None:
            self._queue.append(
                SourceRequest(
                    request.channel, form, form.page_url(request.page + 1), page=request.page + 1
                )
            )
            return
        self._reports[request.channel].ends[end] += 1
        if end in (PagingEnd.FAULT, PagingEnd.LIMIT):
            self._whole.discard(request.channel)

    def _floor(self) -> date:
        """The first day that lists are paged back to."""
        back = self.limits.recent_days if self.window.since is None else self.limits.list_days
        reach = self._now.date() - timedelta(days=back)
        return reach if self.window.since is None else max(reach, self.window.since)

    def _day(self, article_id: str, entry: FeedEntry) -> date | None:
        """The day an article was published, as its entry or else its id states."""
        if entry.published_at is not None:
            return entry.published_at.date()
        forms = (channel.walk for channel in self.outlet.channels)
        return next((form.day_of(article_id) for form in forms if isinstance(form, DailyIds)), None)

    def _advance(self) -> None:
        """Go on to stand-ins, then to the walk, when all that went before is settled."""
        while not self._queue and not self._open and self._phase < 2:
            for channel in self.outlet.channels:
                stands_in = bool(channel.instead_of)
                if stands_in == (self._phase == 1) and (
                    not stands_in or self._reports[channel.instead_of].dead
                ):
                    self._begin(channel)
            self._phase += 1
            if self._phase == 2 and not self._queue:
                self._begin_walk()
        if self._phase == 2 and not self._queue and not self._open and self._walk is None:
            self._begin_walk()

    def _begin(self, channel: Channel) -> None:
        for source in channel.sources:
            back = self.limits.list_days if isinstance(source, ListPage) else self.limits.feed_days
            if self.window.until is not None and self.window.until < self._now.date() - timedelta(
                days=back
            ):
                continue
            url = source.page_url(0) if isinstance(source, ListPage) else source.url
            self._queue.append(SourceRequest(channel.name, source, url))
            if channel.whole and isinstance(source, ListPage):
                self._whole.add(channel.name)

    def _begin_walk(self) -> None:
        """Walk the days asked for that no whole list has been through."""
        walker = next(
            (channel for channel in self.outlet.channels if channel.walk is not None), None
        )
        if self.window.since is None or walker is None:
            return
        today = self._now.date()
        last = min(self.window.until or today, today)
        if self._whole:
            last = min(last, self._floor() - timedelta(days=1))
        if last < self.window.since:
            return
        form = walker.walk
        walk: RisingWalk | DailyWalk
        if isinstance(form, RisingIds):
            known = {
                article_id: day
                for article_id, day in self._dates.items()
                if day is None or day <= today
            }
            walk = RisingWalk(form, self.window.since, last, known, ends_now=last >= today)
        else:
            assert isinstance(form, DailyIds), "the walker was chosen for having a walk"
            walk = DailyWalk(form, self.window.since, last, self._dates)
        self._walk = (walker.name, walk)


def plan(outlet: Outlet, since: date | None, until: date | None, now: datetime) -> Plan:
    """The discovery of one crawl.

    :raises WindowError: the dates contradict each other, or ask for what is not yet published.
    """
    if since is not None and since > now.astimezone(KST).date():
        raise WindowError(f"since={since} lies in the future")
    return Plan(outlet, Window(since, until), now)
