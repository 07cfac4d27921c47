"""``scrapy genspider``: make the file of an outlet, to be filled in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy.utils.url import guess_scheme

from archive.model.article import KST
from archive.model.program import PROGRAM
from crawler import outlets
from crawler.cli.base import Verb, usage_error
from crawler.model.data_folder import checkout
from crawler.model.outlet_skeleton import skeleton
from crawler.outlets import known_outlets, outlet_of, used_modules

if TYPE_CHECKING:
    import argparse

_NAME = re.compile("[a-z][a-z0-9_]*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class Command(Verb):
    """Make the file of an outlet. Reads OUTLET_MODULES."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "NAME ADDRESS"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Make the file of a new outlet, to be filled in"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Make NAME.py with all fields of an outlet and comments on what each wants. Of the "
            "pages nothing is known, so no selector is filled in. ADDRESS is a page of the outlet, "
            "or its host. The file is made in the package that OUTLET_MODULES names, else in "
            "crawler/outlets of the checkout; one that exists is left as it is. "
            f"Example: {PROGRAM} genspider mypaper https://www.mypaper.example/ "
            "-s OUTLET_MODULES=mypaper_outlets"
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002  (Verb's)
        """Make the file and print its path.

        :raises UsageError: an argument is invalid or taken, the file exists, or there is no place
            for it.
        """
        if len(args) != 2:
            raise usage_error("give a name and an address of the outlet")
        name, host = _checked_name(args[0]), _checked_host(args[1])
        path = _folder() / f"{name}.py"
        month = datetime.now(UTC).astimezone(KST).strftime("%Y-%m")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(skeleton(name, host, month))
        except FileExistsError:
            raise usage_error(f"{path} exists; it was left as it is") from None
        print(f"{path}: fill it in as its comments say, then run {PROGRAM} check {name}")
        return 0


def _checked_name(name: str) -> str:
    """Return the name of an outlet that there is not.

    :raises UsageError: it is taken, or cannot be a module's.
    """
    if not _NAME.fullmatch(name) or iskeyword(name):
        raise usage_error(f"{name}: a name has small letters, digits and _ only, a letter first")
    if name in known_outlets():
        raise usage_error(f"there is an outlet {name} already")
    return name


def _checked_host(address: str) -> str:
    """Return the host of an address, as a request names it.

    :raises UsageError: there is none, or it is an outlet's already.
    """
    try:
        host = (urlsplit(guess_scheme(address)).hostname or "").encode("idna").decode()
    except ValueError:
        host = ""
    if not _HOST.fullmatch(host):
        raise usage_error(f"{address} names no host")
    known = outlet_of(f"https://{host}/")
    if known is not None:
        raise usage_error(f"{host} is a host of {known.name} already")
    return host


def _folder() -> Path:
    """Return the folder for the file: where `crawler.outlets` looks for outlets.

    :raises UsageError: there is none of the user's.
    """
    for name in used_modules():
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
    if used_modules():
        raise usage_error("OUTLET_MODULES names no package; one without any outlet will do")
    folder = Path(outlets.__file__).resolve().parent
    if checkout() != folder.parents[1]:
        raise usage_error("Sacho runs from no checkout: name a package of yours in OUTLET_MODULES")
    return folder
