"""The settings of Scrapy that have no effect on a crawl, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scrapy.utils.misc import load_object

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

#: Where a crawl keeps the JOBDIR that it was given and does not use.
UNUSED_JOBDIR = "UNUSED_JOBDIR"


class _Void(NamedTuple):
    """Why a setting has no effect, and the component that gives it one if a user adds that."""

    why: str
    component: str = ""


_NO_LINKS = "a crawl follows no links of pages"
_DEPTH = "scrapy.spidermiddlewares.depth.DepthMiddleware"
_OWN_ROBOTS = "robots.txt is read as RFC 9309 defines it, for the name Sacho"
VOID = {
    "JOBDIR": _Void("the index remembers what a stopped crawl has left to fetch"),
    "HTTPCACHE_ENABLED": _Void(
        "what is archived must come from the outlet",
        "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware",
    ),
    "COOKIES_ENABLED": _Void(
        "without cookies no private page is ever fetched",
        "scrapy.downloadermiddlewares.cookies.CookiesMiddleware",
    ),
    "METAREFRESH_ENABLED": _Void(
        "a meta refresh is an instruction to a browser, not a redirect of the server",
        "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware",
    ),
    "DEPTH_LIMIT": _Void(_NO_LINKS, _DEPTH),
    "DEPTH_PRIORITY": _Void(_NO_LINKS, _DEPTH),
    "URLLENGTH_LIMIT": _Void(
        "addresses have at most 8,192 characters",
        "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware",
    ),
    "DUPEFILTER_CLASS": _Void("the frontier knows every article once"),
    "ROBOTSTXT_PARSER": _Void(_OWN_ROBOTS),
    "ROBOTSTXT_USER_AGENT": _Void(_OWN_ROBOTS),
    "MEMDEBUG_ENABLED": _Void("its extension is off", "scrapy.extensions.memdebug.MemoryDebugger"),
    "TELNETCONSOLE_ENABLED": _Void(
        "a console on the network runs Python code", "scrapy.extensions.telnet.TelnetConsole"
    ),
}


def warning(crawler: Crawler) -> str:
    """Return the one sentence about settings of the user's that change nothing, ``""`` if none."""
    void = [
        f"{name} ({one.why})"
        for name, one in VOID.items()
        if _is_given(crawler, name) and not _is_active(crawler, one.component)
    ]
    if crawler.settings.get(UNUSED_JOBDIR):
        void.insert(0, f"JOBDIR ({VOID['JOBDIR'].why})")
    return f"settings without effect on a crawl: {'; '.join(void)}" if void else ""


def _is_given(crawler: Crawler, name: str) -> bool:
    """Return whether a user has set it, and not turned off what is off anyway."""
    settings = crawler.settings
    if not settings.getpriority(name) or not settings.get(name):
        return False
    return not name.endswith("_ENABLED") or settings.getbool(name)


def _is_active(crawler: Crawler, component: str) -> bool:
    if not component:
        return False
    kind = load_object(component)
    return any(
        get(kind) is not None
        for get in (
            crawler.get_downloader_middleware,
            crawler.get_spider_middleware,
            crawler.get_extension,
        )
    )
