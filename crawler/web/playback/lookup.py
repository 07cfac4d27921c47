"""Find the capture that is asked for; say if what was at its address was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.articles.blocklist import removal_of
from archive.articles.mementos import (
    memento_numbered,
    nearest,
    outlets_of,
    removal_by_payload,
)
from archive.captures.address_forms import forms
from crawler.model.outlet import OutletError
from crawler.model.site import site_at
from crawler.outlets import article_id, outlet_of

if TYPE_CHECKING:
    from archive.articles.blocklist import Removal
    from archive.articles.mementos import Memento
    from archive.index.database import Snapshot
    from crawler.web.playback.address import Asked

#: The modifiers of what stands in a page: only what was served is one.
EMBEDDED = frozenset({"im_", "cs_"})
#: The largest number that a row of an index has.
_LAST_NUMBER = 2**63 - 1


class NotArchivedError(Exception):
    """There is no capture of an address."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class RemovedError(Exception):
    """What was at an address was removed."""

    def __init__(self, url: str, removal: Removal) -> None:
        super().__init__(url)
        self.url, self.removal = url, removal


def find(connection: Snapshot, asked: Asked) -> Memento:
    """Return the capture of an address that is nearest to its stamp.

    :raises RemovedError: the article at the address was removed.
    :raises NotArchivedError: there is no capture of the address.
    """
    written = forms(asked.url)
    refuse_removed(connection, asked.url, written)
    is_embedded = asked.modifier in EMBEDDED
    found = nearest(connection, written, asked.moment, served=is_embedded)
    if found is not None:
        return found
    raise nothing_at(connection, asked.url, written)


def find_numbered(connection: Snapshot, number: int) -> Memento:
    """Return the capture of that number.

    :raises RemovedError: the article at its address was removed.
    :raises NotArchivedError: there is no such capture.
    """
    found = memento_numbered(connection, number) if number <= _LAST_NUMBER else None
    if found is None:
        raise NotArchivedError("")
    refuse_removed(connection, found.url, forms(found.url))
    return found


def refuse_removed(connection: Snapshot, url: str, written: list[str]) -> None:
    """Check that the article at an address was not removed; ``written`` are its forms.

    :raises RemovedError: it was.
    """
    for outlet in outlets_of(connection, written) | _outlets_by_host(url):
        removal = removal_of(connection, outlet, article_id(outlet, url) or url)
        if removal is not None:
            raise RemovedError(url, removal)


def nothing_at(connection: Snapshot, url: str, written: list[str]) -> Exception:
    """Return the error of an address without a capture that can be shown."""
    removal = removal_by_payload(connection, written)
    return NotArchivedError(url) if removal is None else RemovedError(url, removal)


def _outlets_by_host(url: str) -> set[str]:
    """Return the outlet and the site to which an address belongs by its host."""
    known = outlet_of(url)
    found = {known.name} if known is not None else set()
    try:
        return found | {site_at(url).name}
    except OutletError:
        return found
