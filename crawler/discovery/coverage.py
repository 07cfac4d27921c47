"""What each channel of a crawl found, and what each missed that another had."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from crawler.discovery.entries import SourceFault


@dataclass(frozen=True, slots=True)
class ChannelFault:
    """A source that answered wrongly, or not at all."""

    url: str
    reason: SourceFault
    sentence: str


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """Of the articles of a crawl: those this channel alone had, those it missed that another had."""

    unique: frozenset[str]
    missing: frozenset[str]


@dataclass(slots=True)
class ChannelReport:
    """One channel's figures; ``asked`` = ``answered`` + faults, once all answers are in.

    ``indexes`` of the answers only named further sitemaps. ``found`` are article ids inside the
    window; ``outside`` counts articles of other days, ``dropped`` addresses that are no article of
    the outlet; ``ends`` how paging ended, by reason. ``share`` is set when the crawl is over.
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
        """Whether it was asked and nothing that could hold articles answered as it should."""
        return bool(self.faults) and self.answered <= self.indexes


def channel_shares(found: Mapping[str, Set[str]]) -> dict[str, ChannelShare]:
    """For each channel: what only it found, and what it missed that another had."""
    times = Counter(article_id for ids in found.values() for article_id in ids)
    return {
        name: ChannelShare(
            frozenset(i for i in ids if times[i] == 1), frozenset(times.keys() - ids)
        )
        for name, ids in found.items()
    }
