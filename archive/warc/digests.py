"""Digest fields (``algorithm:value``) of WARC records, compared with data at once or as it arrives.

The value may be hex, Base32 or Base64: all three are found in other tools' files. A digest by an
algorithm that is not in `SIZES` cannot be compared, and counts as agreeing.
"""

from __future__ import annotations

import base64
import hashlib

from archive.model.exchange import digest

#: The algorithms that can be computed, and the bytes of their digests.
SIZES = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
#: Faster than `hashlib.new`, which looks the name up for each record.
_CONSTRUCTORS = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


def algorithm_of(claim: str) -> str:
    """Return the algorithm that a digest field names, ``""`` if it cannot be computed."""
    name = claim.partition(":")[0].strip().lower().replace("-", "")
    return name if name in SIZES else ""


def compute(algorithm: str, data: bytes | memoryview) -> bytes:
    """Return the data's digest by an algorithm of `SIZES`."""
    return _CONSTRUCTORS[algorithm](data, usedforsecurity=False).digest()


def states(claim: str, found: bytes) -> bool:
    """Return whether the value of a digest field is this digest."""
    value = claim.partition(":")[2].strip()
    if len(value) == 2 * len(found):
        return value.lower() == found.hex()
    stated = value.rstrip("=").encode()
    return (
        stated.upper() == base64.b32encode(found).rstrip(b"=")
        or stated == base64.b64encode(found).rstrip(b"=")
        or stated == base64.urlsafe_b64encode(found).rstrip(b"=")
    )


def agrees(claim: str, data: bytes | memoryview) -> bool:
    """Return whether a digest field holds for the data."""
    if claim.startswith("sha256:") and claim == digest(data):  # our own form, the shortest way
        return True
    name = algorithm_of(claim)
    return not name or states(claim, compute(name, data))


class DigestCheck:
    """A digest field and the data it should be of, fed as it arrives."""

    def __init__(self, claim: str) -> None:
        name = algorithm_of(claim)
        self._claim = claim
        self._hash = _CONSTRUCTORS[name](usedforsecurity=False) if name else None

    def feed(self, data: bytes | memoryview) -> None:
        """Take more data."""
        if self._hash is not None:
            self._hash.update(data)

    def agrees(self) -> bool:
        """Return whether the field holds for all data fed."""
        return self._hash is None or states(self._claim, self._hash.digest())
