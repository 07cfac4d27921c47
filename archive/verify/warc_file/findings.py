"""What `verify` can find: a closed set of rules, and the frozen value that each finding is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """The rule that a finding breaks; its value is the word that is printed."""

    # the file
    UNREADABLE = "unreadable"
    NOT_A_WARC = "not_a_warc"
    GZIP = "gzip"
    MEMBER = "member"
    TRUNCATED = "truncated"
    JUNK = "junk"
    BOMB = "bomb"
    GIVEN_UP = "given_up"
    FIRST_RECORD = "first_record"

    # a record
    VERSION = "version"
    GRAMMAR = "grammar"
    REPEATED = "repeated_field"
    MISSING = "missing_field"
    FORBIDDEN = "forbidden_field"
    UNKNOWN = "unknown_field"
    TYPE = "record_type"
    DATE = "date"
    URI = "uri"
    RECORD_ID = "record_id"
    LENGTH = "content_length"
    ADDRESS = "ip_address"
    CONTENT_TYPE = "content_type"
    TRUNCATION = "truncation"
    PROFILE = "profile"
    SEGMENT = "segment_number"
    DIGEST_FORM = "digest_form"
    BLOCK_DIGEST = "block_digest"
    PAYLOAD_DIGEST = "payload_digest"
    CLOSING = "closing"
    HTTP = "http"
    INFO = "warcinfo"

    WITNESS = "witness"

    # between records
    DUPLICATE_ID = "duplicate_id"
    LINK = "link"
    CONCURRENT = "concurrent"
    REVISIT = "revisit"

    # the archive
    FIXITY = "fixity"
    MANIFEST = "manifest"
    MISSING_SEGMENT = "missing_segment"
    LEFT_OPEN = "left_open"
    REMOVAL = "removal"

    # the index
    ROW = "row"
    NO_RECORD = "no_record"
    NO_ROW = "no_row"
    INDEX = "index"
    SEARCH = "search"
    READING = "reading"


class Severity(StrEnum):
    """An ``error`` fails a verification; a ``note`` is legal but unusual, and only counted."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: where, which rule, and a sentence for a person.

    ``file`` is the file's name as it was given, or a table of the index; ``offset`` is -1 where no
    byte can be named, ``record`` the record's id (or a row's), ``""`` where there is none.
    """

    file: str
    offset: int
    record: str
    rule: Rule
    sentence: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}@{self.offset}" if self.offset >= 0 else self.file
        record = f" {self.record}" if self.record else ""
        return f"{place}{record}: {self.rule}: {self.sentence}"
