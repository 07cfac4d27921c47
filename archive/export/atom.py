"""Atom feeds (RFC 4287)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEDIA_TYPE = "application/atom+xml"
_NAMESPACE = "http://www.w3.org/2005/Atom"
#: What XML 1.0 has no place for.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a feed.

    ``id`` is an IRI that stays the same for what the entry is about, ``address`` the page that
    shows it, ``""`` if there is none; times are aware, ``published`` may be unknown. ``authors``
    are names.
    """

    id: str
    title: str
    address: str
    updated: datetime
    published: datetime | None = None
    summary: str = ""
    authors: tuple[str, ...] = ()
    category: str = ""


def atom_feed(
    title: str, own_address: str, page_address: str, author: str, entries: Iterable[Entry]
) -> bytes:
    """Return a feed as XML in UTF-8.

    ``own_address`` is the feed's, which is its id, too; ``page_address`` that of the page which
    shows the same; ``author`` is who made the feed. It was updated when its newest entry was.
    """
    found = list(entries)
    feed = ET.Element("feed", {"xmlns": _NAMESPACE})
    _add(feed, "id", own_address)
    _add(feed, "title", title)
    _add(feed, "updated", _moment(max((entry.updated for entry in found), default=_UNKNOWN)))
    _add(_add(feed, "author"), "name", author)
    _link(feed, "self", own_address, MEDIA_TYPE)
    _link(feed, "alternate", page_address, "text/html")
    for entry in found:
        _add_entry(feed, entry)
    written: bytes = ET.tostring(feed, "utf-8", xml_declaration=True)
    return written


def feed_pieces(
    title: str, own_id: str, author: str, updated: datetime, entries: Iterable[Entry]
) -> Iterator[str]:
    """Yield a feed that is served nowhere, one entry at a time, of any number."""
    feed = ET.Element("feed", {"xmlns": _NAMESPACE})
    _add(feed, "id", own_id)
    _add(feed, "title", title)
    _add(feed, "updated", _moment(updated))
    _add(_add(feed, "author"), "name", author)
    head, end = ET.tostring(feed, "unicode"), "</feed>"
    yield f'<?xml version="1.0" encoding="utf-8"?>\n{head.removesuffix(end)}\n'
    for entry in entries:
        holder = ET.Element("feed")
        _add_entry(holder, entry)
        yield ET.tostring(holder[0], "unicode") + "\n"
    yield end + "\n"


def _add_entry(feed: ET.Element, entry: Entry) -> None:
    element = _add(feed, "entry")
    _add(element, "id", entry.id)
    _add(element, "title", entry.title)
    _add(element, "updated", _moment(entry.updated))
    if entry.published is not None:
        _add(element, "published", _moment(entry.published))
    if entry.address:
        _link(element, "alternate", entry.address, "text/html")
    for name in entry.authors:
        _add(_add(element, "author"), "name", name)
    if entry.category:
        ET.SubElement(element, "category", {"term": _legal(entry.category)})
    if entry.summary:
        _add(element, "summary", entry.summary)


def _add(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = _legal(text)
    return element


def _link(parent: ET.Element, relation: str, address: str, media_type: str) -> None:
    values = {"rel": relation, "href": _legal(address), "type": media_type}
    ET.SubElement(parent, "link", values)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
