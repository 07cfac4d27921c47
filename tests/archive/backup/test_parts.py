"""A backup in parts is that of no parts, whatever becomes of the processes that copy."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from archive.backup import inventory
from archive.backup.create import BackupResult, back_up
from archive.backup.file_copy import FileDigest
from archive.backup.parts import Plan, copy_part
from archive.model.errors import BackupError
from archive.segments.store import FolderStore
from tests.support.archives.backups import check_restored, copy_of, damage, files, made, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.processes.cli import Workspace


@pytest.fixture(name="archive", scope="module")
def fixture_archive(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return made(tmp_path_factory.mktemp("made"))


class Others:
    """Processes that copy in their own time: here, one part after the other, the last one first."""

    def __init__(
        self, workspace: Workspace, folder: Path, parts: int = 2, fail_at: int = 0
    ) -> None:
        self.store, self.folder = FolderStore(workspace.archive), folder
        self.parts, self.fail_at = parts, fail_at
        self.states: list[str] = []
        self.copied = 0

    @contextmanager
    def __call__(self, state: str) -> Iterator[Callable[[], None]]:
        self.states.append(state)
        yield self._work

    def _work(self) -> None:
        for part in range(self.parts, 0, -1):
            if part == self.fail_at:
                raise BackupError("a part could not be copied")
            self.copied += self.copy(part).copied

    def copy(self, part: int, advance: Callable[[int], None] = lambda _: None) -> Any:
        """Copy a part of the last plan."""
        state = self.states[-1]
        return copy_part(self.store, self.folder, state, (part, self.parts), advance)


def content(backup: Path) -> dict[str, Any]:
    """Return what a backup holds, without what names its moment."""
    known = inventory.read(backup)
    assert known is not None
    listed = {name.replace(known.state, "state"): one for name, one in known.files.items()}
    lying = {
        name.replace(known.state, "state"): data
        for name, (_, data) in files(backup).items()
        if name != inventory.NAME
    }
    faults = {name: text.replace(str(backup), "") for name, text in known.faults.items()}
    return {"listed": listed, "lying": lying, "faults": faults}


def told(result: BackupResult, folder: Path) -> dict[str, Any]:
    faults = [text.replace(str(folder), "") for text in result.faults]
    return asdict(replace(result, faults=faults)) | {"at": None}


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_a_backup_in_parts_is_that_of_no_parts(
    archive: Workspace, tmp_path: Path, parts: int
) -> None:
    one, split = tmp_path / "one", tmp_path / "split"
    others = Others(archive, split, parts)
    whole = back_up(archive.archive, archive.index_url, one)
    result = back_up(archive.archive, archive.index_url, split, others=others)
    assert told(result, split) == told(whole, one)
    assert content(split) == content(one)
    assert others.copied == 3
    assert same(check_restored(split, tmp_path / "restored"), archive)
    again = back_up(archive.archive, archive.index_url, split, others=others)
    assert (again.new, again.unchanged, len(others.states)) == (0, 3, 1)


def test_what_is_damaged_or_missing_is_as_without_parts(archive: Workspace, tmp_path: Path) -> None:
    workspace = copy_of(archive, tmp_path / "copy")
    one, split = tmp_path / "one", tmp_path / "split"
    others = Others(workspace, split)
    back_up(workspace.archive, workspace.index_url, one)
    back_up(workspace.archive, workspace.index_url, split, others=others)
    first, second, third = sorted(path.name for path in workspace.archive.glob("*.warc.gz"))
    for backup in (one, split):
        damage(backup / "segments" / first)
        damage(backup / "segments" / second)
        (backup / "segments" / third).unlink()
    (workspace.archive / second).unlink()
    damage(workspace.archive / third)
    for check in (False, True):
        whole = back_up(workspace.archive, workspace.index_url, one, check=check)
        result = back_up(workspace.archive, workspace.index_url, split, check=check, others=others)
        assert told(result, split) == told(whole, one)
        assert content(split) == content(one)
    assert result.recopied == [first]
    assert len(result.faults) == 2


def test_a_backup_of_which_a_part_fails_is_none_and_is_continued(
    archive: Workspace, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    failing = Others(archive, backup, parts=3, fail_at=1)
    with pytest.raises(BackupError, match="a part could not be copied"):
        back_up(archive.archive, archive.index_url, backup, others=failing)
    known = inventory.read(backup)
    assert known is not None
    assert known.at is None
    assert list(backup.glob("state-*")) == []
    with pytest.raises(BackupError, match="holds no backup under way as state-"):
        failing.copy(1)
    kept = files(backup / "segments")
    assert 0 < len(kept) == failing.copied < 3
    others = Others(archive, backup, parts=3)
    result = back_up(archive.archive, archive.index_url, backup, others=others)
    assert others.copied == result.new == 3 - len(kept)
    assert files(backup / "segments").items() > kept.items()
    assert same(check_restored(backup, tmp_path / "restored"), archive)


def test_a_part_that_another_run_of_it_overtakes_copies_whole_files(
    archive: Workspace, tmp_path: Path
) -> None:
    one, split = tmp_path / "one", tmp_path / "split"
    back_up(archive.archive, archive.index_url, one)
    others = Others(archive, split, parts=1)
    overtaken: list[int] = []

    def overtake(_: int) -> None:
        if not overtaken:
            overtaken.append(0)
            overtaken[0] = others.copy(1).copied

    others._work = lambda: others.copy(1, overtake)  # type: ignore[method-assign]  # another run overtakes
    back_up(archive.archive, archive.index_url, split, others=others)
    assert overtaken == [3]
    assert content(split) == content(one)


def test_a_part_that_is_late_puts_nothing_into_the_backup(
    archive: Workspace, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    others = Others(archive, backup, parts=1)
    late: list[str] = []

    def end_meanwhile(_: int) -> None:
        if not late:
            late.append("")
            parts = backup / others.states[0] / "parts"
            parts.rename(parts.with_name("parts-ended"))
            shutil.rmtree(parts.with_name("parts-ended"))

    def work() -> None:
        with pytest.raises(BackupError, match="holds no backup under way as state-"):
            others.copy(1, end_meanwhile)
        late[0] = ",".join(files(backup / "segments"))

    others._work = work  # type: ignore[method-assign]  # as above
    result = back_up(archive.archive, archive.index_url, backup, others=others)
    assert late == [""]
    assert result.new == 3
    assert same(check_restored(backup, tmp_path / "restored"), archive)


@pytest.mark.parametrize("state", ["segments", "..", "state-none", "state-/../segments"])
def test_a_state_that_is_none_is_refused(archive: Workspace, tmp_path: Path, state: str) -> None:
    with pytest.raises(BackupError, match=r"holds no backup under way as|is no folder of a backup"):
        copy_part(FolderStore(archive.archive), tmp_path, state, (1, 1))


def test_parts_are_all_segments_once_and_share_their_bytes() -> None:
    sizes = [0, 5, 400, 1, 7, 300, 300, 2, 0]
    plan = Plan({f"{n}.warc.gz": FileDigest(size, "") for n, size in enumerate(sizes)}, check=False)
    for parts in (1, 2, 3, 20):
        each = [plan.part(number, parts) for number in range(1, parts + 1)]
        assert [name for part in each for name in part] == list(plan.segments)
        most = max(sum(one.size for one in part.values()) for part in each)
        assert most <= sum(sizes) / parts + max(sizes)
    assert Plan({}, check=False).part(1, 3) == {}
