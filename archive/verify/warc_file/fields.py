"""The fields that each record type needs or forbids, and their values (ISO 28500, 5 and 6)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from archive.verify.warc_file.findings import Rule
from archive.warc.dates import parse_standard_date
from archive.warc.deviations import Deviation, Level
from archive.warc.digests import SIZES
from archive.warc.record_header import STANDARD_FIELDS, without_brackets
from archive.warc.record_parser import RECORD_TYPES, is_damaged_type
from archive.warc.record_writer import (
    IDENTICAL,
    NOT_MODIFIED,
    OWN_FIELDS,
    TRUNCATIONS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archive.warc.record_header import HeaderFields

_ALWAYS = ("warc-type", "warc-record-id", "warc-date", "content-length")
_FILED = frozenset({"response", "resource", "request", "revisit", "conversion", "continuation"})
_NEEDED = dict.fromkeys(_FILED, ("warc-target-uri",)) | {
    "revisit": ("warc-target-uri", "warc-profile"),
    "continuation": ("warc-target-uri", "warc-segment-number", "warc-segment-origin-id"),
}
#: The only record types that may have a field.
_ONLY = {
    "warc-target-uri": _FILED | {"metadata"},
    "warc-concurrent-to": frozenset({"request", "response", "resource", "metadata", "revisit"}),
    "warc-refers-to": frozenset({"metadata", "revisit", "conversion"}),
    "warc-refers-to-target-uri": frozenset({"revisit"}),
    "warc-refers-to-date": frozenset({"revisit"}),
    "warc-ip-address": frozenset({"request", "response", "resource", "metadata", "revisit"}),
    "warc-warcinfo-id": RECORD_TYPES - {"warcinfo"},
    "warc-filename": frozenset({"warcinfo"}),
    "warc-profile": frozenset({"revisit"}),
    "warc-segment-origin-id": frozenset({"continuation"}),
    "warc-segment-total-length": frozenset({"continuation"}),
}
#: Records without a payload of their own; warcio gives `metadata` a payload digest nevertheless.
_NO_PAYLOAD = frozenset({"warcinfo", "metadata"})
#: With the fields of our own records: this project never wrote any other.
_OURS = STANDARD_FIELDS | {name.lower() for name in OWN_FIELDS}
_IDS = (
    "warc-record-id",
    "warc-concurrent-to",
    "warc-refers-to",
    "warc-warcinfo-id",
    "warc-segment-origin-id",
)
_URIS = ("warc-target-uri", "warc-refers-to-target-uri")
_DATES = ("warc-date", "warc-refers-to-date")
_PROFILES = frozenset(
    {IDENTICAL, NOT_MODIFIED} | {p.replace("/1.1/", "/1.0/") for p in (IDENTICAL, NOT_MODIFIED)}
)

_BRACKETED = re.compile(r"<[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\x00-\x20\x7f]+>")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20\x7f]+")
_STRICT_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[!-;=?-~]+")
_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.A)
_MEDIA_TYPE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+/[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(;.*)?")
_NUMBER = re.compile(r"\d{1,18}", re.A)
_DIGEST = re.compile(r"([A-Za-z0-9_\-/]+):([A-Za-z0-9+/=_\-]+)")
#: Algorithms whose names are one character from another's.
_NEIGHBOURS = frozenset({"md2", "md4", "md6", "sha3"})
_DRAFTS = frozenset({"0.16", "0.17", "0.18"})


def check_fields(fields: HeaderFields) -> Iterator[Deviation]:
    """Yield each deviation of the record's fields from what its type requires."""
    kind = fields["warc-type"]
    version = fields.version
    yield from _check_version(version)
    yield from _check_needed(fields, kind)
    if kind and kind not in RECORD_TYPES:
        sentence = f"WARC-Type {kind[:40]!r} is not a type of ISO 28500."
        level = Level.WRONG if is_damaged_type(kind.lower()) else Level.UNUSUAL
        yield Deviation(Rule.TYPE, sentence, level)
    else:
        yield from _check_names(fields, kind)
        yield from _check_presence(fields, kind)
    for name, value in fields.pairs:
        check = _VALUE_CHECKS.get(name)
        deviation = check(version, name, value) if check is not None and value else None
        if deviation is not None:
            yield deviation
    if kind == "revisit":
        yield from _check_profile(fields)
    yield from _check_segment(fields, kind)


def _check_version(version: str) -> Iterator[Deviation]:
    if version and version != "1.1":
        is_known = version in _DRAFTS or version == "1.0"
        level = Level.UNUSUAL if is_known else Level.WRONG
        sentence = f"The record is of WARC/{version[:10]}, not 1.1."
        yield Deviation(Rule.VERSION, sentence, level)


