"""Replays into a bucket that are killed at their requests, and what recovery makes of them."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import closing
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.support.databases import s3_server
from tests.support.databases.s3_server import CREDENTIALS, Door
from tests.support.documents import MADE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.databases.s3_server import Seen

#: Bytes of a part: the segment of the replay has some forty.
_PART = 1024


@dataclass(slots=True)
class UploadTally:
    """What the kills did; ``at`` counts them by the request at which they came.

    ``lost`` and ``twice`` are captures, ``unfinished`` uploads that stay in the bucket, ``left``
    segments that stay in the spool.
    """

    kills: int = 0
    at: dict[str, int] = field(default_factory=dict)
    resumed_parts: int = 0
    lost: int = 0
    twice: int = 0
    unfinished: int = 0
    left: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the kills cost nothing."""
        return not (self.lost or self.twice or self.unfinished or self.left or self.complaints)

    def line(self) -> str:
        """All of it in one line."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True)
class _Trial:
    """A workspace whose archive is in a bucket of its own."""

    workspace: Workspace
    bucket: str

    @classmethod
    def into(cls, folder: Path, door: Door) -> _Trial:
        folder.mkdir(parents=True)
        bucket = s3_server.new_bucket()
        settings = {
            "ARCHIVE_URL": f"s3://{bucket}/a",
            "S3_ENDPOINT": door.url,
            "SACHO_HOME": str(folder / "home"),
            **CREDENTIALS,
        }
        return cls(Workspace(folder, settings), bucket)

    def replay(self) -> list[str]:
        return ["replay", "-s", f"S3_PART_BYTES={_PART}", *map(str, MADE)]

    def records(self) -> list[str]:
        return sorted(row["record_id"] for row in self.workspace.rows("captures"))


def kill_uploads(folder: Path, kills: int, seed: int) -> UploadTally:
    """Kill as many replays, each at a request of its upload, and recover each.

    Half of the kills come before the request is carried out, half after.
    """
    tally, pick = UploadTally(), Random(seed)
    with closing(Door()) as door:
        whole = _Trial.into(folder / "whole", door)
        assert whole.workspace.run(*whole.replay()).code == 0
        first = next(i for i, one in enumerate(door.seen) if ".open/" in one.path)
        requests = len(door.seen) - first
        expected = len(whole.records())
        for number in range(kills):
            trial = _Trial.into(folder / str(number), door)
            _kill(trial, door, 1 + number * requests // kills, tally, after=pick.random() < 0.5)
            _recover(trial, door, expected, tally)
    return tally


def _kill(trial: _Trial, door: Door, number: int, tally: UploadTally, *, after: bool) -> None:
    """Kill a replay at that request since it began its segment; ``after``: when it was answered."""
    process = trial.workspace.start(
        *trial.replay(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seen = 0

    def watch(one: Seen) -> None:
        nonlocal seen
        seen += bool(seen) or ".open/" in one.path
        if seen == number + after and process.poll() is None:
            process.kill()
            if process.wait() == -signal.SIGKILL:  # it may just have ended by itself
                tally.kills += 1
                kind = _kind(one)
                tally.at[kind] = tally.at.get(kind, 0) + 1
            if not after:
                raise ConnectionError("it was killed")

    with _watched(door, watch):
        process.wait(timeout=120)


class _watched:  # noqa: N801  (used as a context manager)
    def __init__(self, door: Door, watch: Callable[[Seen], None]) -> None:
        self._door, self._watch = door, watch

    def __enter__(self) -> None:
        self._before, self._door.watch = self._door.watch, self._watch

    def __exit__(self, *_: object) -> None:
        self._door.watch = self._before


def _kind(one: Seen) -> str:
    if "partNumber" in one.query:
        return "part"
    if "uploadId" in one.query:
        return "complete" if one.method == "POST" else "list parts"
    if one.method == "POST":
        return "begin"
    return f"{one.method} {'open' if '.open/' in one.path else one.path.rpartition('.')[2]}"


def _recover(trial: _Trial, door: Door, expected: int, tally: UploadTally) -> None:
    """Recover, replay once more, verify; count what is wrong then."""
    there = sum(
        len(s3_server.parts(trial.bucket, one["Key"], one["UploadId"]))
        for one in s3_server.uploads(trial.bucket)
    )
    tally.resumed_parts += there
    before = len(door.seen)
    for verb in (["recover"], trial.replay(), ["verify"]):
        if verb == ["recover"]:
            verb += ["-s", f"S3_PART_BYTES={_PART}"]
        done = trial.workspace.run(*verb)
        if done.code or "Traceback" in done.err:
            tally.complaints.append(f"{verb[0]}: {done.out[-300:]} {done.err[-300:]}")
    sent = sum("partNumber" in one.query for one in door.seen[before:])
    records = trial.records()
    tally.lost += max(expected - len(records), 0)
    tally.twice += len(records) - len(set(records)) + max(len(records) - expected, 0)
    tally.unfinished += len(s3_server.unfinished(trial.bucket))
    tally.left += len(list(trial.workspace.folder.rglob("*.warc.gz*")))
    if any(".open/" in key for key in s3_server.keys(trial.bucket)):
        tally.complaints.append("a segment is announced that is none")
    if there and sent > _most_parts(trial) - there:
        tally.complaints.append(f"{sent} parts were sent, though {there} were there")


def _most_parts(trial: _Trial) -> int:
    sizes = [size for key, size in s3_server.keys(trial.bucket).items() if key.endswith(".gz")]
    return sum(-(-size // _PART) for size in sizes)
