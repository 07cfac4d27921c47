"""Which fields a record of each type must and must not have, and what their values look like (ISO 28500 §5, §6)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from archive.verify.warc_file.findings import Level, Rule
from archive.warc.record_parser import KINDS
from archive.warc.record_writer import (
    IDENTICAL,
    NOT_MODIFIED,
    ORIGIN_FIELD,
    OUTLET_FIELD,
    SOURCE_FIELD,
    TIME_FIELD,
    TRUNCATIONS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.findings import Deviation
    from archive.verify.warc_file.header import Fields

_ALWAYS = ("warc-type", "warc-record-id", "warc-date", "content-length")
_FILED = frozenset({"response", "resource", "request", "revisit", "conversion", "continuation"})
_NEEDED = dict.fromkeys(_FILED, ("warc-target-uri",)) | {
    "revisit": ("warc-target-uri", "warc-profile"),
    "continuation": ("warc-target-uri", "warc-segment-number", "warc-segment-origin-id"),
}
#: By field, the only types that may have it.
_ONLY = {
    "warc-target-uri": _FILED | {"metadata"},
    "warc-concurrent-to": frozenset({"request", "response", "resource", "metadata", "revisit"}),
    "warc-refers-to": frozenset({"metadata", "revisit", "conversion"}),
    "warc-refers-to-target-uri": frozenset({"revisit"}),
    "warc-refers-to-date": frozenset({"revisit"}),
    "warc-ip-address": frozenset({"request", "response", "resource", "metadata", "revisit"}),
    "warc-warcinfo-id": KINDS - {"warcinfo"},
    "warc-filename": frozenset({"warcinfo"}),
    "warc-profile": frozenset({"revisit"}),
    "warc-segment-origin-id": frozenset({"continuation"}),
    "warc-segment-total-length": frozenset({"continuation"}),
}
#: Records without a payload of their own; warcio gives `metadata` a payload digest all the same.
_NO_PAYLOAD = frozenset({"warcinfo", "metadata"})
_KNOWN = frozenset(
    {
        *_ALWAYS,
        *_ONLY,
        "warc-segment-number",
        "content-type",
        "warc-block-digest",
        "warc-payload-digest",
    }
    | {"warc-truncated", "warc-identified-payload-type"}
)
#: What our own records have besides: nothing else was ever written by us.
_OURS = _KNOWN | {name.lower() for name in (TIME_FIELD, OUTLET_FIELD, SOURCE_FIELD, ORIGIN_FIELD)}
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
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z)?)?)?", re.A)
_MEDIA_TYPE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+/[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*(;.*)?")
_NUMBER = re.compile(r"\d{1,18}", re.A)
_DIGEST = re.compile(r"([A-Za-z0-9_\-/]+):([A-Za-z0-9+/=_\-]+)")
#: Hex digits, Base32 and Base64 letters of what each algorithm gives.
SIZES = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
#: Algorithms that are found in others' files and not computed here.
_FOREIGN = re.compile(r"(blake[23][a-z0-9]*|xxh?\w*|crc32\w*|sha3\w*|adler32)", re.I)
_DRAFTS = frozenset({"0.16", "0.17", "0.18"})


def check_fields(fields: Fields) -> Iterator[Deviation]:
    """Every way in which the record's fields are not what its type asks for."""
    kind = fields.get("warc-type")
    if fields.version != "1.1":
        draft = fields.version in _DRAFTS or fields.version == "1.0"
        level = Level.UNUSUAL if draft else Level.WRONG
        if fields.version:
            yield Rule.VERSION, f"The record is of WARC/{fields.version[:10]}, not 1.1.", level
    for name in (*_ALWAYS, *_NEEDED.get(kind, ())):
        if not fields.get(name):
            yield (
                Rule.MISSING,
                f"A {kind[:40] or 'record'} needs {_title(name)}, and has none.",
                Level.WRONG,
            )
    if kind and kind not in KINDS:
        yield Rule.TYPE, f"WARC-Type {kind[:40]!r} is none that ISO 28500 knows.", Level.WRONG
    else:
        yield from _places(fields, kind)
    yield from _values(fields)
    if kind == "revisit":
        yield from _profile(fields)
    yield from _segment(fields, kind)


def _places(fields: Fields, kind: str) -> Iterator[Deviation]:
    for name in fields.first:
        only = _ONLY.get(name)
        if only is not None and kind not in only:
            # Profiles are undefined elsewhere, not forbidden.
            level = Level.UNUSUAL if name == "warc-profile" else Level.WRONG
            yield Rule.FORBIDDEN, f"A {kind} may not have {_title(name)}.", level
        elif name not in _OURS:
            yield Rule.UNKNOWN, f"{_title(name)[:80]} is no field of ISO 28500.", Level.UNUSUAL
    if kind in _NO_PAYLOAD and fields.get("warc-payload-digest"):
        yield Rule.FORBIDDEN, f"A {kind} has no payload, and so no payload digest.", Level.UNUSUAL
    if (
        fields.get("content-length") != "0"
        and not fields.get("content-type")
        and kind != "continuation"
    ):
        yield Rule.CONTENT_TYPE, "The record says no Content-Type of its block.", Level.UNUSUAL