def _check_needed(fields: HeaderFields, kind: str) -> Iterator[Deviation]:
    for name in (*_ALWAYS, *_NEEDED.get(kind, ())):
        if not fields[name]:
            sentence = f"A {kind[:40] or 'record'} needs {_title(name)}, which is missing."
            yield Deviation(Rule.MISSING, sentence, Level.WRONG)


def _check_names(fields: HeaderFields, kind: str) -> Iterator[Deviation]:
    for name in fields:
        only = _ONLY.get(name)
        if only is not None and kind not in only:
            # Profiles are undefined elsewhere, not forbidden.
            level = Level.UNUSUAL if name == "warc-profile" else Level.WRONG
            yield Deviation(Rule.FORBIDDEN, f"A {kind} may not have {_title(name)}.", level)
        elif name not in _OURS:
            sentence = f"{_title(name)[:80]} is not a field of ISO 28500."
            yield Deviation(Rule.UNKNOWN, sentence, Level.UNUSUAL)


def _check_presence(fields: HeaderFields, kind: str) -> Iterator[Deviation]:
    if kind in _NO_PAYLOAD and fields["warc-payload-digest"]:
        sentence = f"A {kind} has no payload, and so no payload digest."
        yield Deviation(Rule.FORBIDDEN, sentence, Level.UNUSUAL)
    has_block = fields["content-length"] != "0"
    if has_block and not fields["content-type"] and kind != "continuation":
        sentence = "The record does not state the Content-Type of its block."
        yield Deviation(Rule.CONTENT_TYPE, sentence, Level.UNUSUAL)


def _check_id(_version: str, name: str, value: str) -> Deviation | None:
    if not _BRACKETED.fullmatch(value):
        sentence = f"{_title(name)} {value[:80]!r} is not a URI in angle brackets."
        return Deviation(Rule.RECORD_ID, sentence, Level.WRONG)
    return None


def _check_uri(version: str, name: str, value: str) -> Deviation | None:
    # WARC/1.0 had URIs in brackets by its grammar, and without in its examples: both are written.
    bare = value if version == "1.1" else without_brackets(value)
    if not _URI.fullmatch(bare):
        sentence = f"{_title(name)} {value[:80]!r} is not an absolute URI."
        return Deviation(Rule.URI, sentence, Level.WRONG)
    if not _STRICT_URI.fullmatch(bare):
        sentence = f"{_title(name)} {value[:80]!r} has characters that no URI may have."
        return Deviation(Rule.URI, sentence, Level.UNUSUAL)
    return None


def _check_date(version: str, name: str, value: str) -> Deviation | None:
    moment = parse_standard_date(value)
    if moment is None and _is_zero_offset(value):
        sentence = f"{_title(name)} {value[:40]!r} states UTC as an offset, not as Z."
        return Deviation(Rule.DATE, sentence, Level.UNUSUAL)
    if moment is None:
        sentence = f"{_title(name)} {value[:40]!r} is not a date of ISO 28500."
        return Deviation(Rule.DATE, sentence, Level.WRONG)
    if version != "1.1" and not _SECONDS.fullmatch(value):
        sentence = f"{_title(name)} {value[:40]!r} is not to the second, as WARC/1.0 demands."
        return Deviation(Rule.DATE, sentence, Level.NOTED)
    if moment > datetime.now(UTC) + timedelta(days=2):
        sentence = f"{_title(name)} {value[:40]!r} is in the future."
        return Deviation(Rule.DATE, sentence, Level.UNUSUAL)
    return None


def _is_zero_offset(value: str) -> bool:
    """Return whether it is a date of ISO 28500 but for an offset of no hours in place of Z."""
    return any(
        value.endswith(zero) and parse_standard_date(value.removesuffix(zero) + "Z") is not None
        for zero in ("+00:00", "-00:00", "+0000")
    )


def _check_address(_version: str, _name: str, value: str) -> Deviation | None:
    if not _is_address(value):
        sentence = f"WARC-IP-Address {value[:80]!r} is not an IP address."
        return Deviation(Rule.ADDRESS, sentence, Level.WRONG)
    return None


def _check_length(_version: str, _name: str, value: str) -> Deviation | None:
    if not _NUMBER.fullmatch(value):
        sentence = f"Content-Length {value[:40]!r} is not a number of bytes."
        return Deviation(Rule.LENGTH, sentence, Level.WRONG)
    return None


