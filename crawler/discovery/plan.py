"""Discovery as a state machine: which source to request next, and what its response says.

No network, no clock. The caller drives it like this::

    plan = Plan(outlet, Window(since, until), now)
    while not plan.finished:
        for request in plan.next_requests():  # fetch request.url, then one of
            result = plan.read_response(request, body, content_type, status)
            result = plan.fail(request, "connection refused")
        for link in plan.candidates(50):      # ids of a walk: fetch link.url, then
            plan.learn(link.article_id, published_at or None)
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.article import KST
from crawler.discovery.coverage import ChannelFault, ChannelReport, channel_shares
from crawler.discovery.entries import DiscoveredLink, SourceError, SourceFault
from crawler.discovery.feeds import Document, read_feed
from crawler.discovery.id_walks import DailyWalk, RisingWalk
from crawler.discovery.list_pages import read_list_page
from crawler.discovery.listings import read_listing
from crawler.discovery.requests import Limits, PagingEnd, SourceRequest, SourceResult
from crawler.model.channels import DailyIds, Listing, ListPage, Sitemap
from crawler.model.window import Window, WindowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawler.discovery.entries import FeedEntry
    from crawler.model.channels import Channel, IdWalk, Source
    from crawler.model.outlet import Outlet


class _Phase(IntEnum):
    """What is begun next, once everything begun before is settled."""

    CHANNELS = 0
    STAND_INS = 1
    WALK = 2


class Plan:
    """The discovery of one crawl.

    First every channel is requested, then the stand-ins of dead channels, then the ids of days that
    no list reaches are walked.
    """

    def __init__(
        self, outlet: Outlet, window: Window, now: datetime, limits: Limits | None = None
    ) -> None:
        self.outlet = outlet
        self.window = window
        self.limits = limits or Limits()
        self._now = now.astimezone(KST)
        self._today = self._now.date()
        self._reports = {channel.name: ChannelReport(channel.name) for channel in outlet.channels}
        self._queue: deque[SourceRequest] = deque()
        self._open: set[SourceRequest] = set()
        #: Hosts on which sitemaps may lie.
        self._hosts = set(outlet.hosts)
        for channel in outlet.channels:
            self._hosts.update(urlsplit(source.url).hostname or "" for source in channel.sources)
        #: Addresses of sitemaps that indexes named.
        self._sitemaps: set[str] = set()
        #: Article ids seen so far on a list's pages, by channel and address of the list.
        self._listed: dict[tuple[str, str], set[str]] = {}
        self._dates: dict[str, date | None] = {}
        self._walk: tuple[str, RisingWalk | DailyWalk] | None = None
        #: Names of channels whose lists are the whole outlet, unless their paging broke off.
        self._whole: set[str] = set()
        self._phase = _Phase.CHANNELS
        self._advance()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to request, to await or to walk."""
        if not self._idle or self._phase is not _Phase.WALK:
            return False
        return self._walk is None or self._walk[1].finished

    def next_requests(self) -> list[SourceRequest]:
        """Return the requests to make now; none while everything else depends on responses."""
        requests = list(self._queue)
        self._queue.clear()
        self._open.update(requests)
        for request in requests:
            self._reports[request.channel].asked += 1
        return requests

    def read_response(
        self,
        request: SourceRequest,
        body: bytes,
        content_type: str = "",
        status: int = 200,
        codings: Sequence[str] = (),
    ) -> SourceResult:
        """Read the response to a request of this plan.

        ``content_type`` is the header's value, ``codings`` are the content-encodings that the body
        of a feed or sitemap is in. A 304 is a response without news; any other status
        than 200 is a fault.
        """
        if status == 304:
            return self._settle(request, (), None)
        if status != 200:
            error = SourceError(SourceFault.STATUS, f"the response has status {status}")
            return self._settle(request, (), error)
        try:
            document = self._read_document(request, body, content_type, codings)
        except SourceError as error:
            return self._settle(request, error.partial, error)
        articles, sitemaps = self._parted(document)
        try:
            if document.sitemaps:
                self._descend(request, sitemaps)
                self._reports[request.channel].indexes += 1
            else:
                self._check_entries(request, articles)
        except SourceError as error:
            return self._settle(request, articles if document.sitemaps else (), error)
        return self._settle(request, articles, None)

    def fail(self, request: SourceRequest, sentence: str) -> SourceResult:
        """Take note that an address could not be fetched; ``sentence`` says why."""
        return self._settle(request, (), SourceError(SourceFault.UNREACHABLE, sentence))

    def give_up(self, request: SourceRequest, bug: str) -> None:
        """Take note that a bug ended the reading of an address, unless it is settled."""
        if request in self._open:
            self._settle(request, (), SourceError(SourceFault.INTERNAL_ERROR, bug))

    def candidates(self, limit: int = 50) -> list[DiscoveredLink]:
        """Return up to ``limit`` ids of the walk to visit; `learn` must be called for each."""
        if not self._idle or self._walk is None:
            return []
        name, walk = self._walk
        ids = walk.next_ids(limit)
        report = self._reports[name]
        report.asked += len(ids)
        if walk.problem and not report.faults:
            report.asked += 1
            report.faults.append(ChannelFault("", SourceFault.TOO_MANY, walk.problem))
        urls = [(article_id, self.outlet.canonical.format(id=article_id)) for article_id in ids]
        return [DiscoveredLink(article_id, url, name, alias=url) for article_id, url in urls]

    def learn(self, article_id: str, published_at: datetime | None) -> None:
        """Take note of when a candidate's article was published; None if it is no article."""
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
        """Return the reports of the channels that were requested, in the outlet's order."""
        asked = self._asked_reports()
        for name, share in channel_shares({report.name: report.found for report in asked}).items():
            self._reports[name].share = share
        return tuple(asked)

    @property
    def failure(self) -> str:
        """Why discovery as a whole failed, ``""`` if it did not: it fails if every channel is dead.

        Where other channels were requested, a walk alone is no success: its ids are guesses until a
        visit is answered.
        """
        walker = self._walk[0] if self._walk is not None else ""
        asked = self._asked_reports()
        asked = [report for report in asked if report.name != walker] or asked
        if any(report.found or not report.dead for report in asked):
            return ""
        if not self.outlet.channels:
            return f"no channel of {self.outlet.name} is known; name articles: -a url=ADDRESS"
        if not asked:
            return f"no channel of {self.outlet.name} could be requested"
        causes = "; ".join(f"{report.name}: {report.faults[0].sentence}" for report in asked)
        return f"no channel of {self.outlet.name} listed articles ({causes})"

    @property
    def up_to_date(self) -> bool:
        """Whether the window includes today."""
        return self.window.until is None or self.window.until >= self._today

    @property
    def walk_problem(self) -> str:
        """Why the walk was given up before its end; ``""`` if it was not."""
        return self._walk[1].problem if self._walk is not None else ""

    @property
    def _idle(self) -> bool:
        return not self._queue and not self._open

    def _asked_reports(self) -> list[ChannelReport]:
        return [report for report in self._reports.values() if report.asked]

    def _read_document(
        self, request: SourceRequest, body: bytes, content_type: str, codings: Sequence[str]
    ) -> Document:
        """Read a source's response.

        :raises SourceError: it is not what the source should be, or only a part of it.
        """
        if isinstance(request.source, Listing) and not request.depth:
            return read_listing(body, content_type, request.url, self._now, codings)
        if not isinstance(request.source, ListPage):
            return read_feed(body, content_type, request.url, self._now, codings)
        entries = read_list_page(body, content_type, request.url, request.source, self._now)
        if not entries and not request.page:
            raise SourceError(SourceFault.EMPTY, "the list's first page holds no items")
        return Document(entries)

    def _parted(self, document: Document) -> tuple[Sequence[FeedEntry], Sequence[FeedEntry]]:
        """Return a document's entries and sitemaps; an article named by an index is an entry."""
        if not document.sitemaps:
            return document.entries, ()
        parts: tuple[list[FeedEntry], list[FeedEntry]] = ([], [])
        for entry in document.sitemaps:
            parts[self.outlet.identify(entry.url) is None].append(entry)
        return parts

    def _check_entries(self, request: SourceRequest, entries: Sequence[FeedEntry]) -> None:
        """Raise SourceError if a source names addresses but no article of the outlet.

        Further pages of a list and sitemaps of an index may do so.
        """
        if request.page or request.depth:
            return
        if not any(self.outlet.identify(entry.url) for entry in entries):
            sentence = f"none of its {len(entries)} addresses is an article of {self.outlet.name}"
            raise SourceError(SourceFault.WRONG_SHAPE, sentence)

    def _descend(self, request: SourceRequest, entries: Iterable[FeedEntry]) -> None:
        """Queue the sitemaps that an index names, the newest first.

        :raises SourceError: the request was not for a sitemap, or a limit is exceeded.
        """
        if not isinstance(request.source, Sitemap | Listing):
            sentence = "the response is a sitemap index, not a feed"
            raise SourceError(SourceFault.WRONG_SHAPE, sentence)
        if request.depth >= self.limits.sitemap_depth:
            sentence = f"sitemap indexes nest more than {self.limits.sitemap_depth} deep"
            raise SourceError(SourceFault.TOO_DEEP, sentence)
        report = self._reports[request.channel]
        for entry in sorted(entries, key=_newest_first):
            if not self._may_hold_sitemap(entry.url):
                report.dropped += 1
            elif self.window.excludes(None, _day(entry.modified_at)):
                report.outside += 1
            elif entry.url not in self._sitemaps:
                self._queue_sitemap(request, entry.url)

    def _may_hold_sitemap(self, url: str) -> bool:
        return urlsplit(url).hostname in self._hosts or self.outlet.serves(url)

    def _queue_sitemap(self, index: SourceRequest, url: str) -> None:
        if len(self._sitemaps) >= self.limits.sitemaps:
            sentence = f"indexes name more than {self.limits.sitemaps} sitemaps"
            raise SourceError(SourceFault.TOO_MANY, sentence)
        self._sitemaps.add(url)
        self._queue.append(SourceRequest(index.channel, index.source, url, depth=index.depth + 1))

    def _settle(
        self, request: SourceRequest, entries: Sequence[FeedEntry], error: SourceError | None
    ) -> SourceResult:
        """Count a response, go on to the list's next page, and begin what waited for it."""
        report = self._reports[request.channel]
        links, days, left_out = self._sift(report, entries)
        if left_out:
            error = error or SourceError(
                SourceFault.TOO_MANY,
                f"the channels name more than {self.limits.articles} articles, the most of one "
                f"crawl; {left_out} of this source are left out (-a since= and until= name days)",
            )
        if isinstance(request.source, ListPage):
            end = self._next_page(request, request.source, days, failed=error is not None)
            if end is PagingEnd.LIMIT:
                sentence = f"the list goes on after {self.limits.pages} pages, the most of one list"
                error = SourceError(SourceFault.TOO_MANY, sentence)
        # Last: a request that a bug interrupts before this is still open, and can be given up.
        self._open.remove(request)
        fault = None
        if error is None:
            report.answered += 1
        else:
            fault = ChannelFault(request.url, error.reason, str(error))
            report.faults.append(fault)
        self._advance()
        return SourceResult(tuple(links), fault)

    def _sift(
        self, report: ChannelReport, entries: Sequence[FeedEntry]
    ) -> tuple[list[DiscoveredLink], dict[str, list[date | None]], int]:
        """Count a source's entries.

        Return the links in the window, the days of all articles by id, and how many articles are
        too many for one crawl.
        """
        links: list[DiscoveredLink] = []
        days: dict[str, list[date | None]] = {}
        left_out = 0
        room = self.limits.articles - sum(len(each.found) for each in self._reports.values())
        for entry in entries:
            address = self.outlet.identify(entry.url)
            if address is None:
                report.dropped += 1
                continue
            article_id, day = address.article_id, self._published_on(address.article_id, entry)
            days.setdefault(article_id, []).append(day)
            self._note_day(article_id, day)
            if self.window.excludes(day, _day(entry.modified_at)):
                report.outside += 1
                continue
            if article_id not in report.found:
                if room <= 0:
                    left_out += 1
                    continue
                room -= 1
                report.found.add(article_id)
            links.append(_link(article_id, address.url, report.name, entry))
        return links, days, left_out

    def _note_day(self, article_id: str, day: date | None) -> None:
        """Keep the day of an article for the walk over ids, while there is room."""
        if article_id in self._dates or len(self._dates) < self.limits.articles:
            self._dates[article_id] = self._dates.get(article_id) or day

    def _next_page(
        self,
        request: SourceRequest,
        form: ListPage,
        days: dict[str, list[date | None]],
        *,
        failed: bool,
    ) -> PagingEnd | None:
        """Queue the list's next page, or count and return why not.

        ``days`` are those of the page's ids.
        """
        if not form.paged:
            return None
        seen = self._listed.setdefault((request.channel, form.url), set())
        end = PagingEnd.FAULT if failed else self._paging_end(request, days, seen)
        seen.update(days)
        if end is None:
            number = request.page + 1
            url = form.page_url(number)
            self._queue.append(SourceRequest(request.channel, form, url, page=number))
            return None
        self._reports[request.channel].ends[end] += 1
        if end in (PagingEnd.FAULT, PagingEnd.LIMIT):
            self._whole.discard(request.channel)
        return end

    def _paging_end(
        self, request: SourceRequest, days: dict[str, list[date | None]], seen: set[str]
    ) -> PagingEnd | None:
        """Return why a list ends with this page, None if it goes on."""
        if not days:
            return PagingEnd.EMPTY
        if days.keys() <= seen:
            return PagingEnd.REPEATED
        first = self._first_listed_day()
        every_day = [day for of_article in days.values() for day in of_article]
        if all(day is not None and day < first for day in every_day):
            return PagingEnd.OLDER
        if request.page + 1 >= self.limits.pages:
            return PagingEnd.LIMIT
        return None

    def _first_listed_day(self) -> date:
        """Return the first day that lists are paged back to."""
        if self.window.since is None:
            return self._today - timedelta(days=self.limits.recent_days)
        return max(self._today - timedelta(days=self.limits.list_days), self.window.since)

    def _published_on(self, article_id: str, entry: FeedEntry) -> date | None:
        """Return the day an article was published, as its entry or else its id states it."""
        if entry.published_at is not None:
            return entry.published_at.date()
        for channel in self.outlet.channels:
            if isinstance(channel.walk, DailyIds):
                return channel.walk.day_of(article_id)
        return None

    def _advance(self) -> None:
        """Begin what comes next, if everything begun before is settled."""
        while self._idle and self._phase is not _Phase.WALK:
            for channel in self.outlet.channels:
                if self._is_due(channel):
                    self._begin(channel)
            self._phase = _Phase(self._phase + 1)
        if self._idle and self._walk is None:
            self._begin_walk()

    def _is_due(self, channel: Channel) -> bool:
        """Whether the channel belongs to the current phase."""
        if not channel.instead_of:
            return self._phase is _Phase.CHANNELS
        return self._phase is _Phase.STAND_INS and self._reports[channel.instead_of].dead

    def _begin(self, channel: Channel) -> None:
        """Queue the channel's sources, unless the window is too old for them."""
        for source in channel.sources:
            if not self._reaches_window(source):
                continue
            url = source.url
            if isinstance(source, ListPage):
                url = source.page_url(0)
                if channel.whole:
                    self._whole.add(channel.name)
            self._queue.append(SourceRequest(channel.name, source, url))

    def _reaches_window(self, source: Source) -> bool:
        """Whether a source goes back far enough to name articles of the window."""
        if self.window.until is None:
            return True
        limits = self.limits
        back = limits.list_days if isinstance(source, ListPage) else limits.feed_days
        return self.window.until >= self._today - timedelta(days=back)

    def _begin_walk(self) -> None:
        """Begin the walk over the days of the window that no whole list covers."""
        since = self.window.since
        walks = ((channel.name, channel.walk) for channel in self.outlet.channels)
        name, form = next(((name, form) for name, form in walks if form is not None), ("", None))
        if since is None or form is None:
            return
        until = min(self.window.until or self._today, self._today)
        if self._whole:
            until = min(until, self._first_listed_day() - timedelta(days=1))
        if until < since:
            return
        self._walk = (name, self._make_walk(form, since, until))

    def _make_walk(self, form: IdWalk, since: date, until: date) -> RisingWalk | DailyWalk:
        if isinstance(form, DailyIds):
            return DailyWalk(form, since, until, self._dates)
        known = {
            article_id: day
            for article_id, day in self._dates.items()
            if day is None or day <= self._today
        }
        return RisingWalk(form, since, until, known, ends_now=until >= self._today)


def plan(outlet: Outlet, since: date | None, until: date | None, now: datetime) -> Plan:
    """Return the discovery of one crawl.

    :raises WindowError: the dates contradict each other, or lie in the future.
    """
    if since is not None and since > now.astimezone(KST).date():
        raise WindowError(f"since={since} lies in the future")
    return Plan(outlet, Window(since, until), now)


def _link(article_id: str, url: str, channel: str, entry: FeedEntry) -> DiscoveredLink:
    return DiscoveredLink(
        article_id, url, channel, entry.url, entry.title, entry.published_at, entry.modified_at
    )


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _newest_first(entry: FeedEntry) -> float:
    """Return a sort key; an entry without a time of change comes first."""
    if entry.modified_at is None:
        return float("-inf")
    return -entry.modified_at.timestamp()
