"""The grammar of a record's head (ISO 28500 §4): what is read of it, and every way in which it is not quite one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.verify.warc_file.findings import Level, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.findings import Deviation

_VERSION = re.compile(rb"WARC/(\d+\.\d+)\r\n")
_LENIENT_VERSION = re.compile(rb"(?i)WARC/(\d+\.\d+)[ \t]*\r?\n")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: A head as all good ones are: found in one pass, with nothing to complain about but what the
#: fields say.
_PLAIN = re.compile(rb"WARC/1\.[01]\r\n(?:[A-Za-z0-9\-]+: ?[!-~](?:[ -~]*[!-~])?\r\n)+\r\n")
#: The only field that may stand more than once (ISO 28500 §5.7).
_REPEATABLE = frozenset({"warc-concurrent-to"})


@dataclass(frozen=True, slots=True)
class Fields:
    """A head's named fields: ``version`` as written, names in lower case; ``first`` of each, and ``all`` in order."""

    version: str
    first: dict[str, str]
    all: list[tuple[str, str]]

    def get(self, name: str) -> str:
        """The first value of the field, ``""`` where there is none."""
        return self.first.get(name, "")


def read_head(head: bytes) -> tuple[Fields, list[Deviation]]:
    """The fields of a head, its blank line included, and what is wrong with its form."""
    if _PLAIN.fullmatch(head):
        lines = head.decode("ascii").split("\r\n")
        pairs = [
            (name.lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines[1:-2])
        ]
        fields = Fields(lines[0][5:], dict(reversed(pairs)), pairs)
        return fields, list(_repeated(pairs)) if len(fields.first) < len(pairs) else []
    return _read_any(head)


def _read_any(head: bytes) -> tuple[Fields, list[Deviation]]:
    found: list[Deviation] = []
    version = _VERSION.match(head) or _LENIENT_VERSION.match(head)
    if not _VERSION.match(head):
        found.append((Rule.VERSION, "The record's first line is not a WARC version.", Level.WRONG))
    if head.count(b"\n") != head.count(b"\r\n"):
        found.append((Rule.GRAMMAR, "A line of the head does not end with CR LF.", Level.WRONG))
    if not head.endswith(b"\n\r\n"):
        found.append((Rule.GRAMMAR, "The head does not end with an empty line.", Level.WRONG))
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        found.append((Rule.GRAMMAR, "The head is not UTF-8.", Level.WRONG))
        text = head.decode("utf-8", "replace")
    pairs: list[tuple[str, str]] = []
    for line in text.replace("\r\n", "\n").split("\n")[1:]:
        if not line:
            continue
        if line[0] in " \t":
            found.append((Rule.GRAMMAR, "A field is folded over several lines.", Level.UNUSUAL))
            if pairs:
                pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            found.append((Rule.GRAMMAR, f"This is no named field: {line[:80]!r}.", Level.WRONG))
            name = name.strip()
        if _CONTROLS.search(value):
            found.append(
                (Rule.GRAMMAR, f"The field {name[:40]} holds a control character.", Level.WRONG)
            )
        if colon:
            pairs.append((name.lower(), value.strip()))
            if not value.strip():
                found.append((Rule.GRAMMAR, f"The field {name[:40]} is empty.", Level.UNUSUAL))
    found += _repeated(pairs)
    fields = Fields(version[1].decode() if version else "", dict(reversed(pairs)), pairs)
    return fields, found


def _repeated(pairs: list[tuple[str, str]]) -> Iterator[Deviation]:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen and name not in _REPEATABLE:
            yield Rule.REPEATED, f"The field {name[:40]} stands there more than once.", Level.WRONG
        seen.add(name)