def _check_media_type(_version: str, _name: str, value: str) -> Deviation | None:
    if not _MEDIA_TYPE.fullmatch(value):
        sentence = f"Content-Type {value[:80]!r} is not a media type."
        return Deviation(Rule.CONTENT_TYPE, sentence, Level.UNUSUAL)
    return None


def _check_truncation(_version: str, _name: str, value: str) -> Deviation | None:
    if value not in TRUNCATIONS:
        sentence = f"WARC-Truncated {value[:40]!r} is not a known reason."
        return Deviation(Rule.TRUNCATION, sentence, Level.UNUSUAL)
    return None


def _check_digest(_version: str, name: str, value: str) -> Deviation | None:
    parts = _DIGEST.fullmatch(value)
    if parts is None:
        sentence = f"{_title(name)} {value[:80]!r} is not a labelled digest."
        return Deviation(Rule.DIGEST_FORM, sentence, Level.WRONG)
    algorithm = parts[1].lower().replace("-", "")
    if algorithm not in SIZES:
        level = Level.WRONG if _is_damaged_name(algorithm) else Level.UNUSUAL
        sentence = f"{_title(name)} is of the unknown algorithm {parts[1][:40]!r}."
        return Deviation(Rule.DIGEST_FORM, sentence, level)
    if len(parts[2]) not in _digest_lengths(SIZES[algorithm]):
        sentence = f"{_title(name)} {value[:80]!r} has the wrong length for {algorithm}."
        return Deviation(Rule.DIGEST_FORM, sentence, Level.WRONG)
    return None


def _is_damaged_name(algorithm: str) -> bool:
    """Return whether a name is that of a known algorithm but for one character.

    ISO 28500 section 5.8 allows for any algorithm.
    """
    if algorithm in _NEIGHBOURS:
        return False
    return any(
        len(algorithm) == len(known)
        and sum(one != other for one, other in zip(algorithm, known, strict=True)) == 1
        for known in SIZES
    )


@lru_cache
def _digest_lengths(size: int) -> set[int]:
    """Return the lengths of a digest of so many bytes in hex, Base32 and Base64."""
    base32 = {-(-size * 8 // 5), -(-size * 8 // 40) * 8}
    base64 = {-(-size * 8 // 6), -(-size // 3) * 4}
    return {size * 2} | base32 | base64


#: Called with the WARC version, the field's name and its value.
_VALUE_CHECKS: dict[str, Callable[[str, str, str], Deviation | None]] = {
    **dict.fromkeys(_IDS, _check_id),
    **dict.fromkeys(_URIS, _check_uri),
    **dict.fromkeys(_DATES, _check_date),
    **dict.fromkeys(("warc-block-digest", "warc-payload-digest"), _check_digest),
    "warc-ip-address": _check_address,
    "content-length": _check_length,
    "content-type": _check_media_type,
    "warc-truncated": _check_truncation,
}


def _check_profile(fields: HeaderFields) -> Iterator[Deviation]:
    profile = fields["warc-profile"]
    if profile and profile not in _PROFILES:
        level = Level.UNUSUAL if _URI.fullmatch(profile) else Level.WRONG
        sentence = f"WARC-Profile {profile[:120]!r} is not a profile of ISO 28500."
        yield Deviation(Rule.PROFILE, sentence, level)
    if "identical-payload-digest" in profile and not fields["warc-payload-digest"]:
        sentence = "A revisit by payload digest needs WARC-Payload-Digest, which is missing."
        yield Deviation(Rule.MISSING, sentence, Level.WRONG)


def _check_segment(fields: HeaderFields, kind: str) -> Iterator[Deviation]:
    number = fields["warc-segment-number"]
    if number and not _is_segment_number(number, kind):
        sentence = f"WARC-Segment-Number {number[:40]!r} is not valid in a {kind[:40]}."
        yield Deviation(Rule.SEGMENT, sentence, Level.WRONG)
    length = fields["warc-segment-total-length"]
    if length and not _NUMBER.fullmatch(length):
        sentence = f"WARC-Segment-Total-Length {length[:40]!r} is not a number of bytes."
        yield Deviation(Rule.SEGMENT, sentence, Level.WRONG)


def _is_segment_number(number: str, kind: str) -> bool:
    """Return whether it is 1 for the first part of a document, more for a continuation."""
    if not _NUMBER.fullmatch(number) or int(number) == 0:
        return False
    return (int(number) == 1) != (kind == "continuation")


@lru_cache(maxsize=1024)
def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _title(name: str) -> str:
    """Return a field's name as ISO 28500 writes it."""
    words = {"warc": "WARC", "uri": "URI", "id": "ID", "ip": "IP"}
    return "-".join(words.get(word, word.capitalize()) for word in name.split("-"))
