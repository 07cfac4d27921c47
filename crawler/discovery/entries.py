"""What feeds, sitemaps and lists yield: entries, the links made of them, and errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from datetime import datetime

#: Longest text kept of one element: 2,048 is the sitemap standard's limit for an address.
MAX_TEXT = 4096
_ROOT_DOT = re.compile(r"\A([^:]+://[^/?#]*[^/?#.])\.+(?=(?::[0-9]*)?(?:[/?#]|\Z))")

#: An absolute address that `urljoin` leaves as it is: of most of a sitemap's.
_AS_IT_IS = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?/[^\s;?#]*(?:\?[^\s#]+)?(?:#\S+)?"
)


class SourceFault(StrEnum):
    """Why a source could not be used; the values are counter names."""

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
    INTERNAL_ERROR = "internal_error"


class SourceError(ValueError):
    """A source's response cannot be used, or only in part.

    ``partial`` are the entries before the damage; they are valid.
    """

    def __init__(
        self, reason: SourceFault, sentence: str, partial: tuple[FeedEntry, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.partial = partial


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of a source; ``url`` is absolute and may be anything, not only an article's.

    ``published_at`` and ``modified_at`` are aware KST; None where the source states none that can
    be parsed.
    """

    url: str
    title: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DiscoveredLink:
    """An article that a channel names: ``url`` is canonical, ``alias`` is the address as printed.

    Times as in `FeedEntry`.
    """

    article_id: str
    url: str
    channel: str
    alias: str = ""
    title: str = ""
    published_at: datetime | None = None
    modified_at: datetime | None = None


def absolute_url(base: str, address: str) -> str:
    """Return the address made absolute; ``""`` if it is not an http or https address.

    The scheme is in lower case. A host is named without the root's dot at its end:
    ``www.etoday.co.kr.`` is the same host, and must have the same pace and robots.txt.
    """
    address = address.strip()
    if not address:
        return ""
    if _AS_IT_IS.fullmatch(address):
        return address if len(address) <= MAX_TEXT else ""
    try:
        url = urljoin(base, address)
    except ValueError:
        return ""
    url = url[: len("https")].lower() + url[len("https") :]
    if len(url) > MAX_TEXT or not url.startswith(("http://", "https://")):
        return ""
    return _ROOT_DOT.sub(r"\1", url)
