"""What each channel of a crawl found, and which articles only one channel found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from crawler.discovery.entries import SourceFault


@dataclass(frozen=True, slots=True)
class ChannelFault:
    """A source that failed or gave an unusable response."""

    url: str
    reason: SourceFault
    sentence: str


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """One channel compared with the others of a crawl, as article ids.

    ``unique`` were found by this channel only, ``missing`` by other channels only.
    """

    unique: frozenset[str]
    missing: frozenset[str]


@dataclass(slots=True)
class ChannelReport:
    """One channel's figures.

    ``asked`` counts requests; once all are answered it is ``answered`` plus the number of faults.
    ``indexes`` counts those answers that only named further sitemaps. ``found`` are article ids
    inside the window; ``outside`` counts articles of other days, ``dropped`` addresses that are not
    articles of the outlet; ``ends`` counts why paging ended. ``share`` is set when the crawl is
    over.
    """

    name: str
    asked: int = 0
    answered: int = 0
    indexes: int = 0
    found: set[str] = field(default_factory=set)
    outside: int = 0
    dropped: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: list[ChannelFault] = field(default_factory=list)
    share: ChannelShare = ChannelShare(frozenset(), frozenset())

    @property
    def dead(self) -> bool:
        """Whether requests failed and no source that could name articles was read."""
        return bool(self.faults) and self.answered <= self.indexes


def channel_shares(found: Mapping[str, Set[str]]) -> dict[str, ChannelShare]:
    """Return each channel's unique and missing articles; ``found`` are article ids by channel."""
    channels = Counter(article_id for ids in found.values() for article_id in ids)
    shares: dict[str, ChannelShare] = {}
    for name, ids in found.items():
        unique = frozenset(article_id for article_id in ids if channels[article_id] == 1)
        shares[name] = ChannelShare(unique, frozenset(channels.keys() - ids))
    return shares
