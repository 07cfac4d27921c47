"""Verification of a WACZ: its WARC files, and that its files are as its description says."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.processes.cli import Workspace
from tests.support.readers.playback import archive_of_every_kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("desk"))
    archive_of_every_kind(workspace)
    result = workspace.call("export", workspace.folder / "whole.wacz")
    assert result.code == 0, result.err
    return workspace


def _changed(workspace: Workspace, path: Path, change: Callable[[Files], None]) -> Path:
    """Return the exported package with its files changed, and its directory as it must be then."""
    with zipfile.ZipFile(workspace.folder / "whole.wacz") as package:
        files = {name: package.read(name) for name in package.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as package:
        for name, data in files.items():
            package.writestr(name, data)
    return path


def _segment(files: Files) -> str:
    return max((name for name in files if name.startswith("archive/")), key=lambda n: len(files[n]))


def _flip(files: Files) -> None:
    data = bytearray(files[_segment(files)])
    data[len(data) // 2] ^= 1
    files[_segment(files)] = bytes(data)


def _drop_index(files: Files) -> None:
    del files["indexes/index.cdx.gz"]


def _change_pages(files: Files) -> None:
    files["pages/pages.jsonl"] += b"\n"


def _drop_description(files: Files) -> None:
    del files["datapackage.json"]


def _break_description(files: Files) -> None:
    files["datapackage.json"] = b'["resources"]'


def _drop_warcs(files: Files) -> None:
    for name in [name for name in files if name.startswith("archive/")]:
        del files[name]


def _state_odd_values(files: Files) -> None:
    stated = json.loads(files["datapackage.json"])
    stated["resources"] += [7, {}, {"path": "a", "hash": "odd:1"}, {"path": 5, "hash": None}]
    files["datapackage.json"] = json.dumps(stated).encode()


def test_a_package_of_ours_has_no_finding(workspace: Workspace) -> None:
    result = workspace.call("verify", workspace.folder / "whole.wacz")
    assert result.code == 0, result.out
    with zipfile.ZipFile(workspace.folder / "whole.wacz") as package:
        warcs = [name for name in package.namelist() if name.startswith("archive/")]
    assert f"{len(warcs)} file" in result.out


def test_values_of_a_description_that_state_no_digest_are_passed_over(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = _changed(workspace, tmp_path / "odd.wacz", _state_odd_values)
    assert workspace.call("verify", path).code == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_flip, ("fixity", "digest")),
        (_drop_index, ("fixity", "indexes/index.cdx.gz", "missing")),
        (_change_pages, ("fixity", "pages/pages.jsonl")),
        (_drop_description, ("datapackage.json", "missing")),
        (_break_description, ("datapackage.json", "read")),
        (_drop_warcs, ("no WARC file",)),
    ],
)
def test_a_package_that_is_not_as_described_is_an_error(
    workspace: Workspace, tmp_path: Path, change: Callable[[Files], None], words: tuple[str, ...]
) -> None:
    result = workspace.call("verify", _changed(workspace, tmp_path / "changed.WACZ", change))
    assert result.code == 1, result.out
    assert all(word in result.out for word in words), result.out


def test_what_is_no_package_is_a_sentence(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "no.wacz"
    path.write_bytes(b"PK\x03\x04 and nothing more")
    for each in (path, tmp_path / "absent.wacz"):
        result = workspace.call("verify", each)
        assert (result.code, result.err) == (1, "")
        assert f"{each}" in result.out
        assert "Traceback" not in result.out
