"""An outlet as a value: what is known of it, with no behaviour of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from pipelines.page import Rules

if TYPE_CHECKING:
    from crawler.layout import Layout, TextForm


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

    ``name`` is its file's stem, its spider's name and its seed folder. ``hosts`` all serve the same articles.
    ``articles`` are patterns over the path (``?name=`` marks an id in the query) with the group ``id``;
    ``canonical`` is the address with ``{id}``. ``page_title`` is found in the <title> of its pages only.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    articles: tuple[str, ...]
    canonical: str
    layouts: tuple[Layout, ...]
    text: TextForm
    page_title: str = ""
    rules: Rules = field(default_factory=Rules)

    def identify(self, url: str) -> Address | None:
        """Read an address of this outlet; None if it is not an article's, or another outlet's."""
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or host not in self.hosts:
            return None
        for pattern in self.articles:
            path, _, parameter = pattern.partition("?")
            if parameter:
                found = parse_qs(parts.query).get(parameter, [""])[0] if re.fullmatch(path, parts.path) else ""
                article_id = found if re.fullmatch(r"\d+", found, re.ASCII) else ""
            else:
                match = re.fullmatch(path, parts.path, re.ASCII)
                article_id = match["id"] if match else ""
            if article_id:
                return Address(article_id, self.canonical.format(id=article_id))
        return None

    def serves(self, url: str) -> bool:
        """Whether the address is on one of this outlet's hosts."""
        try:
            return urlsplit(url).hostname in self.hosts
        except ValueError:
            return False


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
            raise OutletError(f"crawler/outlets/{module.name}.py must hold OUTLET = Outlet(name={module.name!r}, …)")
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
    return next((outlet for outlet in known_outlets().values() if outlet.serves(url)), None)
