"""Archives made to do harm: each ends with its reasons said, and all of them together take no more than a good one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archive.model.exchange import MAX_DOCUMENT
from archive.warc.wacz.reader import printable_name
from tests.support.archives import foreign_archives
from tests.support.faults.hostile_archives import CASES
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path

#: A small process between: a child's peak of memory begins with its parent's.
MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "scrapy", "replay", *sys.argv[1:]], capture_output=True).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
SLOW = {"large.warc.gz"}  # bench.hostile has it
#: What they may take beyond a good archive: measured, three and a half of the longest documents,
#: one in the batch, one as a record's block and one as its body. One kept of each would be nine.
MOST_GROWTH = 5 * MAX_DOCUMENT / 2**20


def measured_replay(workspace: Workspace, given: Path) -> tuple[int, float, float]:
    """The exit status of a replay, its CPU seconds, and its most memory in MiB."""
    command = [sys.executable, "-c", MEASURE, str(given)]
    done = subprocess.run(
        command, cwd=ROOT, env=workspace.environment(), capture_output=True, check=True, timeout=300
    )
    code, seconds, mebibytes = json.loads(done.stdout)
    return code, seconds, mebibytes


def test_hostile_archives_neither_hang_nor_fill_the_memory(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    given = tmp_path / "given"
    given.mkdir()
    for name, (make, _, _) in CASES.items():
        if name not in SLOW:
            (given / name).write_bytes(make())
    good = tmp_path / "good.warc"
    good.write_bytes(b"".join(foreign_archives.common_crawl()))
    with_good = Workspace(tmp_path / "with_good")
    with_good.folder.mkdir()
    _, _, base = measured_replay(with_good, good)
    code, seconds, mebibytes = measured_replay(workspace, given)
    assert code == 1
    assert mebibytes - base < MOST_GROWTH
    assert mebibytes < 300
    assert seconds < 5 * len(CASES)
    result: dict[str, set[str]] = {}
    for row in workspace.rows("outcomes"):
        name = row["source"].removeprefix(f"{given}/").partition("!")[0].partition("@")[0]
        result.setdefault(name, set()).add(row["reason"])
    for name, (_, expected, _) in CASES.items():
        if name not in SLOW and expected:
            assert result[name] & expected, name
    assert len(workspace.rows("articles")) == 1, "all good records in them show one article"
    written = {path.name for path in tmp_path.rglob("*") if not path.is_relative_to(given)}
    assert not [name for name in written if "escaped" in name]


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "가/나.warc", "x" * 5000])
def test_a_name_from_a_package_can_be_printed(name: str) -> None:
    assert printable_name(name).isprintable()
    assert len(printable_name(name)) <= 200
