"""A sentence about a file names the file that is at fault."""

from __future__ import annotations

import errno

import pytest

from archive.model.errors import StoreError, describe_os_error


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOSPC, errno.EXDEV])
def test_of_an_archive_in_s3_it_is_the_file_of_the_spool(number: int) -> None:
    error = OSError(number, "so it is", "/spool/a.open")
    said = describe_os_error("s3://bucket/archive", error)
    assert said.startswith("Cannot use /spool/a.open: ")
    assert said.endswith(".")
    assert not said.endswith("?.")
    assert describe_os_error("/other", error).startswith("Cannot use /other: ")


def test_an_error_of_the_server_is_told_as_it_is() -> None:
    error = StoreError.at("s3://bucket/archive/a", "it is busy")
    assert describe_os_error("s3://bucket/archive", error) == str(error)
