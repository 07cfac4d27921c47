"""Where an outlet's articles are found, and what reading such a place gives, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class SourceFault(StrEnum):
    """Why a source gave nothing to go by; the values are counter names."""

    UNREACHABLE = "unreachable"
    STATUS = "status"
    EMPTY = "empty"
    NOT_XML = "not_xml"
    UNSAFE = "unsafe"
    BROKEN = "broken"
    WRONG_SHAPE = "wrong_shape"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TOO_MANY = "too_many"


class SourceError(ValueError):
    """A source answered wrongly. ``partial`` is what could be read before the damage: true as far as it goes."""

    def __init__(
        self, reason: SourceFault, sentence: str, partial: tuple[FeedEntry, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.partial = partial


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One address as a source prints it (made absolute), not yet told to be an article's.

    ``published_at`` and ``modified_at`` are aware KST; None where the source states none that can
    be read.
    """

    url: str
    title: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DiscoveredLink:
    """An article that a channel names: ``url`` is canonical, ``alias`` is the address as printed."""

    article_id: str
    url: str
    channel: str
    alias: str = ""
    title: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None