def _values(fields: Fields) -> Iterator[Deviation]:
    for name, value in fields.all:
        if not value:
            continue
        if name in _IDS:
            if not _BRACKETED.fullmatch(value):
                yield (
                    Rule.RECORD_ID,
                    f"{_title(name)} {value[:80]!r} is no URI in angle brackets.",
                    Level.WRONG,
                )
        elif name in _URIS:
            # WARC/1.0 had them in brackets by its grammar, and without in its examples: both are
            # written.
            bare = (
                value[1:-1]
                if fields.version != "1.1" and value[:1] == "<" and value[-1:] == ">"
                else value
            )
            if not _URI.fullmatch(bare):
                yield Rule.URI, f"{_title(name)} {value[:80]!r} is no absolute URI.", Level.WRONG
            elif not _STRICT_URI.fullmatch(bare):
                yield (
                    Rule.URI,
                    f"{_title(name)} {value[:80]!r} holds what no URI may.",
                    Level.UNUSUAL,
                )
        elif name in _DATES:
            yield from _date(fields.version, name, value)
        elif name == "warc-ip-address":
            if not _is_address(value):
                yield Rule.ADDRESS, f"WARC-IP-Address {value[:80]!r} is no IP address.", Level.WRONG
        elif name == "content-length":
            if not _NUMBER.fullmatch(value):
                yield (
                    Rule.LENGTH,
                    f"Content-Length {value[:40]!r} is no number of bytes.",
                    Level.WRONG,
                )
        elif name == "content-type":
            if not _MEDIA_TYPE.fullmatch(value):
                yield (
                    Rule.CONTENT_TYPE,
                    f"Content-Type {value[:80]!r} is no media type.",
                    Level.UNUSUAL,
                )
        elif name == "warc-truncated":
            if value not in TRUNCATIONS:
                yield (
                    Rule.TRUNCATION,
                    f"WARC-Truncated {value[:40]!r} is no known reason.",
                    Level.UNUSUAL,
                )
        elif name in ("warc-block-digest", "warc-payload-digest"):
            yield from _digest(name, value)


def _date(version: str, name: str, value: str) -> Iterator[Deviation]:
    moment = moment_of(value)
    if moment is None:
        yield (
            Rule.DATE,
            f"{_title(name)} {value[:40]!r} is no date as ISO 28500 writes them.",
            Level.WRONG,
        )
    elif version != "1.1" and not _SECONDS.fullmatch(value):
        yield (
            Rule.DATE,
            f"{_title(name)} {value[:40]!r} is not to the second, as WARC/1.0 has it.",
            Level.NOTED,
        )
    elif moment > datetime.now(UTC) + timedelta(days=2):
        yield Rule.DATE, f"{_title(name)} {value[:40]!r} is yet to come.", Level.UNUSUAL


@lru_cache(maxsize=4096)
def moment_of(value: str) -> datetime | None:
    """A WARC-Date as a moment, UTC; None for what is none."""
    if not _DATE.fullmatch(value):
        return None
    whole, _, fraction = value.removesuffix("Z").partition(".")
    try:
        moment = datetime.fromisoformat(whole + {4: "-01-01", 7: "-01"}.get(len(whole), ""))
    except ValueError:
        return None
    return moment.replace(microsecond=int((fraction + "000000")[:6]), tzinfo=UTC)


@lru_cache(maxsize=1024)
def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _digest(name: str, value: str) -> Iterator[Deviation]:
    parts = _DIGEST.fullmatch(value)
    algorithm = parts[1].lower().replace("-", "") if parts else ""
    if parts is None:
        yield Rule.DIGEST_FORM, f"{_title(name)} {value[:80]!r} is no labelled digest.", Level.WRONG
    elif algorithm not in SIZES:
        level = Level.UNUSUAL if _FOREIGN.fullmatch(algorithm) else Level.WRONG
        yield (
            Rule.DIGEST_FORM,
            f"{_title(name)} is of {parts[1][:40]!r}, which is not known here.",
            level,
        )
    else:
        size = SIZES[algorithm]
        fits = {
            size * 2,
            -(-size * 8 // 5),
            -(-size * 8 // 40) * 8,
            -(-size * 8 // 6),
            -(-size // 3) * 4,
        }
        if len(parts[2]) not in fits:
            yield (
                Rule.DIGEST_FORM,
                f"{_title(name)} {value[:80]!r} is not as long as {algorithm} is.",
                Level.WRONG,
            )


def _profile(fields: Fields) -> Iterator[Deviation]:
    profile = fields.get("warc-profile")
    if profile and profile not in _PROFILES:
        level = Level.UNUSUAL if _URI.fullmatch(profile) else Level.WRONG
        yield Rule.PROFILE, f"WARC-Profile {profile[:120]!r} is none of ISO 28500's.", level
    if "identical-payload-digest" in profile and not fields.get("warc-payload-digest"):
        yield (
            Rule.MISSING,
            "A revisit by payload digest needs WARC-Payload-Digest, and has none.",
            Level.WRONG,
        )


def _segment(fields: Fields, kind: str) -> Iterator[Deviation]:
    number = fields.get("warc-segment-number")
    if number and not (
        _NUMBER.fullmatch(number)
        and int(number) > 0
        and (int(number) == 1) != (kind == "continuation")
    ):
        yield (
            Rule.SEGMENT,
            f"WARC-Segment-Number {number[:40]!r} is not one that a {kind[:40]} has.",
            Level.WRONG,
        )
    length = fields.get("warc-segment-total-length")
    if length and not _NUMBER.fullmatch(length):
        yield (
            Rule.SEGMENT,
            f"WARC-Segment-Total-Length {length[:40]!r} is no number of bytes.",
            Level.WRONG,
        )


def _title(name: str) -> str:
    """A field's name as ISO 28500 writes it."""
    words = {"warc": "WARC", "uri": "URI", "id": "ID", "ip": "IP"}
    return "-".join(words.get(word, word.capitalize()) for word in name.split("-"))
