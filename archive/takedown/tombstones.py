"""Tombstones: `metadata` records in place of removed ones, which say what lay there and why it went."""

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

#: Their media type, by which they are known.
MEDIA_TYPE = "application/vnd.sacho.removal+json"


def tombstone(
    removal: Takedown, gone: RemovedRecord, companions: Sequence[str], warcinfo_id: str
) -> bytes:
    """The record in place of a removed one and its ``companions`` (its request), whose ids it keeps.

    It is filed under the removed record's id: under the article's address, players would show it as
    the page. The address is not in it, which may hold the headline.
    """
    said = {
        "removed": {
            "record_id": gone.record_id,
            "type": gone.type,
            "date": gone.date,
            "payload_digest": gone.payload_digest,
            "with": list(companions),
            "showed_the_article": gone.shows,
        },
        "outlet": removal.outlet,
        "article_id": removal.article_id,
        "names": list(removal.names),
        "reason": removal.reason,
        "by": removal.by,
        "at": removal.at.astimezone(UTC).isoformat(),
    }
    block = json.dumps(said, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    own = uuid.uuid5(uuid.NAMESPACE_URL, gone.record_id).urn  # made again, it is the same
    return warc.metadata(
        own, removal.at, gone.record_id, block, media_type=MEDIA_TYPE, warcinfo_id=warcinfo_id
    )


def is_tombstone(kind: str, media_type: str) -> bool:
    """Whether a record of this type and Content-Type is one."""
    return kind == "metadata" and media_type == MEDIA_TYPE


def read_tombstone(found: Record) -> Takedown | None:
    """The removal that a record tells of, with the one record that it stands for; None where it is no tombstone."""
    if not is_tombstone(found.kind, found.fields.get("content-type", "")):
        return None
    try:
        said: dict[str, Any] = json.loads(found.block)
        record = said["removed"]
        gone = RemovedRecord(
            str(record["record_id"]),
            str(record["type"]),
            str(record["date"]),
            str(record["payload_digest"]),
            "",
            0,
            bool(record["showed_the_article"]),
        )
        return Takedown(
            str(said["outlet"]),
            str(said["article_id"]),
            tuple(map(str, said["names"])),
            (gone,),
            str(said["reason"]),
            str(said["by"]),
            datetime.fromisoformat(said["at"]),
            done=True,
        )
    except (ValueError, KeyError, TypeError):
        return None
