"""The objects of a bucket under one prefix: read by ranges, written whole and checked, listed."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from archive.model.errors import StoreError, StoreMissingError
from archive.segments.s3 import client as s3
from archive.segments.s3.client import ConditionError, RangeError, UnknownRequestError, client_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

_T = TypeVar("_T")
#: How often bytes are asked for whose answer breaks off, and seconds between.
_READS, _PAUSE = 6, 0.2
_RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")
#: A request that holds only if there is no such object.
NEW = {"IfNoneMatch": "*"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as it is listed: its name under the prefix, its size, when it was written."""

    name: str
    size: int
    changed: float


@dataclass(frozen=True, slots=True)
class Head:
    """What the server states of an object; ``sha256`` is its checksum in Base64, ``""`` for none.

    That of an object in parts is one over the sha256 of each, then a hyphen and their number.
    """

    size: int
    changed: float
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an unfinished upload, as the server has it."""

    number: int
    size: int
    etag: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An unfinished upload of an object."""

    name: str
    id: str
    begun: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """The part of a bucket whose keys begin with ``prefix``, which is empty or ends in a slash.

    All methods raise `StoreError`, an OSError, whose text is a sentence.
    """

    name: str
    prefix: str
    endpoint: str

    def place(self, name: str = "") -> str:
        """Return how sentences call an object."""
        return f"s3://{self.name}/{self.prefix}{name}"

    def range(self, name: str, start: int, length: int) -> tuple[bytes, int]:
        """Return bytes of an object, fewer only at its end, and the size of the object.

        The size is only known as at least ``start`` + 0 if the object ends before: then -1.
        """
        last = start + length - 1

        def ask() -> tuple[bytes, int]:
            answer = self._client.get_object(**self._key(name), Range=f"bytes={start}-{last}")
            return _whole(answer["Body"].read(), answer, start, length)

        try:
            return self._asked_again(name, ask)
        except RangeError:
            return b"", -1

    def read(self, name: str) -> tuple[bytes, str]:
        """Return a small object and its entity tag."""

        def ask() -> tuple[bytes, str]:
            answer = self._client.get_object(**self._key(name))
            return answer["Body"].read(), str(answer["ETag"])

        return self._asked_again(name, ask)

    def head(self, name: str) -> Head:
        """Return what the server states of an object."""
        with self._errors(name, "read objects (s3:GetObject)"):
            answer = self._client.head_object(**self._key(name), ChecksumMode="ENABLED")
        return Head(
            size=answer["ContentLength"],
            changed=answer["LastModified"].timestamp(),
            sha256=answer.get("ChecksumSHA256", ""),
        )

    def put(self, name: str, data: bytes, condition: dict[str, str] | None = None) -> None:
        """Write an object; the server compares its sha256. ``condition`` is as boto3 takes it.

        :raises ConditionError: the condition does not hold; or it held, and the server did not say.
        """
        sha256 = in_base64(hashlib.sha256(data).digest())
        checksum = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
        try:
            with self._errors(name, "write objects (s3:PutObject)"):
                self._client.put_object(
                    **self._key(name), Body=data, **checksum, **(condition or {})
                )
        except UnknownRequestError as error:
            if not condition:
                raise self._unknown(name, error) from error
            # A server without conditions: names of segments are random, chains have one writer.
            if condition == NEW and self.find(name) is not None:
                raise ConditionError from error
            self.put(name, data)

    def find(self, name: str) -> Head | None:
        """Return what the server states of an object, None if there is none."""
        try:
            return self.head(name)
        except StoreMissingError:
            return None

    def delete(self, name: str) -> None:
        """Delete an object, if there is one; a bucket with versions keeps a version of it."""
        with self._errors(name, "delete objects (s3:DeleteObject)"):
            self._client.delete_object(**self._key(name))

    def delete_versions(self, name: str) -> None:
        """Delete an object and all earlier versions of it that the bucket keeps."""
        for version in self._versions(name):
            with self._errors(name, "delete versions of objects (s3:DeleteObjectVersion)"):
                self._client.delete_object(**self._key(name), VersionId=version)
        self.delete(name)

    def entries(self, start: str = "", *, within: bool = False) -> Iterator[Entry]:
        """Yield the objects whose names begin so, sorted; ``within``: those in folders, too."""
        how = {} if within else {"Delimiter": "/"}
        for page in self._pages("list_objects_v2", start, **how):
            for one in page.get("Contents", ()):
                name = str(one["Key"])[len(self.prefix) :]
                yield Entry(name, one["Size"], one["LastModified"].timestamp())

    def is_empty(self) -> bool:
        """Return whether there is no object at all."""
        with self._errors("", "list the bucket (s3:ListBucket)"):
            answer = self._client.list_objects_v2(Bucket=self.name, Prefix=self.prefix, MaxKeys=1)
        return not answer.get("Contents")

    def unfinished(self, start: str = "") -> list[Unfinished]:
        """Return the unfinished uploads of objects whose names begin so."""
        try:
            return [
                Unfinished(str(one["Key"])[len(self.prefix) :], one["UploadId"], one["Initiated"])
                for page in self._pages("list_multipart_uploads", start)
                for one in page.get("Uploads", ())
            ]
        except UnknownRequestError:
            return []

    def begin_upload(self, name: str) -> str:
        """Begin an upload in parts; return its id."""
        with self._errors(name, "write objects (s3:PutObject)"):
            answer = self._client.create_multipart_upload(
                **self._key(name), ChecksumAlgorithm="SHA256"
            )
        return str(answer["UploadId"])

    def parts(self, name: str, upload: str) -> list[Part]:
        """Return the parts that the server has of an upload.

        :raises NoUploadError: there is no such upload any more.
        """
        found: list[Part] = []
        with self._errors(name, "list parts of uploads (s3:ListMultipartUploadParts)"):
            pages = self._client.get_paginator("list_parts")
            for page in pages.paginate(**self._key(name), UploadId=upload):
                for one in page.get("Parts", ()):
                    sha256 = str(one.get("ChecksumSHA256", ""))
                    found.append(Part(one["PartNumber"], one["Size"], str(one["ETag"]), sha256))
        return found

    def put_part(self, name: str, upload: str, number: int, data: bytes, sha256: str) -> Part:
        """Write a part of an upload; the server compares its sha256, in Base64.

        :raises NoUploadError: there is no such upload any more.
        """
        with self._errors(name, "write objects (s3:PutObject)"):
            answer = self._client.upload_part(
                **self._key(name),
                UploadId=upload,
                PartNumber=number,
                Body=data,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=sha256,
            )
        return Part(number, len(data), str(answer["ETag"]), sha256)

    def complete(self, name: str, upload: str, parts: list[Part]) -> None:
        """Make an object of the parts, if there is none of that name.

        :raises ConditionError: there is one.
        :raises NoUploadError: there is no such upload any more, as after an answer that was lost.
        """
        listed = [
            {"PartNumber": one.number, "ETag": one.etag, "ChecksumSHA256": one.sha256}
            for one in parts
        ]
        how = {**self._key(name), "UploadId": upload, "MultipartUpload": {"Parts": listed}}
        try:
            with self._errors(name, "write objects (s3:PutObject)"):
                self._client.complete_multipart_upload(**how, **NEW)
        except UnknownRequestError as error:
            if self.find(name) is not None:
                raise ConditionError from error
            with self._errors(name, "write objects (s3:PutObject)"):
                self._client.complete_multipart_upload(**how)

    def give_up(self, upload: Unfinished) -> None:
        """Delete an unfinished upload, if it still is one."""
        try:
            with self._errors(upload.name, "end uploads (s3:AbortMultipartUpload)"):
                self._client.abort_multipart_upload(**self._key(upload.name), UploadId=upload.id)
        except s3.NoUploadError:
            return

    def _asked_again(self, name: str, ask: Callable[[], _T]) -> _T:
        """Return what an object was read as; ask again where an answer breaks off."""
        for left in reversed(range(_READS)):
            try:
                with self._errors(name, "read objects (s3:GetObject)"):
                    return ask()
            except StoreError as error:
                if not left or not _broke_off(error):
                    raise
                time.sleep(_PAUSE)  # whoever breaks answers off may be overloaded
        raise AssertionError("the last attempt returns or raises")

    def _versions(self, name: str) -> list[str]:
        try:
            return [
                str(one["VersionId"])
                for page in self._pages("list_object_versions", name)
                for kind in ("Versions", "DeleteMarkers")
                for one in page.get(kind, ())
                if one["Key"] == self.prefix + name
            ]
        except UnknownRequestError:
            return []  # a server that keeps no versions

    def _pages(self, operation: str, start: str, **how: str) -> Iterator[dict[str, Any]]:
        with self._errors("", "list the bucket (s3:ListBucket and the like)"):
            pages = self._client.get_paginator(operation)
            yield from pages.paginate(Bucket=self.name, Prefix=self.prefix + start, **how)

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": self.prefix + name}

    def _unknown(self, name: str, error: Exception) -> StoreError:
        return StoreError.at(self.place(name), f"the server does not know the request ({error})")

    @property
    def _client(self) -> Any:
        return client_of(self.endpoint)

    def _errors(self, name: str, what: str) -> AbstractContextManager[None]:
        self._client  # noqa: B018  (without boto3 its errors cannot be named either)
        return s3.sentences(self.place(name), self.name, self.endpoint, what)


def in_base64(digest: bytes) -> str:
    """Return a digest as S3 writes it."""
    return base64.b64encode(digest).decode()


def _whole(data: bytes, answer: dict[str, Any], start: int, length: int) -> tuple[bytes, int]:
    """Return the bytes asked for, also of a server that sent all, and the size of the object."""
    stated = _RANGE.fullmatch(str(answer.get("ContentRange", "")))
    if stated is None:
        return data[start : start + length], len(data)
    return data, int(stated[1])


def _broke_off(error: StoreError) -> bool:
    """Return whether an answer ended before its end; what else may be tried again boto3 has."""
    from botocore import exceptions as of_boto

    kinds = (
        of_boto.ResponseStreamingError,
        of_boto.IncompleteReadError,
        of_boto.ReadTimeoutError,
    )
    return isinstance(error.__cause__, kinds)
