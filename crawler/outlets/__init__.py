"""The registry of outlets: each module of this package holds one value named OUTLET."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import urlsplit

from crawler.model.outlet import Outlet, OutletError


@cache
def known_outlets() -> dict[str, Outlet]:
    """Return all outlets by name, sorted by name.

    :raises OutletError: a module holds no OUTLET, or one whose name differs from the module's.
    """
    outlets: dict[str, Outlet] = {}
    for name in sorted(module.name for module in iter_modules(__path__)):
        outlet = getattr(import_module(f"{__name__}.{name}"), "OUTLET", None)
        if not isinstance(outlet, Outlet) or outlet.name != name:
            raise OutletError(
                f"crawler/outlets/{name}.py must define OUTLET = Outlet(name={name!r}, …)"
            )
        outlets[name] = outlet
    return outlets


def outlet_named(name: str) -> Outlet:
    """Return the outlet of that name.

    :raises OutletError: there is none; the message lists the known outlets.
    """
    try:
        return known_outlets()[name]
    except KeyError:
        raise OutletError(f"no outlet {name!r}; known: {', '.join(known_outlets())}") from None


def outlet_of(url: str) -> Outlet | None:
    """Return the outlet whose host serves the address; None if there is none."""
    try:
        return _by_host().get((urlsplit(url).hostname or "").removesuffix("."))
    except ValueError:
        return None


def outlet_of_image(url: str) -> Outlet | None:
    """Return the outlet whose host of images serves the address; None if there is none."""
    try:
        return _by_image_host().get((urlsplit(url).hostname or "").removesuffix("."))
    except ValueError:
        return None


def article_id(outlet: str, url: str) -> str | None:
    """Return the id of the article at an address of the outlet of that name.

    None if the outlet is unknown, or the address is not one of its articles'.
    """
    known = known_outlets().get(outlet)
    address = known.identify(url) if known is not None else None
    return address.article_id if address is not None else None


@cache
def _by_host() -> dict[str, Outlet]:
    return {host: outlet for outlet in reversed(known_outlets().values()) for host in outlet.hosts}


@cache
def _by_image_host() -> dict[str, Outlet]:
    outlets = reversed(known_outlets().values())
    return {host: outlet for outlet in outlets for host in outlet.image_hosts}
