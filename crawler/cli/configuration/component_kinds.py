"""What the classes that settings name must be able to do, so that a wrong one is a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUEUE = ("push", "pop", "close", "__len__")
#: The methods that a crawl calls on what a setting names, whatever else it may have.
_METHODS: Mapping[str, tuple[str, ...]] = {
    "ASYNCIO_EVENT_LOOP": ("run_until_complete", "create_task"),
    "DNS_RESOLVER": ("install_on_reactor",),
    "DOWNLOADER": ("fetch", "needs_backout", "close"),
    "DOWNLOAD_HANDLERS": ("download_request",),
    "DUPEFILTER_CLASS": ("open", "request_seen", "close"),
    "EXCHANGE_SINK": ("store",),
    "FEED_EXPORTERS": ("start_exporting", "export_item", "finish_exporting"),
    "FEED_STORAGES": ("open", "store"),
    "LOG_FORMATTER": ("crawled", "scraped", "dropped"),
    "REQUEST_FINGERPRINTER_CLASS": ("fingerprint",),
    "SCHEDULER": ("enqueue_request", "next_request", "has_pending_requests"),
    "SCHEDULER_MEMORY_QUEUE": _QUEUE,
    "SCHEDULER_PRIORITY_QUEUE": _QUEUE,
    "SCHEDULER_START_MEMORY_QUEUE": _QUEUE,
    "SPIDER_LOADER_CLASS": ("from_settings", "load", "list"),
    "STATS_CLASS": ("get_value", "set_value", "inc_value", "get_stats", "close_spider"),
    "TWISTED_DNS_RESOLVER": ("install_on_reactor",),
    "item_filter": ("accepts",),
    "postprocessing": ("write", "close"),
}
#: Settings of which any class will do.
_ANY_CLASS = frozenset({"DEFAULT_ITEM_CLASS", "ITEM_PROCESSOR", "ROBOTS_STORE", "item_classes"})


def problem_of_kind(name: str, component: object) -> str:
    """Return why what a setting, or an option of a feed, names cannot be used; ``""`` if it can."""
    if name == "RETRY_EXCEPTIONS":
        is_exception = isinstance(component, type) and issubclass(component, BaseException)
        return "" if is_exception else "is no class of exceptions"
    if name not in _METHODS and name not in _ANY_CLASS:
        return ""
    # What is built of it may be of another class.
    if hasattr(component, "from_crawler") and name in ("EXCHANGE_SINK", "ROBOTS_STORE"):
        return ""
    if not isinstance(component, type):
        return "is no class"
    missing = [method for method in _METHODS.get(name, ()) if not hasattr(component, method)]
    return f"has no method {missing[0]}" if missing else ""
