"""An outlet as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.page import Rules

if TYPE_CHECKING:
    from crawler.model.channels import Channel
    from crawler.model.layout import Layout, TextForm


class OutletError(ValueError):
    """There is no such outlet, or an outlet's file is invalid; the message says which."""


@dataclass(frozen=True, slots=True)
class Address:
    """An article's address: the outlet's own id of the article, and the canonical address.

    Where the address that was identified lacks a part of the canonical one, ``url`` is that address
    itself, and ``is_canonical`` is False.
    """

    article_id: str
    url: str
    is_canonical: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Everything known about one outlet.

    ``name`` is the name of its module, its spider and its seed folder; ``title`` is the name of the
    publication. All ``hosts`` serve the same articles. ``articles`` are patterns with the group
    ``id``, matched against the whole path, then against the path with its query; ``canonical`` is
    the address with ``{id}``, and with any other group that one of the patterns has. ``text`` is
    how its pages look as plain text; None: such files are not read. ``channels`` are where its
    articles are found, in order of preference. ``image_hosts`` are hosts of its pictures that are
    none of ``hosts``. ``page_title`` is a pattern found in the <title> of its pages only.
    ``per_day`` is how many articles it publishes a day, 0 if that is not known. ``cron`` is the
    schedule (Asia/Seoul) of a job that states none. ``unknown`` names what no source tells.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    articles: tuple[str, ...]
    canonical: str
    layouts: tuple[Layout, ...]
    text: TextForm | None = None
    channels: tuple[Channel, ...] = ()
    image_hosts: tuple[str, ...] = ()
    page_title: str = ""
    per_day: int = 0
    cron: str = "7 * * * *"
    rules: Rules = field(default_factory=Rules)
    unknown: tuple[str, ...] = ()

    def identify(self, url: str) -> Address | None:
        """Return the article's id and canonical address; None if this is no article's address."""
        return _identify(url, self.hosts, self.articles, self.canonical)

    @property
    def listing_hosts(self) -> frozenset[str]:
        """The hosts of what lists its articles."""
        sources = (source.url for channel in self.channels for source in channel.sources)
        return frozenset(urlsplit(url).hostname or "" for url in sources)

    @property
    def crawled_hosts(self) -> tuple[str, ...]:
        """The hosts of its articles and of what lists them; those of its pictures are not among.

        They are in the order of the alphabet.
        """
        return tuple(sorted({*self.hosts, *self.listing_hosts}))

    def hosts_asked(self, *, pictures: bool) -> tuple[str, ...]:
        """Return the hosts that only one crawl at a time may ask, those of its pictures if wanted.

        Not hosts that IMAGE_HOSTS allows besides: they may be any. In the order of the alphabet.
        """
        return tuple(sorted({*self.crawled_hosts, *(self.image_hosts if pictures else ())}))

    @property
    def ports(self) -> frozenset[int]:
        """The ports that its addresses state: of the articles and of what lists them."""
        sources = (source.url for channel in self.channels for source in channel.sources)
        ports = (urlsplit(url).port for url in (self.canonical, *sources))
        return frozenset(port for port in ports if port is not None)

    @property
    def walks(self) -> frozenset[str]:
        """The names of the channels that enumerate ids: what they list is guessed."""
        return frozenset(channel.name for channel in self.channels if channel.walk is not None)

    def serves(self, url: str) -> bool:
        """Whether the address is on one of this outlet's hosts."""
        try:
            return (urlsplit(url).hostname or "").removesuffix(".") in self.hosts
        except ValueError:
            return False

    def has_title(self, title: str) -> bool:
        """Whether a page's <title> has the form that only this outlet's pages have."""
        return bool(self.page_title and re.search(self.page_title, title))


# The HTTP client, the spider and the judgement each identify the same address.
@lru_cache(maxsize=1024)
def _identify(
    url: str, hosts: tuple[str, ...], articles: tuple[str, ...], canonical: str
) -> Address | None:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")  # the root's dot names the same host
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or host not in hosts:
        return None
    for pattern in articles:
        for target in (parts.path, f"{parts.path}?{parts.query}"):
            match = re.fullmatch(pattern, target, re.ASCII)
            if match:
                return _address(match, canonical, f"{parts.scheme}://{host}{target}")
    return None


def _address(match: re.Match[str], canonical: str, own: str) -> Address:
    """Return the address that a match states; ``own`` is the one that was matched."""
    groups = {name: text for name, text in match.groupdict().items() if text is not None}
    try:
        return Address(match["id"], canonical.format_map(groups))
    except KeyError:  # a form of the address that lacks, say, the section
        return Address(match["id"], own, is_canonical=False)
