"""Candidate ids of a walk: into the frontier, and the results of their visits back to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.frontier.visits import FrontierLink

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from crawler.discovery.entries import DiscoveredLink
    from crawler.discovery.plan import Plan
    from crawler.spider.session import CrawlSession

#: Candidates added at once, and again when half of them have a result: enough to keep the visits
#: going.
_BATCH = 64


class Candidates:
    """Processes a plan's candidates: each is visited, known already, or leased by another crawl."""

    def __init__(self, plan: Plan, session: CrawlSession) -> None:
        self._plan = plan
        self._session = session
        self._open: set[str] = set()

    @property
    def are_open(self) -> bool:
        """Whether any candidate has no result yet."""
        return bool(self._open)

    def add_next(self, visits: Container[str]) -> bool:
        """Add the plan's next candidates to the frontier, and return whether there were any.

        ``visits`` are the ids of the current visits. Articles of the index need no visit: the plan
        gets their publication times at once.
        """
        if len(self._open) >= _BATCH // 2:
            return False
        links = self._plan.candidates(_BATCH)
        if not links:
            return False
        published = self._session.published_times(link.article_id for link in links) or {}
        for article_id, published_at in published.items():
            self._plan.learn(article_id, published_at)
        self._visit([link for link in links if link.article_id not in published], visits)
        return True

    def _visit(self, links: list[DiscoveredLink], visits: Container[str]) -> None:
        """Add links to the frontier, unless an earlier visit found no article there."""
        visited = self._visited([link.article_id for link in links])
        for link in links:
            if link.article_id in visited and link.article_id not in visits:
                self._plan.learn(link.article_id, None)
            else:
                self._open.add(link.article_id)
        self._session.discover(
            FrontierLink(link.article_id, link.url, None, link.channel, guessed=True)
            for link in links
        )

    def learn(self, article_id: str, published_at: datetime | None) -> None:
        """Pass the result of a visit to the plan if it was a candidate's."""
        if article_id in self._open:
            self._open.discard(article_id)
            self._plan.learn(article_id, published_at)

    def learn_from_others(self) -> bool:
        """Pass results of other crawls' visits to the plan, and return whether there were any."""
        settled = self._open - self._leased_by_others()
        published = self._session.published_times(settled) or {}
        for article_id in settled:
            self.learn(article_id, published.get(article_id))
        return bool(settled)

    def _visited(self, article_ids: list[str]) -> set[str]:
        """Return the ids that the frontier has and no other crawl has leased."""
        known = self._session.in_frontier(article_ids) or set()
        return known - self._leased_by_others()

    def _leased_by_others(self) -> set[str]:
        return self._session.leased_by_others() or set()
