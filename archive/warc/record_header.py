"""The header of a WARC record (ISO 28500 section 4): its fields and its deviations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.model.outcome import Reason
from archive.warc.deviations import Deviation, FormatRule, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A WARC record's first line, as a place to start reading from.
VERSION_LINE = re.compile(rb"WARC/(\d+\.\d+)[ \t]*\r?\n")
_EXACT_VERSION_LINE = re.compile(rb"WARC/\d+\.\d+\r\n")
#: Fields whose value is a URI; record ids are always in angle brackets, target URIs only in some
#: files of WARC/1.0.
_URI_FIELDS = (
    "warc-record-id",
    "warc-target-uri",
    "warc-warcinfo-id",
    "warc-concurrent-to",
    "warc-refers-to",
    "warc-refers-to-target-uri",
    "warc-segment-origin-id",
    "x-archive-original-record-id",
)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: A header without any deviation of form, recognised in one pass; it may still repeat a field.
_PLAIN = re.compile(rb"WARC/1\.[01]\r\n(?:[A-Za-z0-9\-]+: ?[!-~](?:[ -~]*[!-~])?\r\n)+\r\n")
#: How a line begins that continues the field of the line before.
_FOLDS = (" ", "\t")
#: The lines of a header that hold no field: the first, the blank one, and what is behind its end.
_OTHER_LINES = 3
#: Most names remembered: a damaged file may hold any number.
_MAX_FIELD_NAMES = 1000
#: The only field of ISO 28500 that may be repeated (section 5.7); it says nothing of other fields.
_REPEATABLE = frozenset({"warc-concurrent-to"})
#: The fields of ISO 28500 section 5.
STANDARD_FIELDS = frozenset(
    {
        "warc-type",
        "warc-record-id",
        "warc-date",
        "content-length",
        "content-type",
        "warc-concurrent-to",
        "warc-block-digest",
        "warc-payload-digest",
        "warc-ip-address",
        "warc-refers-to",
        "warc-refers-to-target-uri",
        "warc-refers-to-date",
        "warc-target-uri",
        "warc-truncated",
        "warc-warcinfo-id",
        "warc-filename",
        "warc-profile",
        "warc-identified-payload-type",
        "warc-segment-number",
        "warc-segment-origin-id",
        "warc-segment-total-length",
    }
)


class MalformedRecordError(Exception):
    """A record cannot be used; ``sentence`` says why to a person."""

    def __init__(
        self, reason: Reason, sentence: str, rule: FormatRule = FormatRule.GRAMMAR
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.rule = rule


#: Field names in lower case by the names as written: a look-up is faster than `str.lower`.
_NAMES: dict[str, str] = {}


class HeaderFields(dict[str, str]):
    """The named fields of a record: names in lower case, the first value of repeated ones.

    ``fields[name]`` is ``""`` for a missing field. URIs have no angle brackets around them.
    """

    __slots__ = ("_lines", "_written")
    _lines: list[str]
    _written: dict[str, str]

    @classmethod
    def from_lines(cls, lines: list[str]) -> HeaderFields:
        """Return the fields of a header's lines, the first of which states the version.

        Lines without a colon are ignored, folded lines joined.
        """
        # A plain dictionary first: storing into this class takes twice as long.
        written = _values_by_name(lines)
        if written is None:
            lines = _unfolded(lines)
            written = _values_by_name(lines)
            assert written is not None, "none of the lines joined begins with a blank"
        fields = cls(written)
        for name in _URI_FIELDS:
            if name in written and written[name][:1] == "<":
                fields[name] = without_brackets(written[name])
        fields._lines, fields._written = lines, written
        return fields

    @property
    def version(self) -> str:
        """The WARC version (``1.1``)."""
        return self._lines[0].partition("/")[2].strip()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All fields in order, repeated ones too, values as written."""
        if len(self._lines) - _OTHER_LINES == len(self._written):  # none is repeated
            return list(reversed(self._written.items()))
        parts = [line.partition(":") for line in self._lines[1:]]
        return [(_lower(name), value.strip()) for name, colon, value in parts if colon]

    def __missing__(self, name: str) -> str:
        return ""

    def __reduce__(self) -> tuple[Callable[[list[str]], HeaderFields], tuple[list[str]]]:
        return HeaderFields.from_lines, (self._lines,)


