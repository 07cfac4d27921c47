"""The block of a `warcinfo` record: named fields that describe the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.verify.warc_file.findings import Rule
from archive.warc.deviations import Deviation, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.warc.record_header import HeaderFields

_LINE = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+:.*|[ \t].*")


def check_info(fields: HeaderFields, text: str) -> Iterator[Deviation]:
    """Yield what is wrong with the block ``text`` of a `warcinfo`."""
    media_type = fields["content-type"].partition(";")[0].strip().lower()
    if media_type != "application/warc-fields":
        sentence = "A warcinfo is not application/warc-fields."
        yield Deviation(Rule.CONTENT_TYPE, sentence, Level.UNUSUAL)
        return
    for line in text.replace("\r\n", "\n").split("\n"):
        if line and not _LINE.fullmatch(line):
            sentence = f"This line of the warcinfo is not a named field: {line[:80]!r}."
            yield Deviation(Rule.INFO, sentence, Level.UNUSUAL)
            return


def is_ours(text: str) -> bool:
    """Return whether the block of a `warcinfo` names this project as the file's writer."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "software":
            return value.strip().startswith("Sacho/")
    return False
