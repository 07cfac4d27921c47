"""Requests that wait for the engine to take them up."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from scrapy.core.scheduler import BaseScheduler

if TYPE_CHECKING:
    from scrapy import Request


class RequestQueue(BaseScheduler):
    """Scrapy's SCHEDULER: the highest priority first, and of one priority whatever has waited longest.

    In memory, without a filter of duplicates: what to fetch, and what was fetched, is in the
    frontier.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Request]] = []
        self._number = count()

    def has_pending_requests(self) -> bool:
        """Whether any request waits."""
        return bool(self._waiting)

    def enqueue_request(self, request: Request) -> bool:
        """Take a request; none is refused."""
        heappush(self._waiting, (-request.priority, next(self._number), request))
        return True

    def next_request(self) -> Request | None:
        """Give the next request, None if none waits."""
        return heappop(self._waiting)[2] if self._waiting else None
