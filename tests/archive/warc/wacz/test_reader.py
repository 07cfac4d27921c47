"""Packages whose list of files lies: a sentence about each, never an error of the file system."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from archive.warc.wacz.reader import PackageError, open_wacz

if TYPE_CHECKING:
    from pathlib import Path


def _package(*, compressed: bool) -> bytes:
    file = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as package:
        package.writestr("archive/a.warc", b"WARC/1.1\r\n")
        package.writestr("datapackage.json", b"{}")
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_a_package_whose_first_part_is_missing(tmp_path: Path, *, compressed: bool) -> None:
    whole = _package(compressed=compressed)
    path = tmp_path / "cut.wacz"
    path.write_bytes(whole[whole.index(b"PK\x01\x02") :])
    with open_wacz(path) as package:
        assert package.about() == {}
        ((name, found),) = package.warcs()
    assert name == "archive/a.warc"
    assert isinstance(found, PackageError)


def test_a_package_whose_list_of_files_lies_before_it(tmp_path: Path) -> None:
    whole = bytearray(_package(compressed=False))
    end = whole.index(b"PK\x05\x06")
    whole[end + 12 : end + 16] = (2**32 - 2).to_bytes(4, "little")  # its length
    path = tmp_path / "lying.wacz"
    path.write_bytes(whole)
    with pytest.raises(PackageError), open_wacz(path):
        pass
