"""Read the WARC files and the metadata of a WACZ; nothing in it is trusted.

It is read in place. Only a WARC that the zip has compressed (the format forbids it, tools do
it) goes into a nameless temporary file first, within bounds; names in it never become paths.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from archive.model.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any, BinaryIO

#: Longest list of files that is read (each takes some hundred bytes of memory), and longest
#: description.
_DIRECTORY, _DESCRIPTION = 2**22, 2**20
#: How many times its size a WARC may grow that the zip has compressed, gzipped already or not, and
#: by how much anyway.
_GROWTH = {".warc.gz": 2, ".warc": 100}
_ANYWAY = 2**20
_LOCAL = struct.Struct("<4s22xHH")
_PIECE = 2**18
#: What reading a hostile zip may raise, by its own library: NotImplementedError for a method or
#: version that it lacks, RuntimeError for an encrypted file.
_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


#: The file of a package that lists its other files, with their digests.
DESCRIPTION = "datapackage.json"
#: The digests that a description may state of its files, by the word before the colon.
_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")


@dataclass(frozen=True, slots=True)
class Resource:
    """A file as the description of a package lists it: its name, and its digest as stated."""

    name: str
    digest: str

    @property
    def shown(self) -> str:
        """The name as it can be printed."""
        return printable_name(self.name)


class PackageError(Exception):
    """The package, or a file in it, can't be read; the message is a sentence."""


class WaczFile:
    """An open WACZ; made by `open_wacz`."""

    def __init__(self, file: BinaryIO, package: zipfile.ZipFile, size: int) -> None:
        self._file, self._zip, self._size = file, package, size

    def about(self) -> dict[str, str]:
        """Return title, software and created of ``datapackage.json``, as far as it can be read."""
        values = self._description() or {}
        return {
            name: str(values[name]) for name in ("title", "software", "created") if values.get(name)
        }

    def resources(self) -> list[Resource] | None:
        """Return the files whose digests the description states, None if it can't be read."""
        values = self._description()
        listed = values.get("resources") if values is not None else None
        if not isinstance(listed, list):
            return None
        found: list[Resource] = []
        for each in listed:
            stated = each if isinstance(each, dict) else {}
            name, digest = str(stated.get("path") or ""), str(stated.get("hash") or "")
            if name and digest.partition(":")[0] in _ALGORITHMS:
                found.append(Resource(name, digest))
        return found

    def digest(self, resource: Resource) -> str | None:
        """Return the digest that a file has, in the form of the stated one, None without the file.

        At most as many bytes are inflated as the package's own list of files says.
        """
        algorithm = resource.digest.partition(":")[0]
        made = hashlib.new(algorithm, usedforsecurity=False)
        try:
            with self._zip.open(resource.name) as file:
                while piece := file.read(_PIECE):
                    made.update(piece)
        except (KeyError, OSError, *_FAULTS):
            return None
        return f"{algorithm}:{made.hexdigest()}"

    def _description(self) -> dict[str, Any] | None:
        try:
            with self._zip.open(DESCRIPTION) as file:
                values: Any = json.loads(file.read(_DESCRIPTION))
        except (KeyError, *_FAULTS):
            return None
        return values if isinstance(values, dict) else None

    def nested(self) -> list[str]:
        """Return the names of the packages within it, which are not read."""
        return [
            name
            for name in map(printable_name, self._zip.namelist())
            if name.lower().endswith((".wacz", ".zip"))
        ]

    def warcs(self) -> Iterator[tuple[str, BinaryIO | PackageError]]:
        """Yield the WARCs by name, each as a file to read at once, or why it can't be read.

        :raises PackageError: the files of the zip overlap, as in a zip bomb.
        """
        entries = [e for e in self._zip.infolist() if e.filename.lower().endswith(tuple(_GROWTH))]
        if sum(entry.compress_size for entry in entries) > self._size:
            raise PackageError(
                "its files together are larger than itself, so they overlap, as in a zip bomb"
            )
        for entry in sorted(entries, key=lambda entry: entry.filename):
            try:
                with self._open(entry) as file:
                    yield printable_name(entry.filename), file
            except PackageError as error:
                yield printable_name(entry.filename), error

    @contextmanager
    def _open(self, entry: zipfile.ZipInfo) -> Iterator[BinaryIO]:
        if entry.flag_bits & 1:
            raise PackageError("it is encrypted; unpack it with its password first")
        if entry.compress_type == zipfile.ZIP_STORED:
            yield cast("BinaryIO", _Slice(self._file, self._begin(entry), entry.compress_size))
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            with tempfile.TemporaryFile() as file:
                self._inflate(entry, file)
                yield file
        else:
            raise PackageError(
                f"its compression method ({entry.compress_type}) is not one of WACZ; "
                "unpack it first"
            )

    def _begin(self, entry: zipfile.ZipInfo) -> int:
        """Return the offset of a stored file's bytes."""
        try:
            self._file.seek(entry.header_offset)
            mark, name, extra = _LOCAL.unpack(self._file.read(_LOCAL.size))
        except (OSError, ValueError, OverflowError, struct.error) as error:
            raise PackageError("it is not where the package's list of files says") from error
        begin: int = entry.header_offset + _LOCAL.size + name + extra
        if mark != b"PK\x03\x04" or begin + entry.compress_size > self._size:
            raise PackageError("it is not where the package's list of files says")
        return begin

    def _inflate(self, entry: zipfile.ZipInfo, out: Any) -> None:
        growth = next(
            growth for ending, growth in _GROWTH.items() if entry.filename.lower().endswith(ending)
        )
        most = growth * entry.compress_size + _ANYWAY
        try:
            with self._zip.open(entry) as file:
                while piece := file.read(_PIECE):
                    most -= len(piece)
                    if most < 0:
                        raise PackageError(
                            f"it inflates to more than {growth} times its size; no WARC does"
                        )
                    out.write(piece)
        except (OSError, *_FAULTS) as error:
            raise PackageError(f"it does not inflate ({error})") from error
        out.seek(0)


@contextmanager
def open_wacz(path: Path) -> Iterator[WaczFile]:
    """Yield a WACZ, open for reading.

    :raises PackageError: it is not a sound zip, or its list of files is longer than any WACZ's.
    :raises OSError: the file can't be read.
    """
    with open_regular(path, follow=True) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            package = zipfile.ZipFile(_Guarded(file))
        except _FAULTS as error:
            raise PackageError(f"it is not a readable zip file ({error})") from error
        with package:
            yield WaczFile(file, package, size)


def printable_name(name: str) -> str:
    """Return a name from a package as it can be printed and filed; never a path."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)[:200]


class _Guarded:
    """A file for `zipfile`, which reads a list of files at once, of whatever length is stated."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.tell, self.seekable = file.tell, file.seekable

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset < 0:  # of the device such a fault would be an OSError
            raise zipfile.BadZipFile("its list of files names a place before its beginning")
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY:
            raise zipfile.BadZipFile(f"its list of files is longer than {_DIRECTORY} bytes")
        # all there is: 64 KB from the end
        return self._file.read(size if size >= 0 else _DIRECTORY)


class _Slice(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: BinaryIO, begin: int, size: int) -> None:
        self._file, self._begin, self._size, self._at = file, begin, size, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(
            0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        )
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._file.seek(self._begin + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data
