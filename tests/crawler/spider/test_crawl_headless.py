"""An article's address that answers without a status line: kept, said, failed, asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.warc.reader import iterate
from archive.warc.record_parser import Record
from tests.support.archives.traces import wrong
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.fault_server.scripts import says

if TYPE_CHECKING:
    from pathlib import Path

PAGE = b"<html><body><h1>HTTP/0.9</h1></body></html>"


@pytest.mark.parametrize("head", [b"", b"220 ready\r\n\r\n"], ids=["no head", "no status line"])
def test_an_answer_without_status_line_is_kept_and_its_record_says_so(
    tmp_path: Path, head: bytes
) -> None:
    with site_of_today("etoday", 4) as site:
        crawls = Crawls.into(tmp_path, site)
        (ill, *_) = site.ids()
        site.fault(f"/view/{ill}", "raw", script=says(head + PAGE))
        said = crawls.run(RETRY_TIMES="0")
        assert "failed/connection_lost" in said.out + said.err
        site.heal()
        crawls.make_due()
        assert crawls.run(RETRY_TIMES="0").code == 0, "the failure was of that visit alone"
    workspace = crawls.workspace
    assert len(crawls.revisions()) == 4
    records = [
        one
        for segment in workspace.archive.glob("*.warc.gz")
        for one in iterate(segment)
        if isinstance(one, Record) and one.fields.get("x-archive-http-status") == "none"
    ]
    (kept,) = records
    assert kept.kind == ("response" if head else "resource")
    assert kept.exchange is not None
    assert (kept.exchange.head, kept.exchange.body) == (head, PAGE)
    assert kept.fields["warc-truncated"] == "disconnect"
    assert wrong(workspace) == []
    again = workspace.run("reindex", "--processes", "1")
    assert again.code == 0, again.out + again.err
    assert len(crawls.revisions()) == 4
    assert wrong(workspace) == []
