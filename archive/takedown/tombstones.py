"""Tombstones: `metadata` records in place of removed ones, with what lay there and why it went."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from archive.takedown.log import RemovedRecord, Takedown
from archive.warc import record_writer as warc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.warc.record_parser import Record

#: The media type by which tombstones are recognised.
MEDIA_TYPE = "application/vnd.sacho.removal+json"


def tombstone(
    takedown: Takedown, removed: RemovedRecord, companions: Sequence[str], warcinfo_id: str
) -> bytes:
    """Return the record in place of a removed one and its ``companions`` (its request), as bytes.

    Its target URI is the removed record's id: players would show it as the page under the article's
    URL, which it does not hold either, because that may contain the headline.
    """
    content = {
        "removed": {
            "record_id": removed.record_id,
            "type": removed.type,
            "date": removed.date,
            "payload_digest": removed.payload_digest,
            "with": list(companions),
            "showed_the_article": removed.shows,
        },
        "outlet": takedown.outlet,
        "article_id": takedown.article_id,
        "names": list(takedown.names),
        "reason": takedown.reason,
        "by": takedown.by,
        "at": takedown.at.astimezone(UTC).isoformat(),
    }
    block = json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    own = uuid.uuid5(uuid.NAMESPACE_URL, removed.record_id).urn  # the same if it is written again
    return warc.metadata(
        own, takedown.at, removed.record_id, block, media_type=MEDIA_TYPE, warcinfo_id=warcinfo_id
    )


def is_tombstone(kind: str, media_type: str) -> bool:
    """Return whether a record of this type and Content-Type is a tombstone."""
    return kind == "metadata" and media_type == MEDIA_TYPE


def read_tombstone(found: Record) -> Takedown | None:
    """Return the take-down that a tombstone describes, or None if the record is not a tombstone."""
    if not is_tombstone(found.kind, found.fields["content-type"]):
        return None
    try:
        content: dict[str, Any] = json.loads(found.block)
        record = content["removed"]
        removed = RemovedRecord(
            str(record["record_id"]),
            str(record["type"]),
            str(record["date"]),
            str(record["payload_digest"]),
            "",
            0,
            bool(record["showed_the_article"]),
        )
        return Takedown(
            str(content["outlet"]),
            str(content["article_id"]),
            tuple(map(str, content["names"])),
            (removed,),
            str(content["reason"]),
            str(content["by"]),
            datetime.fromisoformat(content["at"]),
            done=True,
        )
    except (ValueError, KeyError, TypeError):
        return None
