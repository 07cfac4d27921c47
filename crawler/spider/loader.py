"""The spider loader: creates a spider class for each outlet of ``crawler.outlets``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.outlets import find_outlet, known_outlets, use_modules, used_modules
from crawler.spider.spider import OutletSpider

if TYPE_CHECKING:
    import builtins

    from scrapy import Request, Spider
    from scrapy.settings import BaseSettings

    from crawler.model.outlet import Outlet


class OutletLoader:
    """Scrapy's SPIDER_LOADER_CLASS. An outlet is a value, so its spider class is generated."""

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> OutletLoader:
        """Create a loader. Reads OUTLET_MODULES."""
        modules = settings.getlist("OUTLET_MODULES")
        if tuple(modules) != used_modules():  # a verb has read them already, which takes its time
            use_modules(modules)
        return cls()

    def load(self, spider_name: str) -> type[Spider]:
        """Return the outlet's spider class.

        :raises KeyError: there is no such outlet.
        """
        outlet = find_outlet(spider_name)
        if outlet is None:
            raise KeyError(spider_name)
        return spider_class(outlet)

    def list(self) -> list[str]:
        """Return the outlets' names."""
        return list(known_outlets())

    def find_by_request(self, request: Request) -> builtins.list[str]:
        """Return the names of the outlets whose hosts serve the request."""
        return [name for name, outlet in known_outlets().items() if outlet.serves(request.url)]


def spider_class(outlet: Outlet, base: type[OutletSpider] = OutletSpider) -> type[OutletSpider]:
    """Return the spider class of an outlet, a subclass of ``base``."""
    body = {
        "name": outlet.name,
        "outlet": outlet,
        "ports": outlet.ports,
        "__module__": f"crawler.outlets.{outlet.name}",
    }
    return type(f"{outlet.name.title()}Spider", (base,), body)
