"""An outlet as a value: what is known of it, with no behaviour of its own."""

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
    """An outlet's file contradicts itself, or there is no such outlet."""


@dataclass(frozen=True, slots=True)
class Address:
    """An article's address, read: the outlet's own id and the canonical form."""

    article_id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Everything known about one outlet.

    ``name`` is its file's stem, its spider's name and its seed folder. ``hosts`` all serve the same
    articles. ``articles`` are patterns with the group ``id``, over the whole path or the path with
    its query; ``canonical`` is the address with ``{id}``. ``channels`` are where its articles are
    found, the preferred first. ``page_title`` is found in the <title> of its pages only.
    ``per_day`` is how many articles it publishes a day, 0 if that is not known: a crawl that finds
    nothing new for long is then told from a quiet hour. ``cron`` is when it is crawled (Asia/Seoul)
    by a job that does not say.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    articles: tuple[str, ...]
    canonical: str
    layouts: tuple[Layout, ...]
    text: TextForm
    channels: tuple[Channel, ...] = ()
    page_title: str = ""
    per_day: int = 0
    cron: str = "7 * * * *"
    rules: Rules = field(default_factory=Rules)

    def identify(self, url: str) -> Address | None:
        """Read an address of this outlet; None if it is not an article's, or another outlet's."""
        return _identified(url, self.hosts, self.articles, self.canonical)

    def serves(self, url: str) -> bool:
        """Whether the address is on one of this outlet's hosts."""
        try:
            return urlsplit(url).hostname in self.hosts
        except ValueError:
            return False

    def titles(self, title: str) -> bool:
        """Whether a page's <title> is of the form only this outlet's pages have."""
        return bool(self.page_title and re.search(self.page_title, title))


# of a page that is fetched, the wire, the spider and the judgement ask in turn
@lru_cache(maxsize=1024)
def _identified(
    url: str, hosts: tuple[str, ...], articles: tuple[str, ...], canonical: str
) -> Address | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or host not in hosts:
        return None
    targets = (parts.path, f"{parts.path}?{parts.query}")
    for pattern in articles:
        match = next(
            (m for target in targets if (m := re.fullmatch(pattern, target, re.ASCII))), None
        )
        if match:
            return Address(match["id"], canonical.format(id=match["id"]))
    return None
