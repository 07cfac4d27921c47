"""What a `warcinfo` record says of the file it begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.verify.warc_file.findings import Level, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.block import Block
    from archive.verify.warc_file.findings import Deviation
    from archive.verify.warc_file.header import Fields

_LINE = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+:.*|[ \t].*")


def check_info(fields: Fields, block: Block) -> Iterator[Deviation]:
    """What is wrong with the block of a `warcinfo`."""
    if fields.get("content-type").partition(";")[0].strip().lower() != "application/warc-fields":
        yield Rule.CONTENT_TYPE, "A warcinfo is not application/warc-fields.", Level.UNUSUAL
        return
    for line in block.text.replace("\r\n", "\n").split("\n"):
        if line and not _LINE.fullmatch(line):
            yield (
                Rule.INFO,
                f"This line of the warcinfo is no named field: {line[:80]!r}.",
                Level.UNUSUAL,
            )
            return


def info_fields(text: str) -> dict[str, str]:
    """The named fields of a `warcinfo` block, names in lower case."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
