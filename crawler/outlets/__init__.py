"""The registry of outlets: each module of this package holds one value named OUTLET.

Further outlets come from the modules of OUTLET_MODULES and from installed packages.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crawler.model.outlet import Outlet, OutletError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

#: The group of entry points by which an installed package states outlets: each is a module with a
#: value named OUTLET, or that value.
ENTRY_POINTS = "sacho.outlets"
_MODULES: list[str] = []


def use_modules(names: Iterable[str]) -> None:
    """Make the outlets of these modules known, in place of those of an earlier call.

    A module holds a value named OUTLET; a package may hold such modules.
    """
    _MODULES[:] = names
    known_outlets.cache_clear()
    _by_host.cache_clear()


def used_modules() -> tuple[str, ...]:
    """Return the names that `use_modules` was given, for another process."""
    return tuple(_MODULES)


@cache
def known_outlets() -> dict[str, Outlet]:
    """Return all outlets by name, sorted by name.

    :raises OutletError: a module holds no OUTLET, or one whose name differs from the module's, or
        two outlets have the same name or host.
    """
    outlets: dict[str, Outlet] = {}
    origins: dict[str, str] = {}
    for origin, outlet in (*_own_outlets(), *_outlets_of_modules(), *_outlets_of_packages()):
        # A package may be installed and named in OUTLET_MODULES.
        if outlets.get(outlet.name) is outlet:
            continue
        for word in (outlet.name, *outlet.hosts):
            if word in origins:
                raise OutletError(f"{origin} and {origins[word]} both state {word}")
            origins[word] = origin
        outlets[outlet.name] = outlet
    return dict(sorted(outlets.items()))


def _own_outlets() -> Iterator[tuple[str, Outlet]]:
    for name in sorted(module.name for module in iter_modules(__path__)):
        outlet = getattr(import_module(f"{__name__}.{name}"), "OUTLET", None)
        if not isinstance(outlet, Outlet) or outlet.name != name:
            raise OutletError(
                f"crawler/outlets/{name}.py must define OUTLET = Outlet(name={name!r}, …)"
            )
        yield f"crawler/outlets/{name}.py", outlet


def _outlets_of_modules() -> Iterator[tuple[str, Outlet]]:
    for name in _MODULES:
        module = _imported(name)
        names = [name]
        if not hasattr(module, "OUTLET") and hasattr(module, "__path__"):
            names = [f"{name}.{one.name}" for one in iter_modules(module.__path__)]
        for one in names:
            yield one, _outlet_in(_imported(one), f"{one}, of OUTLET_MODULES,")


def _outlets_of_packages() -> Iterator[tuple[str, Outlet]]:
    for point in entry_points(group=ENTRY_POINTS):
        origin = f"{point.value}, an entry point of {ENTRY_POINTS},"
        try:
            stated = point.load()
        except Exception as error:  # a package of the user's may raise anything: a sentence says so
            raise OutletError(
                f"{origin} cannot be imported ({type(error).__name__}: {error})"
            ) from error
        yield point.value, stated if isinstance(stated, Outlet) else _outlet_in(stated, origin)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:  # a module of the user's may raise anything: a sentence says so
        raise OutletError(
            f"{name}, of OUTLET_MODULES, cannot be imported ({type(error).__name__}: {error})"
        ) from error


def _outlet_in(module: object, origin: str) -> Outlet:
    outlet = getattr(module, "OUTLET", None)
    if not isinstance(outlet, Outlet):
        raise OutletError(f"{origin} must define OUTLET = Outlet(name=…, …)")
    return outlet


def outlet_named(name: str) -> Outlet:
    """Return the outlet of that name.

    :raises OutletError: there is none; the message lists the known outlets, and says which of them
        has a similar name.
    """
    try:
        return known_outlets()[name]
    except KeyError:
        close = get_close_matches(name.casefold(), known_outlets(), n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        known = ", ".join(known_outlets())
        raise OutletError(f"no outlet {name!r}{meant}; known: {known}") from None


def outlet_of(url: str) -> Outlet | None:
    """Return the outlet whose host serves the address; None if there is none."""
    try:
        return _by_host().get((urlsplit(url).hostname or "").removesuffix("."))
    except ValueError:
        return None


def as_address(text: str) -> str:
    """Return what a person writes for an address, with its scheme; ``""`` if it is no address.

    An address of an outlet's host may lack its scheme.
    """
    if text[:8].lower().startswith(("http://", "https://")):
        return text
    return f"https://{text}" if outlet_of(f"https://{text}") is not None else ""


def outlet_at(address: str) -> Outlet:
    """Return the outlet whose host serves the address.

    :raises OutletError: there is none.
    """
    outlet = outlet_of(address)
    if outlet is None:
        hosts = ", ".join(_by_host())
        raise OutletError(f"no outlet has the host of {address}; known hosts: {hosts}")
    return outlet


def article_named(text: str) -> tuple[str, str]:
    """Return the outlet's name and the id or alias that ``OUTLET/ID`` or an address states.

    The second is ``""`` for ``OUTLET`` alone.

    :raises OutletError: no outlet has the host of the address.
    """
    address = as_address(text)
    if not address:
        outlet, _, name = text.partition("/")
        return outlet, name
    known = outlet_at(address)
    identified = known.identify(address)
    return known.name, identified.article_id if identified is not None else address


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
