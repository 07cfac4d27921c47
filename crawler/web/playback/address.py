"""Addresses of playback: ``/web/20240507010000im_/https://…``, and what such an address asks for.

The stamp, of which digits may be missing, and the modifier are those that web archives have in
common: ``id_`` the payload as it was served, ``im_`` a picture, ``cs_`` a style sheet, ``mp_`` (or
``if_``) the page without what surrounds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.times import within_calendar
from archive.warc.record_writer import WarcError, safe_url
from archive.warc.wacz.cdxj import timestamp

if TYPE_CHECKING:
    from archive.articles.mementos import Memento

#: The longest address that is looked for.
LONGEST = 16_384
#: What a modifier asks for; the first is what an address without one shows.
MODIFIERS = ("", "mp_", "if_", "id_", "im_", "cs_")
_ASKED = re.compile(r"(\d{1,14})([a-z]{2}_)?/(.+)", re.S | re.A)
_SCHEME = re.compile(r"(https?):/*", re.I)
#: How an address without a scheme begins.
_NAMED_HOST = re.compile(r"[^/?#]+\.[^/?#]+")
_URN = re.compile(r"urn:[a-z0-9]+:", re.I)
#: The least and the most that the digits of a stamp can say.
_LOWEST, _HIGHEST = "00000101000000", "99991231235959"
#: What stands in an address as it is, but not in the path of another one.
_NOT_IN_PATH = str.maketrans({"#": "%23", "\\": "%5C"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a path asks for. ``stamp`` is as it was written."""

    stamp: str
    modifier: str
    url: str

    @property
    def moment(self) -> datetime:
        """The first moment that the stamp can mean."""
        return moment_of(self.stamp)


def parse_asked(path: str) -> Asked | None:
    """Return what follows ``/web/``; None if it is no address of playback."""
    found = _ASKED.fullmatch(path)
    if found is None or (found[2] or "") not in MODIFIERS:
        return None
    url = parse_url(found[3])
    return Asked(found[1], found[2] or "", url) if url else None


def parse_url(text: str) -> str:
    """Return the address that stands in a path; ``""`` if it is none.

    A slash of two that a proxy took out is put back, and a missing scheme is ``http``.
    """
    text = text.partition("#")[0]
    scheme = _SCHEME.match(text)
    if scheme is not None:
        text = f"{scheme[1].lower()}://{text[scheme.end() :]}"
    elif not _URN.match(text):
        text = f"http://{text}" if _NAMED_HOST.match(text) else ""
    try:
        url = safe_url(text) if 0 < len(text) <= LONGEST else ""
        return url if url.startswith("urn:") or urlsplit(url).hostname else ""
    except (WarcError, ValueError):
        return ""


def moment_of(stamp: str) -> datetime:
    """Return the first moment that a stamp of 1 to 14 digits can mean; the nearest there is."""
    digits = stamp + _LOWEST[len(stamp) :]
    parts = [digits[:4], *(digits[at : at + 2] for at in range(4, 14, 2))]
    year, month, day, hour, minute, second = map(int, parts)
    lowest = max(1, year)
    month, hour = min(max(1, month), 12), min(hour, 23)
    for last in (max(1, day), 30, 29, 28):
        try:
            moment = datetime(
                lowest, month, last, hour, min(minute, 59), min(second, 59), tzinfo=UTC
            )
        except ValueError:
            continue
        return within_calendar(moment)
    raise AssertionError("every month has 28 days")


def memento_path(moment: datetime, url: str, modifier: str = "") -> str:
    """Return the path under which a capture is shown."""
    return stamped_path(timestamp(moment), url, modifier)


def path_of(memento: Memento, modifier: str = "") -> str:
    """Return the path under which a capture is shown."""
    return memento_path(memento.captured_at, memento.url, modifier)


def list_path(url: str) -> str:
    """Return the path of the list of an address's captures."""
    return stamped_path("*", url)


def stamped_path(stamp: str, url: str, modifier: str = "") -> str:
    """Return the path of an address at a stamp."""
    return f"/web/{stamp}{modifier}/{url.translate(_NOT_IN_PATH)}"
