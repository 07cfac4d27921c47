"""The file of a new outlet: its place, its name, and what it must not take from another outlet."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import invalidate_caches
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy.utils.url import guess_scheme

from archive.model.article import KST
from archive.model.data_folder import checkout
from crawler import outlets
from crawler.cli.base import usage_error
from crawler.model.outlet_skeleton import skeleton
from crawler.outlets import known_outlets, outlet_of, use_modules, used_modules

if TYPE_CHECKING:
    from crawler.model.outlet_skeleton import Draft

_NAME = re.compile("[a-z][a-z0-9_]*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def checked_name(name: str) -> str:
    """Return the name of an outlet that there is not.

    :raises UsageError: it is taken, or cannot be a module's.
    """
    if not _NAME.fullmatch(name) or iskeyword(name):
        raise usage_error(f"{name}: a name has small letters, digits and _ only, a letter first")
    if name in known_outlets():
        raise usage_error(f"there is an outlet {name} already")
    return name


def checked_host(address: str) -> str:
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


def new_path(name: str) -> Path:
    """Return the path of the file of a new outlet: where `crawler.outlets` looks for outlets.

    :raises UsageError: there is no such folder of the user's, or the file exists.
    """
    path = _folder() / f"{name}.py"
    if path.exists():
        raise usage_error(f"{path} exists; it was left as it is")
    return path


def write_file(path: Path, draft: Draft) -> None:
    """Write the file of a new outlet; it is then known.

    :raises UsageError: the file exists.
    """
    month = datetime.now(UTC).astimezone(KST).strftime("%Y-%m")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(skeleton(draft, month))
    except FileExistsError:
        raise usage_error(f"{path} exists; it was left as it is") from None
    invalidate_caches()
    use_modules(used_modules())


def _folder() -> Path:
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
