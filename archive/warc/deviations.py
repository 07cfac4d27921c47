"""How a record may deviate from ISO 28500: the rule, a sentence, and the level."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class FormatRule(StrEnum):
    """A rule of the file format that reading a file may find broken."""

    NOT_A_WARC = "not_a_warc"
    GZIP = "gzip"
    BOMB = "bomb"
    GIVEN_UP = "given_up"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    JUNK = "junk"
    VERSION = "version"
    GRAMMAR = "grammar"
    REPEATED = "repeated_field"
    LENGTH = "content_length"
    CLOSING = "closing"


class Level(StrEnum):
    """How much a deviation weighs.

    ``wrong`` is an error in any file. ``unusual`` is legal, but not as this project writes: an
    error in a file of its own, a note in others'. ``noted`` is a note in both. ``suspect`` may be
    damage in others' files, and is a note in our own, which holds what was served as it was.
    """

    WRONG = "wrong"
    SUSPECT = "suspect"
    UNUSUAL = "unusual"
    NOTED = "noted"


class Deviation(NamedTuple):
    """One deviation of a record; ``rule`` is the value of a `FormatRule` or of verify's `Rule`."""

    rule: str
    sentence: str
    level: Level
