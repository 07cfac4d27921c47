"""Verification of a WACZ: that its files are as its description says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.model.errors import describe_os_error
from archive.verify.warc_file.file import FileCheck
from archive.verify.warc_file.findings import Finding, Rule
from archive.warc.wacz.reader import DESCRIPTION, PackageError, open_wacz

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.warc.wacz.reader import WaczFile

#: The ending of a package's name.
ENDING = ".wacz"


def checks_of(path: Path) -> Iterator[Finding | FileCheck]:
    """Yield the findings about a package, and a check of each WARC in it, to be run at once."""
    try:
        with open_wacz(path) as package:
            yield from _description_findings(package, str(path))
            is_empty = True
            for name, file in package.warcs():
                is_empty = False
                place = f"{path}!{name}"
                if isinstance(file, PackageError):
                    yield Finding(place, -1, "", Rule.UNREADABLE, f"It is not read: {file}.")
                else:
                    yield FileCheck(path, place, within=file)
            if is_empty:
                yield Finding(str(path), -1, "", Rule.NOT_A_WARC, "There is no WARC file in it.")
    except PackageError as error:
        yield Finding(str(path), -1, "", Rule.UNREADABLE, f"It is not read: {error}.")
    except OSError as error:
        yield Finding(str(path), -1, "", Rule.UNREADABLE, describe_os_error(path, error))


def _description_findings(package: WaczFile, place: str) -> Iterator[Finding]:
    """Compare the files with what the description states of them."""
    resources = package.resources()
    if resources is None:
        sentence = f"Its {DESCRIPTION} is missing or can't be read."
        yield Finding(place, -1, "", Rule.MANIFEST, sentence)
        return
    for resource in resources:
        name = f"{place}!{resource.shown}"
        found = package.digest(resource)
        if found is None:
            sentence = f"The {DESCRIPTION} lists it, but it is missing or can't be read."
            yield Finding(name, -1, "", Rule.FIXITY, sentence)
        elif found != resource.digest:
            sentence = f"Its digest is {found}; the {DESCRIPTION} states {resource.digest}."
            yield Finding(name, -1, "", Rule.FIXITY, sentence)
