"""The registry of outlets: each module of this package holds one value named OUTLET.

Further outlets come from the modules of OUTLET_MODULES and from installed packages. A file that is
broken stops its outlet alone: the others are known, and a sentence says what is wrong with it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from traceback import extract_tb
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.program import PROGRAM
from crawler.model.outlet import Outlet, OutletError
from crawler.model.outlet_check import faults
from crawler.model.site import PREFIX, site_at, site_named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from importlib.metadata import EntryPoint

#: The group of entry points by which an installed package states outlets: each is a module with a
#: value named OUTLET, or that value.
ENTRY_POINTS = "sacho.outlets"
_MODULES: list[str] = []
#: Outlets that were checked in this process and are without fault, by identity: no value changes.
_FAULTLESS: dict[int, Outlet] = {}
#: How many faults of a file are told at once.
_MOST_FAULTS = 5
_UNKNOWN_FIELD = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_MISSING_FIELD = re.compile(r"(\w+)\.__init__\(\) missing .*arguments?: (.+)")


@dataclass(slots=True)
class _Registry:
    """The outlets that are known by name, and what is wrong with the others, by name too.

    ``origins`` says where each name and host is stated, ``modules`` in which module each outlet is.
    """

    outlets: dict[str, Outlet] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)

    def add(self, module: str, origin: str, name: str, load: Callable[[], object]) -> None:
        """Add the outlet of a file, or what is wrong with it; ``name`` is what it should have."""
        try:
            outlet = load()
        except Exception as error:  # noqa: BLE001  (a file may raise anything: a sentence says so)
            self.broken.setdefault(name, f"{origin}: {_described(error, origin)}")
            return
        if not isinstance(outlet, Outlet):
            self.broken.setdefault(name, f"{origin} must define OUTLET = Outlet(name={name!r}, …)")
            return
        # A package may be installed and named in OUTLET_MODULES.
        if any(outlet is known for known in self.outlets.values()):
            return
        fault = _faults_once(outlet) or self._collision(outlet)
        if fault:
            self.broken.setdefault(name, f"{origin}: {fault}")
            return
        self.outlets[outlet.name] = outlet
        self.modules[outlet.name] = module
        self.origins |= dict.fromkeys((outlet.name, *outlet.hosts), origin)

    def _collision(self, outlet: Outlet) -> str:
        for word in (outlet.name, *outlet.hosts):
            if word in self.origins:
                return f"both this and {self.origins[word]} state {word}"
        return ""


def _faults_once(outlet: Outlet) -> str:
    """Return what is wrong with an outlet; one without fault is not checked again."""
    if id(outlet) in _FAULTLESS:
        return ""
    found = "; ".join(faults(outlet)[:_MOST_FAULTS])
    if not found:
        _FAULTLESS[id(outlet)] = outlet  # kept, so that no other has its identity
    return found


def use_modules(names: Iterable[str]) -> None:
    """Make the outlets of these modules known, in place of those of an earlier call.

    A module holds a value named OUTLET; a package may hold such modules.
    """
    _MODULES[:] = names
    for cached in (_registry, known_outlets, _by_host, _by_related_host):
        cached.cache_clear()


def used_modules() -> tuple[str, ...]:
    """Return the names that `use_modules` was given, for another process."""
    return tuple(_MODULES)


@cache
def known_outlets() -> dict[str, Outlet]:
    """Return all valid outlets by name, sorted by name.

    :raises OutletError: OUTLET_MODULES names no module, or one without outlets.
    """
    return dict(sorted(_registry().outlets.items()))


def broken_outlets() -> dict[str, str]:
    """Return what is wrong with the outlets that are not known, a sentence by name.

    It begins with the file and the field.

    :raises OutletError: OUTLET_MODULES names no module, or one without outlets.
    """
    return dict(sorted(_registry().broken.items()))


def module_of(name: str) -> str:
    """Return the name of the module that holds the outlet of that name.

    :raises KeyError: there is no such outlet.
    """
    return _registry().modules[name]


@cache
def _registry() -> _Registry:
    found = _Registry()
    for name in sorted(module.name for module in iter_modules(__path__)):
        module = f"{__name__}.{name}"
        found.add(module, f"crawler/outlets/{name}.py", name, partial(_own_outlet, name))
    for name in _MODULES:
        for module in _modules_of(name):
            own = module.rpartition(".")[2]
            found.add(module, f"{module}, of OUTLET_MODULES", own, partial(_outlet_in, module))
    for point in _installed(tuple(sys.path)):
        origin = f"{point.value}, an entry point of {ENTRY_POINTS}"
        found.add(point.module, origin, point.name, partial(_outlet_at, point))
    return found


@lru_cache(maxsize=1)
def _installed(_folders: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the outlets of the packages in these folders: a file is read for each package."""
    return tuple(entry_points(group=ENTRY_POINTS))


def _own_outlet(name: str) -> object:
    outlet = getattr(import_module(f"{__name__}.{name}"), "OUTLET", None)
    return outlet if isinstance(outlet, Outlet) and outlet.name == name else None


def _outlet_in(module: str) -> object:
    return getattr(import_module(module), "OUTLET", None)


