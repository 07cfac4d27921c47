"""Compare two captures of an address: by payload, by what the page prints, by the article."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from archive.segments.lookup import RecordError, read_at
from crawler.extraction.judge import read_capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.captures.rows import StoredCapture
    from archive.segments.store import StoreOrFolder
    from pipelines.page import Printed


class Level(StrEnum):
    """The deepest difference between a capture and the previous one of the same address.

    ``payload``: the bytes differ, but the page prints the same. ``document``: the page prints
    something else in the article's frame, widgets included (`pipelines.page.Printed`), but the
    article's normalised fields are equal. ``article``: they differ too, so the capture shows
    another revision. ``unknown``: the records needed to decide cannot be read.
    """

    SAME = "same"
    PAYLOAD = "payload"
    DOCUMENT = "document"
    ARTICLE = "article"
    UNKNOWN = "unknown"


def levels(captures: Sequence[StoredCapture], archive: StoreOrFolder) -> list[str]:
    """Return the level of each capture of one article, in order.

    It is ``""`` for the first capture of an address and for a capture without a revision. Records
    in the archive are read only where neither digest nor revision decides.
    """
    comparison = _Comparison(captures, archive)
    previous: dict[str, StoredCapture] = {}
    found: list[str] = []
    for capture in captures:
        if capture.revision_id is None:
            found.append("")
            continue
        last = previous.get(capture.url)
        previous[capture.url] = capture
        found.append("" if last is None else str(comparison.level(last, capture)))
    return found


class _Comparison:
    """Captures of one article, compared in pairs; each payload is read once at most."""

    def __init__(self, captures: Sequence[StoredCapture], archive: StoreOrFolder) -> None:
        self._archive = archive
        # A revisit holds no payload: its bytes are those of the record with its digest.
        self._with_payload = {
            capture.location.payload_digest: capture
            for capture in captures
            if capture.record_type != "revisit"
        }
        self._printed: dict[str, Printed | None] = {}

    def level(self, old: StoredCapture, new: StoredCapture) -> Level:
        if old.revision_id != new.revision_id:
            return Level.ARTICLE
        if old.location.payload_digest == new.location.payload_digest:
            return Level.SAME
        before = self._printed_by(old.location.payload_digest)
        after = self._printed_by(new.location.payload_digest)
        if before is None or after is None:
            return Level.UNKNOWN
        if before == after:
            return Level.PAYLOAD
        return Level.DOCUMENT

    def _printed_by(self, digest: str) -> Printed | None:
        if digest not in self._printed:
            self._printed[digest] = self._read(self._with_payload.get(digest))
        return self._printed[digest]

    def _read(self, capture: StoredCapture | None) -> Printed | None:
        """Return what the page of a capture prints; None if its record cannot be read."""
        if capture is None:
            return None
        try:
            record = read_at(self._archive, capture.location)
        except RecordError:
            return None
        return read_capture(record, outlet=capture.outlet).printed
