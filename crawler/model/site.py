"""A site of which nobody wrote an outlet, as an outlet: its name is all that is known of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from archive.model.article import SITE_PREFIX
from crawler.model.channels import Channel, Listing
from crawler.model.outlet import Address, Outlet, OutletError
from pipelines.page import Rules

if TYPE_CHECKING:
    from tldextract import TLDExtract

#: What the names of sites begin with, before the domain.
PREFIX = SITE_PREFIX
#: The name of a site's one channel.
_CHANNEL = "site"
#: Files that are no pages.
_FILES = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|css|js|json|xml|rss|atom|txt|pdf|zip|gz|mp[34]|woff2?)$",
    re.IGNORECASE,
)
#: Parts of a query that say how a reader came to the page.
_TRACKERS = re.compile(r"utm_\w+|fbclid|gclid|igshid|mc_[ce]id", re.IGNORECASE)
#: What only the path of an article has: a day, or a number of four digits or more.
_DATED = re.compile(r"/(?:19|20)\d\d[/-]?(?:0[1-9]|1[0-2])(?:[/-]|\d)|\d{4,}")
#: The fewest words of a headline that the last part of a path is made of.
_WORDS = 4
_NOT_IN_ID = re.compile(r"[^\w-]+", re.ASCII)
_LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Outlet):
    """All pages below a domain; each but the front page may be an article."""

    def identify(self, url: str) -> Address | None:
        """Return the id and address of a page; None for the front page, files and other sites."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not self.serves(url):
            return None
        query = [pair for pair in _pairs(parts.query) if not _TRACKERS.fullmatch(pair[0])]
        path = parts.path.rstrip("/")
        if _FILES.search(path) or not (path or query):
            return None
        own = parts.query if len(query) == len(_pairs(parts.query)) else urlencode(query)
        address = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", own, ""))
        return Address(_id(parts.netloc, path, query), address)

    def serves(self, url: str) -> bool:
        """Whether the address is on the site's domain or below it."""
        try:
            host = (urlsplit(url).hostname or "").removesuffix(".")
        except ValueError:
            return False
        domain = self.title
        return host == domain or host.endswith(f".{domain}")


def site_at(url: str) -> Site:
    """Return the site of an address, with the list, feed or sitemap there as its channel.

    :raises OutletError: it is no address of a site.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
        port = parts.port
    except ValueError:
        host, port = "", None
    if not host or urlsplit(url).scheme not in ("http", "https"):
        raise OutletError(f"{url!r} is not the address of a site: write https://…")
    channels = (Channel(_CHANNEL, (Listing(url),)),)
    return _site(_domain_of(host), channels, host if port is None else f"{host}:{port}")


def site_named(name: str) -> Site:
    """Return the site of that name; where its articles are listed is not known.

    :raises OutletError: it is no name of a site.
    """
    domain = name.removeprefix(PREFIX)
    if not re.fullmatch(r"[\w.:\[\]-]+", domain) or _domain_of(domain) != domain:
        raise OutletError(f"{name!r} is not the name of a site: it is {PREFIX} and a domain")
    return _site(domain, (), domain)


def looks_like_article(url: str) -> bool:
    """Whether an address on a list is one of an article, as far as it tells.

    Its path or query has a day or a number of four digits, or it ends in words of a headline.
    """
    parts = urlsplit(url)
    if _DATED.search(f"{parts.path}?{parts.query}"):
        return True
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return len(re.findall(r"\w+", re.sub(r"[-_]", " ", last))) >= _WORDS


def _site(domain: str, channels: tuple[Channel, ...], host: str) -> Site:
    return Site(
        name=f"{PREFIX}{domain}",
        title=domain,
        hosts=(host.partition(":")[0],),
        articles=(),
        canonical=f"https://{host}/",
        layouts=(),
        channels=channels,
        rules=Rules(of_any_site=True),
    )


@cache
def _domain_of(host: str) -> str:
    """Return the domain that somebody registered; the host itself if it has none."""
    return _domains()(host).top_domain_under_public_suffix or host


@cache
def _domains() -> TLDExtract:
    """Return what knows the public suffixes, by the copy of the list that it brings along."""
    # Imported here: it imports a client for HTTP, which few commands need, and is not used.
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _id(host: str, path: str, query: list[tuple[str, str]]) -> str:
    """Return an id made of an address: words of its end, and a digest of all of it.

    The scheme, ``www.``, a slash at the end and the order of the query do not count.
    """
    whole = f"{host.lower().removeprefix('www.')}{quote(unquote(path))}?{urlencode(sorted(query))}"
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    slug = _NOT_IN_ID.sub("-", path.rpartition("/")[2].partition(".")[0]).strip("-")
    return f"{slug[:_LONGEST_SLUG]}-{digest}".strip("-")