def without_brackets(uri: str) -> str:
    """Return a URI without the angle brackets that WARC puts around record ids."""
    return uri[1:-1] if uri[:1] == "<" and uri[-1:] == ">" else uri


def parse_header(header: bytes) -> HeaderFields:
    """Return the fields of a header; lines without a colon are ignored, folded lines joined.

    :raises MalformedRecordError: the first line is not a WARC version.
    """
    if not VERSION_LINE.match(header):
        sentence = "The record does not begin with a WARC version."
        raise MalformedRecordError(Reason.BAD_RECORD, sentence, FormatRule.VERSION)
    return HeaderFields.from_lines(header.decode("utf-8", "replace").split("\n"))


def _values_by_name(lines: list[str]) -> dict[str, str] | None:
    """Return the first value of each field, None if a line continues the field of the line before.

    This takes up a tenth of the time of reading a file, so the usual line is looked at once.
    """
    values: dict[str, str] = {}
    known = _NAMES
    for line in lines[:0:-1]:
        written, colon, value = line.partition(":")
        name = known.get(written) if colon else None
        if name is None:
            if line[:1] in _FOLDS:
                return None
            if not colon:
                continue
            name = _lower(written)
        values[name] = value.strip()
    return values


def _lower(written: str) -> str:
    """Return a field's name in lower case, and remember it. None that is remembered is a fold's."""
    name = written.rstrip().lower()
    if len(_NAMES) < _MAX_FIELD_NAMES and written[:1] not in _FOLDS:
        _NAMES[written] = name
    return name


def _unfolded(lines: list[str]) -> list[str]:
    """Return the lines, those joined of which the second begins with a blank; but for the first."""
    joined: list[str] = []
    for line in lines:
        if line[:1] in _FOLDS and joined:
            joined[-1] = f"{joined[-1].rstrip()} {line.strip()}".lstrip(" \t")
        else:
            joined.append(line)
    return joined


def block_length(fields: HeaderFields) -> int:
    """Return Content-Length.

    :raises MalformedRecordError: it is missing or not a number.
    """
    text = fields.get("content-length", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        sentence = f"The record's Content-Length is {text[:40]!r}."
        raise MalformedRecordError(Reason.BAD_RECORD, sentence, FormatRule.LENGTH)
    return int(text)


def header_deviations(header: bytes, fields: HeaderFields) -> Iterator[Deviation]:
    """Yield every way in which a header, its blank line included, breaks the grammar."""
    if not _PLAIN.fullmatch(header):
        yield from _form_deviations(header)
        for line in header.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")[1:]:
            yield from _line_deviations(line)
    pairs = fields.pairs
    if len(fields) < len(pairs):
        yield from _repeated(pairs)


def _form_deviations(header: bytes) -> Iterator[Deviation]:
    if not _EXACT_VERSION_LINE.match(header):
        yield Deviation(
            FormatRule.VERSION, "The record's first line is not a WARC version.", Level.WRONG
        )
    if header.count(b"\n") != header.count(b"\r\n"):
        yield _grammar("A line of the header does not end with CR LF.")
    if not header.endswith(b"\n\r\n"):
        yield _grammar("The header does not end with an empty line.")
    try:
        header.decode("utf-8")
    except UnicodeDecodeError:
        yield _grammar("The header is not UTF-8.")


def _line_deviations(line: str) -> Iterator[Deviation]:
    if not line:
        return
    if line[0] in " \t":
        yield _grammar("A field is folded over several lines.", Level.UNUSUAL)
        return
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        yield _grammar(f"This is not a named field: {line[:80]!r}.")
    if _CONTROLS.search(value):
        yield _grammar(f"The field {name[:40].strip()} holds a control character.")
    if colon and not value.strip():
        yield _grammar(f"The field {name[:40].strip()} is empty.", Level.UNUSUAL)


def _grammar(sentence: str, level: Level = Level.WRONG) -> Deviation:
    return Deviation(FormatRule.GRAMMAR, sentence, level)


def _repeated(pairs: list[tuple[str, str]]) -> Iterator[Deviation]:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen and name not in _REPEATABLE:
            level = Level.WRONG if name in STANDARD_FIELDS else Level.UNUSUAL
            yield Deviation(FormatRule.REPEATED, f"The field {name[:40]} is repeated.", level)
        seen.add(name)
