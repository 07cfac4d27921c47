"""What every crawl owes an outlet and its archive, whatever settings a user adds or replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.useragent import UserAgentMiddleware
from scrapy.utils.misc import load_object

from crawler.cli.configuration.components import blame
from crawler.httpclient import ArchivingDownloadHandler
from crawler.middlewares.identity import ContactError, check_contact, is_local
from crawler.middlewares.pacing import PaceMiddleware, RetryAfterMiddleware
from crawler.middlewares.robots import RobotsMiddleware
from pipelines.deposit import DepositPipeline
from pipelines.normalise import NormalisePipeline
from pipelines.validate import ValidatePipeline
from pipelines.widgets import WidgetsPipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.crawler import Crawler

    from crawler.model.outlet import Outlet

_MIDDLEWARES = {
    UserAgentMiddleware: "the user agent",
    RetryAfterMiddleware: "waiting for a busy host",
    PaceMiddleware: "the pace of requests",
}
_PIPELINES = {
    NormalisePipeline: "the reading of articles",
    WidgetsPipeline: "the removal of widgets",
    ValidatePipeline: "the check of articles",
    DepositPipeline: "the deposit of what is fetched",
}


def refusal(crawler: Crawler, outlet: Outlet) -> str:
    """Return why the crawl must not start with its final settings, ``""`` if it may.

    Asked when the engine exists, as add-ons change settings until then, and of what is active, as a
    component may turn itself off.
    """
    missing = [
        f"{what} ({kind.__module__}.{kind.__qualname__})" for kind, what in _missing(crawler)
    ]
    if missing:
        return f"the settings turn off what no crawl may lack: {', '.join(missing)}"
    reasons = (
        _no_handler(crawler),
        _robots_off(crawler, outlet),
        _no_user_agent(crawler),
        _no_contact(crawler, outlet),
    )
    return next(filter(None, reasons), "")


def warcinfo_fields(crawler: Crawler) -> dict[str, str]:
    """Return the fields of warcinfo that say how the crawl behaves, from what is active."""
    obeys = crawler.get_downloader_middleware(RobotsMiddleware) is not None
    return {
        "operator": str(crawler.settings.get("CONTACT") or ""),
        "http-header-user-agent": user_agent(crawler),
        "robots": "obey" if obeys else "ignore",
    }


def user_agent(crawler: Crawler) -> str:
    """Return the user agent that requests carry, ``""`` without one.

    DEFAULT_REQUEST_HEADERS are set before USER_AGENT is, which then changes nothing.
    """
    headers = crawler.settings.getdict("DEFAULT_REQUEST_HEADERS")
    default = next(
        (value for name, value in headers.items() if name.lower() == "user-agent" and value), ""
    )
    middleware = crawler.get_downloader_middleware(UserAgentMiddleware)
    own = middleware.user_agent if middleware is not None else ""
    return str(default or own or "")


def _missing(crawler: Crawler) -> Iterator[tuple[type, str]]:
    for middleware, what in _MIDDLEWARES.items():
        if crawler.get_downloader_middleware(middleware) is None:
            yield middleware, what
    for pipeline, what in _PIPELINES.items():
        if crawler.get_item_pipeline(pipeline) is None:
            yield pipeline, what
    if not _is_archived(crawler):
        yield ArchivingDownloadHandler, "the archiving of every exchange"


def _is_archived(crawler: Crawler) -> bool:
    """Return whether all requests of http and https go through our handler, and are kept."""
    if not crawler.settings.get("EXCHANGE_SINK"):
        return False
    handlers = crawler.settings.getwithbase("DOWNLOAD_HANDLERS")
    kinds = (handlers.get(scheme) for scheme in ("http", "https"))
    try:
        return all(
            kind and issubclass(load_object(kind), ArchivingDownloadHandler) for kind in kinds
        )
    except (ImportError, NameError, TypeError, ValueError):
        return False


def _no_handler(crawler: Crawler) -> str:
    """Return why the crawl has no download handler: Scrapy goes on without one that raised."""
    try:
        ArchivingDownloadHandler.from_crawler(crawler)
    except Exception as error:  # noqa: BLE001 - of a setting or a class that the handler makes
        return f"its download handler cannot be made: {blame(error, crawler.settings)}"
    return ""


def _robots_off(crawler: Crawler, outlet: Outlet) -> str:
    """Return the sentence about robots.txt that is not obeyed; only a local site may have none.

    A test's site need not have the hosts that only old addresses name.
    """
    if crawler.get_downloader_middleware(RobotsMiddleware) is not None:
        return ""
    if crawler.settings.getbool("ROBOTSTXT_OBEY"):
        return (
            "ROBOTSTXT_OBEY is on, but the settings turn off what obeys robots.txt "
            f"({RobotsMiddleware.__module__}.{RobotsMiddleware.__qualname__})"
        )
    if is_local(crawler.settings, {outlet.hosts[0], *outlet.listing_hosts}):
        return ""
    return f"ROBOTSTXT_OBEY is off; a crawl of {outlet.name} must obey robots.txt"


def _no_user_agent(crawler: Crawler) -> str:
    if user_agent(crawler).strip():
        return ""
    return "USER_AGENT is empty; an outlet must see who asks"


def _no_contact(crawler: Crawler, outlet: Outlet) -> str:
    try:
        check_contact(crawler.settings, set(outlet.crawled_hosts))
    except ContactError as error:
        return str(error)
    return ""
