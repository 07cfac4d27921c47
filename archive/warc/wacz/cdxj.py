"""CDXJ: one line per capture, by which replay tools find its record; gzipped in blocks for WACZ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archive.model.exchange import digest
from archive.warc.compression.gzip_member import member
from archive.warc.wacz.surt import url_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

#: Lines in one gzip member: what a player fetches to find one capture (wacz and cdxj-indexer take
#: as many).
_LINES = 1024


#: The format of the 14 digits of CDX files, which are in UTC.
TIMESTAMP = "%Y%m%d%H%M%S"


def timestamp(moment: datetime) -> str:
    """Return a UTC time as the 14 digits of CDX files."""
    return moment.strftime(TIMESTAMP)


def line(
    *,
    url: str,
    moment: str,
    kind: str,
    media_type: str,
    status: int | None,
    digest: str,
    file: str,
    offset: int,
    length: int,
) -> str:
    """Return the line of one capture; ``moment`` is a `timestamp`, ``kind`` the record's type."""
    media_type = (
        "warc/revisit" if kind == "revisit" else media_type.partition(";")[0].strip().lower()
    )
    values = {
        "url": url,
        "mime": media_type,
        "status": str(status) if status is not None else "",
        "digest": digest,
        "length": str(length),
        "offset": str(offset),
        "filename": file,
    }
    stated = {name: value for name, value in values.items() if value}
    return f"{url_key(url)} {moment} {json.dumps(stated)}"


def packed(lines: Iterable[str], name: str) -> Iterator[tuple[bytes, str]]:
    """Yield sorted lines as gzip members, each with its line of the second index (``.idx``).

    ``name`` is the file that the members are written to, one behind the other.
    """
    offset = 0
    for block in _blocks(lines):
        data = member("".join(f"{one}\n" for one in block).encode("ascii"))
        place = {"offset": offset, "length": len(data), "digest": digest(data), "filename": name}
        key = " ".join(block[0].split(" ", 2)[:2])
        yield data, f"{key} {json.dumps(place)}\n"
        offset += len(data)


def packed_head(name: str) -> str:
    """Return the second index's first line."""
    return "!meta 0 " + json.dumps({"format": "cdxj-gzip-1.0", "filename": name}) + "\n"


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for one in lines:
        block.append(one)
        if len(block) == _LINES:
            yield block
            block = []
    if block:
        yield block