def _outlet_at(point: EntryPoint) -> object:
    stated = point.load()
    return stated if isinstance(stated, Outlet) else getattr(stated, "OUTLET", None)


def _modules_of(name: str) -> list[str]:
    """Return the modules with an outlet that one of OUTLET_MODULES stands for.

    :raises OutletError: there is no such module, or none of it can hold an outlet.
    """
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise OutletError(
                f"{name}, of OUTLET_MODULES, cannot be imported ({type(error).__name__}: {error})"
            ) from error
        return [name]
    except Exception:  # noqa: BLE001  (it is imported again, and what is wrong is said, by `add`)
        return [name]
    if hasattr(module, "OUTLET"):
        return [name]
    if not hasattr(module, "__path__"):
        raise OutletError(f"{name}, of OUTLET_MODULES, must define OUTLET = Outlet(name=…, …)")
    return [f"{name}.{one.name}" for one in iter_modules(module.__path__)]


def _described(error: Exception, origin: str) -> str:
    """Return what an error that ended the import of a file says of the file, with its line."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    stem = origin.partition(",")[0].removesuffix(".py").rpartition("/")[2].rpartition(".")[2]
    lines = [
        one.lineno for one in extract_tb(error.__traceback__) if Path(one.filename).stem == stem
    ]
    where = f"line {lines[-1]}: " if lines else ""
    unknown = _UNKNOWN_FIELD.search(str(error))
    if unknown:
        return f"{where}{unknown[1]} has no field {unknown[2]!r}"
    missing = _MISSING_FIELD.search(str(error))
    if missing:
        return f"{where}{missing[1]} lacks {missing[2]}"
    return f"{where}{type(error).__name__}: {error}"


def outlet_named(name: str) -> Outlet:
    """Return the outlet of that name.

    :raises OutletError: its file is broken; or there is none: the message lists the known outlets,
        and says which of them has a similar name.
    """
    if name.startswith(PREFIX):
        return site_named(name)
    try:
        return known_outlets()[name]
    except KeyError:
        if name in broken_outlets():
            raise OutletError(broken_outlets()[name]) from None
        close = get_close_matches(name.casefold(), known_outlets(), n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        known = ", ".join(known_outlets())
        raise OutletError(f"no outlet {name!r}{meant}; known: {known}") from None


def find_outlet(name: str) -> Outlet | None:
    """Return the outlet or site of that name, None if there is none."""
    if not name.startswith(PREFIX):
        return known_outlets().get(name)
    try:
        return site_named(name)
    except OutletError:
        return None


def new_site(url: str) -> Outlet:
    """Return the site at an address of which nobody wrote an outlet, to be crawled.

    :raises OutletError: an outlet has that host, or it is no address, or what reads the pages of
        any site is not installed.
    """
    known = outlet_of(url)
    if known is not None:
        raise OutletError(
            f"{url} is {known.name}'s, of which there is an outlet: {PROGRAM} crawl {known.name}"
        )
    if find_spec("trafilatura") is None:
        raise OutletError(
            "what reads the pages of any site is not installed: pip install 'sacho[generic]'"
        )
    return site_at(url)


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


def article_named(
    text: str, outlets_seen: Callable[[], Collection[str]] = tuple
) -> tuple[str, str]:
    """Return the outlet's name and the id or alias that ``OUTLET/ID`` or an address states.

    The second is ``""`` for ``OUTLET`` alone. The address of a host that no outlet has may be one
    of a site's, if that is among the ``outlets_seen``, which are asked for only then.

    :raises OutletError: neither has the host of the address.
    """
    address = as_address(text)
    if not address:
        outlet, _, name = text.partition("/")
        return outlet, name
    known = outlet_of(address) or _site_of(address, outlets_seen) or outlet_at(address)
    identified = known.identify(address)
    return known.name, identified.article_id if identified is not None else address


def _site_of(address: str, outlets_seen: Callable[[], Collection[str]]) -> Outlet | None:
    """Return the site at an address if it is among the outlets seen, else None."""
    sites = [name for name in outlets_seen() if name.startswith(PREFIX)]
    if not sites:
        return None
    site = site_at(address)
    return site if site.name in sites else None


def outlet_of_related(url: str) -> Outlet | None:
    """Return the outlet to whose hosts, those of images or one below them the address belongs.

    None if there is no such outlet.
    """
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return None
    hosts = _by_related_host()
    while host:
        if host in hosts:
            return hosts[host]
        _, _, host = host.partition(".")
    return None


def article_id(outlet: str, url: str) -> str | None:
    """Return the id of the article at an address of the outlet of that name.

    None if the outlet is unknown, or the address is not one of its articles'.
    """
    known = find_outlet(outlet)
    address = known.identify(url) if known is not None else None
    return address.article_id if address is not None else None


@cache
def _by_host() -> dict[str, Outlet]:
    return {host: outlet for outlet in reversed(known_outlets().values()) for host in outlet.hosts}


@cache
def _by_related_host() -> dict[str, Outlet]:
    outlets = [*reversed(known_outlets().values())]
    found = {host.removeprefix("www."): outlet for outlet in outlets for host in outlet.hosts}
    found |= {host: outlet for outlet in outlets for host in outlet.image_hosts}
    return found | _by_host()
