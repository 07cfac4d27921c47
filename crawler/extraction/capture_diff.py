"""How deep the difference between two captures of an address goes: bytes, what the page prints, or the article."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.model.exchange import Location
from archive.segments.lookup import RecordError, read_at
from crawler.extraction.extract import extract
from crawler.model.outlet import OutletError
from crawler.outlets import outlet_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.page import Printed


class Level(StrEnum):
    """What differs from the capture before at the same address, the deepest that does.

    ``payload``: the bytes as served, but the page prints the same. ``document``: what the page
    prints in the article's frame, widgets included (`pipelines.page.Printed`), but the article's
    normalised fields are the same. ``article``: those too, so it shows another revision.
    ``unknown``: the records that would tell can't be read.
    """

    SAME = "same"
    PAYLOAD = "payload"
    DOCUMENT = "document"
    ARTICLE = "article"
    UNKNOWN = "unknown"


def levels(captures: Sequence[dict[str, Any]], folder: str) -> list[str]:
    """The level of each capture of one article, in order; ``""`` for the first of an address and for one without it.

    Records are read again, but only where neither digest nor revision decides.
    """
    reader = _Reader(captures, folder)
    before: dict[str, dict[str, Any]] = {}
    found: list[str] = []
    for capture in captures:
        if capture["revision_id"] is None:
            found.append("")
            continue
        last, before[capture["url"]] = before.get(capture["url"]), capture
        found.append(str(reader.compare(last, capture)) if last is not None else "")
    return found


class _Reader:
    def __init__(self, captures: Sequence[dict[str, Any]], folder: str) -> None:
        self._folder = folder
        # A revisit holds no payload: its bytes are those of the record with its digest.
        self._whole = {
            row["payload_digest"]: row for row in captures if row["record_type"] != "revisit"
        }
        self._printed: dict[str, Printed | None] = {}

    def compare(self, old: dict[str, Any], new: dict[str, Any]) -> Level:
        if old["revision_id"] != new["revision_id"]:
            return Level.ARTICLE
        if old["payload_digest"] == new["payload_digest"]:
            return Level.SAME
        pages = [self._page(row["payload_digest"]) for row in (old, new)]
        if None in pages:
            return Level.UNKNOWN
        return Level.PAYLOAD if pages[0] == pages[1] else Level.DOCUMENT

    def _page(self, digest: str) -> Printed | None:
        if digest not in self._printed:
            self._printed[digest] = self._read(self._whole.get(digest))
        return self._printed[digest]

    def _read(self, row: dict[str, Any] | None) -> Printed | None:
        if row is None:
            return None
        place = Location(
            row["warc_file"],
            row["warc_offset"],
            row["warc_length"],
            row["record_id"],
            row["payload_digest"],
        )
        try:
            exchange = read_at(self._folder, place).exchange
            return (
                extract(exchange, outlet_named(row["outlet"])).printed
                if exchange is not None
                else None
            )
        except (RecordError, OutletError):
            return None
