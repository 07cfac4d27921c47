"""The ids of a walk, on their way from the plan into the frontier, and what became of them back to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.frontier.visits import FrontierLink

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from crawler.discovery.plan import Plan
    from crawler.spider.session import CrawlSession

#: So many at once, and more when half of them are known: enough to keep the visits going.
_AT_ONCE = 64


class Candidates:
    """Takes up a plan's candidates; each is visited, known already, or in another crawl's hands."""

    def __init__(self, plan: Plan, session: CrawlSession) -> None:
        self._plan = plan
        self._session = session
        self._open: set[str] = set()

    def take_up(self, visits: Container[str]) -> bool:
        """Take up the next ones; those the index knows need no fetching to be learnt of. Whether there were any."""
        if len(self._open) >= _AT_ONCE // 2:
            return False
        links = self._plan.candidates(_AT_ONCE)
        if not links:
            return False
        session = self._session
        known = session.published(link.article_id for link in links)
        for article_id, published_at in known.items():
            self._plan.learn(article_id, published_at)
        fresh = [link for link in links if link.article_id not in known]
        tried = (
            session.attempt(lambda: session.frontier.known([link.article_id for link in fresh]))
            or set()
        )
        tried -= self._held()
        for link in fresh:
            if link.article_id in tried and link.article_id not in visits:
                self._plan.learn(link.article_id, None)  # looked at before, and it was no article
            else:
                self._open.add(link.article_id)
        found = [FrontierLink(link.article_id, link.url, None, link.channel) for link in fresh]
        session.attempt(lambda: session.frontier.discover(found))
        return True

    def learn(self, article_id: str, published_at: datetime | None) -> None:
        """A visit has ended: if it was a candidate's, tell the plan."""
        if article_id in self._open:
            self._open.discard(article_id)
            self._plan.learn(article_id, published_at)

    def learn_from_others(self) -> bool:
        """When this crawl has nothing to visit: learn what another one's visits gave. Whether there was any."""
        settled = self._open - self._held()
        known = self._session.published(settled)
        for article_id in settled:
            self.learn(article_id, known.get(article_id))
        return bool(settled)

    def _held(self) -> set[str]:
        return self._session.attempt(self._session.frontier.held_by_others) or set()
