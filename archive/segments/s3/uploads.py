"""Uploads of segments: in parts that a killed process does not lose, compared with what arrived.

What an unfinished upload has is asked from the server, and what is left is sent. An object is never
replaced. It counts as kept when the server states its size and its sha256; of a server that states
none it is read back.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.model.errors import StoreError
from archive.segments.s3 import client as s3
from archive.segments.s3.bucket import NEW, Part, Unfinished, in_base64
from archive.segments.s3.client import ConditionError, NoUploadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archive.segments.s3.bucket import Bucket, Head

#: Parts that S3 takes at most.
_MOST_PARTS = 10_000
#: Parts sent side by side.
_AT_ONCE = 4
#: How often an upload is begun that somebody gives up meanwhile.
_ATTEMPTS = 3
_READ = 2**20


@dataclass(frozen=True, slots=True)
class Measure:
    """A local file: its size, its sha256 in hex, and the sha256 of each part, in Base64."""

    size: int
    sha256: str
    parts: tuple[str, ...]
    part_bytes: int

    @property
    def stated(self) -> str:
        """The checksum that the server states of the object, without the number of parts."""
        if len(self.parts) == 1:
            return self.parts[0]
        return in_base64(hashlib.sha256(b"".join(map(b64decode, self.parts))).digest())


def measure(path: Path, part_bytes: int) -> Measure:
    """Return what a file is in parts of so many bytes, or more if there were too many.

    :raises OSError: it cannot be read.
    """
    size = path.stat().st_size
    part_bytes = max(part_bytes, -(-size // _MOST_PARTS))
    whole, parts = hashlib.sha256(), []
    with path.open("rb") as file:
        for start in range(0, max(size, 1), part_bytes):
            part, left = hashlib.sha256(), min(part_bytes, size - start)
            while left and (piece := file.read(min(_READ, left))):
                whole.update(piece)
                part.update(piece)
                left -= len(piece)
            parts.append(in_base64(part.digest()))
    return Measure(size, whole.hexdigest(), tuple(parts), part_bytes)


def upload(
    bucket: Bucket,
    name: str,
    path: Path,
    part_bytes: int,
    step: Callable[[str], None] = lambda _: None,
) -> Measure:
    """Upload a file under a name, unless it is there already; return what it is.

    ``step`` is called with the name of each step before it is taken. After a kill the next call
    continues.

    :raises StoreExistsError: there is an object of that name with another content.
    :raises OSError: the file cannot be read, or not be uploaded; the server may have parts of it.
    """
    own = measure(path, part_bytes)
    if len(own.parts) == 1:
        step("put")
        is_new = _put_whole(bucket, name, path)
    else:
        is_new = _put_parts(bucket, name, path, own, step)
    step("verify")
    _verify(bucket, name, own, is_new=is_new)
    return own


def _put_whole(bucket: Bucket, name: str, path: Path) -> bool:
    """Write the object at once; return False if there is one of that name."""
    try:
        bucket.put(name, path.read_bytes(), NEW)
    except ConditionError:
        return False
    return True


def _put_parts(
    bucket: Bucket, name: str, path: Path, own: Measure, step: Callable[[str], None]
) -> bool:
    """Write the object in parts; return False if there is one of that name."""
    for _ in range(_ATTEMPTS):
        begun = sorted(_begun(bucket, name), key=lambda one: one.begun)
        if not begun and bucket.find(name) is not None:
            return False
        step("begin")
        upload_id = begun[-1].id if begun else bucket.begin_upload(name)
        for other in begun[:-1]:
            bucket.give_up(other)
        try:
            there = bucket.parts(name, upload_id) if begun else []
            parts = _send(bucket, name, upload_id, path, own, there, step)
            step("complete")
            bucket.complete(name, upload_id, parts)
        except ConditionError:
            _give_up(bucket, name)
            return False
        except NoUploadError:
            # finished, and its answer was lost; or given up by somebody
            if bucket.find(name) is not None:
                return False
        else:
            _give_up(bucket, name)  # one that was begun twice, since an answer was lost
            return True
    raise StoreError.at(bucket.place(name), "its upload is ended by somebody again and again")


def _give_up(bucket: Bucket, name: str) -> None:
    for one in _begun(bucket, name):
        bucket.give_up(one)


def _begun(bucket: Bucket, name: str) -> list[Unfinished]:
    return [one for one in bucket.unfinished(name) if one.name == name]


def _send(
    bucket: Bucket,
    name: str,
    upload_id: str,
    path: Path,
    own: Measure,
    there: list[Part],
    step: Callable[[str], None],
) -> list[Part]:
    """Send the parts that are not there; return all of them."""
    by_number = {one.number: one for one in there}
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def sent(number: int) -> Part:
        start = (number - 1) * own.part_bytes
        data = os.pread(fd, own.part_bytes, start)
        sha256, known = own.parts[number - 1], by_number.get(number)
        if known is not None and _is_of(known, data, sha256):
            return replace(known, sha256=sha256)
        step("part")
        return bucket.put_part(name, upload_id, number, data, sha256)

    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        return list(pool.map(sent, range(1, len(own.parts) + 1)))
    finally:
        pool.shutdown(cancel_futures=True)
        os.close(fd)


def _is_of(part: Part, data: bytes, sha256: str) -> bool:
    """Return whether the server has these bytes as a part, by what it lists of it."""
    if part.size != len(data):
        return False
    if part.sha256:
        return part.sha256 == sha256
    return part.etag.strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest()


def _verify(bucket: Bucket, name: str, own: Measure, *, is_new: bool) -> None:
    """Compare the object with the file.

    :raises StoreExistsError: an earlier object of that name is another one.
    :raises StoreError: what was written now is not what was sent; it is deleted again.
    """
    if _is_equal(bucket, name, bucket.head(name), own):
        return
    if not is_new:
        raise s3.exists(bucket.place(name))
    bucket.delete(name)
    raise StoreError.at(
        bucket.place(name), "the server has kept other bytes than were sent. They were deleted"
    )


def _is_equal(bucket: Bucket, name: str, head: Head, own: Measure) -> bool:
    if head.size != own.size:
        return False
    if head.sha256.partition("-")[0] == own.stated:
        return True
    # No checksum, or one of other parts: also that of a single one would tell.
    return _sha256_of(bucket, name, head.size) == own.sha256


def _sha256_of(bucket: Bucket, name: str, size: int) -> str:
    found, at = hashlib.sha256(), 0
    while at < size:
        data, _ = bucket.range(name, at, 8 * _READ)
        if not data:
            break
        found.update(data)
        at += len(data)
    return found.hexdigest()
