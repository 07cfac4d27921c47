"""What a command writes is for its user and group alone, whatever umask it is started with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.documents import MADE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("umask", "file", "folder"), [(0o000, 0o640, 0o750), (0o077, 0o600, 0o700)]
)
def test_files_have_mode_0640_and_folders_0750_at_most(
    tmp_path: Path, umask: int, file: int, folder: int
) -> None:
    workspace = Workspace(tmp_path / "place")
    verbs = (
        ("replay", *MADE),
        ("backup", tmp_path / "kept"),
        ("export", tmp_path / "all.jsonl"),
        ("export", tmp_path / "all.wacz"),
        ("status", "--metrics", tmp_path / "x.prom"),
        ("reindex",),
    )
    before = os.umask(umask)
    try:
        for words in verbs:
            said = workspace.run(*words)
            assert said.code == 0, said
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert {modes[path] for path in modes if path.is_file()} == {file}
    assert {modes[path] for path in modes if path.is_dir()} == {folder}
    assert len(modes) > 10
