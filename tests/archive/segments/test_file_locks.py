"""Locks on files: exclusive, shared, left by a holder that deleted its file or was killed."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest

from archive.segments.files import file_locks
from archive.segments.files.file_locks import (
    LockHeldError,
    create,
    exclusive,
    is_held,
    shared,
    take_over,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_an_exclusive_lock_excludes_every_other(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with exclusive(path):
        with pytest.raises(LockHeldError):
            exclusive(path)
        with pytest.raises(LockHeldError):
            shared(path)
        assert is_held(path)
    assert not is_held(path)
    exclusive(path).close()


def test_shared_locks_exclude_only_exclusive_ones(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with shared(path), shared(path):
        assert not is_held(path)
        with pytest.raises(LockHeldError):
            exclusive(path)
    exclusive(path).close()


def test_a_shared_lock_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        shared(tmp_path / "lock")
    with pytest.raises(FileNotFoundError):
        is_held(tmp_path / "lock")


def test_a_lock_file_is_deleted_on_release_if_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive(path, remove=True):
        assert path.exists()
    assert not path.exists()


def test_a_lock_on_a_deleted_file_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the file is locked, its holder deletes it and another process creates it again."""
    path = tmp_path / "lock"
    flock = file_locks.fcntl.flock
    calls: list[int] = []

    def late(fd: int, how: int) -> None:
        calls.append(fd)
        if len(calls) == 1:
            path.unlink()
            path.touch()
        flock(fd, how)

    monkeypatch.setattr(file_locks.fcntl, "flock", late)
    with exclusive(path) as lock:
        assert os.path.samestat(os.fstat(lock.fd), path.stat())
    assert len(calls) == 2


def test_where_a_file_system_has_no_locks_nothing_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: int, __: int) -> None:
        raise OSError(37, "No locks available")

    path = tmp_path / "segment"
    path.touch()
    monkeypatch.setattr(file_locks.fcntl, "flock", missing)
    with exclusive(path), shared(path):
        assert is_held(path)
    assert take_over(path) == -1


def _hold(path: Path, ready: Any) -> None:
    create(path)
    ready.set()
    signal.pause()


def test_a_dead_writers_file_is_taken_over_and_a_live_ones_is_not(tmp_path: Path) -> None:
    path = tmp_path / "segment"
    context = get_context("spawn")
    ready = context.Event()
    writer = context.Process(target=_hold, args=(path, ready))
    writer.start()
    try:
        assert ready.wait(300)
        assert is_held(path)
        assert take_over(path) == -1
    finally:
        writer.kill()
        writer.join()
    assert not is_held(path)
    fd = take_over(path)
    assert fd >= 0
    assert take_over(path) == -1
    os.close(fd)
    assert take_over(tmp_path / "none") == -1
