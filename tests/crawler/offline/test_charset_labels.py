"""A page under any label of a charset is replayed, recovered and rebuilt: no label ends a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.runs.recorder import RunRecorder
from crawler.offline.recovery import recover
from pipelines.deposit import CaptureStore
from tests.support.archives.foreign_archives import PAGE, date, packed, rec
from tests.support.archives.warc_samples import exchange, writer
from tests.support.databases.postgres import url_of
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from archive.runs.recorder import Result

LABELS = (
    *("idna", "IDNA", "punycode", "base64", "base-64", "rot13", "rot-13", "hex", "zlib", "bz2"),
    *("uu", "quopri", "unicode_escape", "unicode-escape", "raw-unicode-escape", "utf-7", "unicode"),
    *("undefined", "mbcs", "oem", "charmap", "string-escape", "x-user-defined", "none", "utf8mb4"),
)
BODIES = (b"\xff" * 10 + b".", PAGE)


def head(label: str, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={label}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()


def address(number: int) -> str:
    return f"https://www.etoday.co.kr/news/view/{9000000100 + number}"


def test_replay_and_reindex_read_pages_under_any_label(tmp_path: Path) -> None:
    workspace, path = Workspace(tmp_path), tmp_path / "labels.warc.gz"
    records = []
    for number, (label, body) in enumerate((label, body) for label in LABELS for body in BODIES):
        facts = {"WARC_Target_URI": address(number), "WARC_Date": date()}
        block = head(label, body) + body
        http = {"Content_Type": "application/http; msgtype=response"}
        records.append(rec("1.1", "response", f"{number}", block, **facts, **http))
    path.write_bytes(packed(*records))
    assert workspace.call("replay", path).code == 1  # the pages of 11 bytes are none of any layout
    outcomes = [row["outcome"] for row in workspace.rows("captures")]
    assert outcomes == ["unparsed", "new"] * len(LABELS)
    assert workspace.call("reindex").code == 0
    assert [row["outcome"] for row in workspace.rows("captures")] == outcomes
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize("label", LABELS)
def test_recovery_reads_what_a_crawl_left_under_any_label(tmp_path: Path, label: str) -> None:
    out = writer(tmp_path)
    for number, body in enumerate(BODIES):
        out.write(exchange(url=address(number), head=head(label, body), body=body))
    out.sync()
    out._release()
    results: list[Result] = []
    with Index(url_of(tmp_path / "index.sqlite3")) as index, writer(tmp_path) as segments:
        store = CaptureStore(segments, index, RunRecorder("test"), results.append)
        assert recover(tmp_path, index, store) == len(BODIES)
        store.close()
    assert [str(result.verdict) for result in results] == ["unparsed/no_layout", "new"]
