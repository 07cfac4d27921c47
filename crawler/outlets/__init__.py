"""The registry of outlets: one small file an outlet, each holding one value named OUTLET."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import urlsplit

from crawler.model.outlet import Outlet, OutletError


@cache
def known_outlets() -> dict[str, Outlet]:
    """All outlets by name, each from its file in ``crawler/outlets``.

    :raises OutletError: a file holds no OUTLET, or one named otherwise than the file.
    """
    package = import_module("crawler.outlets")
    outlets: dict[str, Outlet] = {}
    for module in sorted(iter_modules(package.__path__), key=lambda found: found.name):
        outlet = getattr(import_module(f"crawler.outlets.{module.name}"), "OUTLET", None)
        if not isinstance(outlet, Outlet) or outlet.name != module.name:
            raise OutletError(
                f"crawler/outlets/{module.name}.py must hold OUTLET = Outlet(name={module.name!r}, …)"
            )
        outlets[outlet.name] = outlet
    return outlets


def outlet_named(name: str) -> Outlet:
    """The outlet of that name.

    :raises OutletError: there is none; the sentence lists those there are.
    """
    try:
        return known_outlets()[name]
    except KeyError:
        raise OutletError(f"no outlet {name!r}; known: {', '.join(known_outlets())}") from None


def outlet_of(url: str) -> Outlet | None:
    """The outlet on whose hosts the address lies, or None."""
    try:
        return _by_host().get(urlsplit(url).hostname or "")
    except ValueError:
        return None


@cache
def _by_host() -> dict[str, Outlet]:
    return {host: outlet for outlet in reversed(known_outlets().values()) for host in outlet.hosts}
