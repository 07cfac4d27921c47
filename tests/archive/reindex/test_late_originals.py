"""A revisit that lies in the archive before its original shows what that shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.segments.names import new_id
from archive.warc.record_writer import RevisitOf, payload_digest
from tests.support.archives.foreign_archives import HEAD, PAGE, URL
from tests.support.archives.warc_samples import MOMENT, exchange, writer
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)


def test_an_original_in_a_segment_that_was_begun_later(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    page = exchange(url=URL, captured_at=MOMENT + 2 * HOUR, head=HEAD, body=PAGE)
    other = replace(page, url=f"{URL}1", body=PAGE.replace(b"9000000002", b"90000000021"))
    with (
        writer(workspace.archive, new_id=new_id) as first,
        writer(workspace.archive, new_id=new_id, clock=lambda: MOMENT + HOUR) as second,
    ):
        first.write(other, outlet="etoday")
        place = second.write(page, outlet="etoday")
        digest = payload_digest(page)
        original = RevisitOf(page.url, page.captured_at, digest, place.record_id)
        later = replace(page, captured_at=MOMENT + 3 * HOUR)
        first.write_revisit(later, original, outlet="etoday")
    assert workspace.call("reindex").code == 0
    rows = {row["record_id"]: row for row in workspace.rows("captures")}
    (revisit,) = (row for row in rows.values() if row["record_type"] == "revisit")
    assert (revisit["outcome"], revisit["reason"]) == ("unchanged", "")
    assert revisit["revision_id"] == rows[place.record_id]["revision_id"] is not None
    assert workspace.call("verify").code == 0
    found = workspace.call("reindex")
    assert "what changed" not in found.out, found.out
