"""Times that no capture and no page can have, at every door: stored as unknown, what was stated is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from archive.http.message import retry_after
from archive.warc.reader import Record, iterate
from crawler.discovery.feeds import read_feed
from pipelines.time_sources import settle
from tests.support.archives.foreign_archives import HEAD, PAGE, URL, packed, rec
from tests.support.databases.index_rows import change
from tests.support.documents import MADE, NOON, SEEDS, read_bytes
from tests.support.pages import page_of
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

FAR = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+09:00",
    "1970-01-01T00:00:00Z",
    "1989-12-31T14:59:59Z",
    "2099-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31",
    "9999",
]
VERBS = (
    ("show", "etoday"),
    ("show", "etoday/9000000002"),
    ("search", "도서관"),
    ("export", "all.jsonl"),
    ("export", "all.csv"),
    ("status",),
    ("verify",),
    ("reindex",),
    ("verify",),
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def check_verbs(workspace: Workspace) -> None:
    for verb in VERBS:
        words = [workspace.folder / word if word.startswith("all.") else word for word in verb]
        said = workspace.call(*words)
        assert (said.code, "Traceback" in said.err) == (0, False), (verb, said)


def stated_times(workspace: Workspace) -> list[str]:
    (segment,) = workspace.archive.glob("*.warc.gz")
    found = [one for one in iterate(segment) if isinstance(one, Record)]
    return [one.fields["x-archive-original-date"] for one in found if one.exchange is not None]


@pytest.mark.parametrize("text", FAR)
def test_a_warc_date_that_cannot_be_is_no_known_time(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "far.warc.gz"
    http = {"Content_Type": "application/http; msgtype=response"}
    record = rec("1.1", "response", "f1", HEAD + PAGE, WARC_Target_URI=URL, WARC_Date=text, **http)
    path.write_bytes(packed(record))
    before = datetime.now(UTC)
    assert workspace.call("replay", SEEDS, path).code == 0
    (row,) = [row for row in workspace.rows("captures") if str(path) in row["source"]]
    assert not row["time_known"]
    assert datetime.fromisoformat(row["captured_at"]).replace(tzinfo=UTC) >= before
    assert text in stated_times(workspace)
    (article,) = [one for one in workspace.export() if one["article_id"] == "9000000002"]
    assert article["published_at"], "its page is read by today's layouts and times"
    count = len(workspace.rows("captures"))
    assert workspace.call("replay", path).code == 0
    assert len(workspace.rows("captures")) == count, "the same capture again"
    check_verbs(workspace)


@pytest.mark.parametrize("text", [text for text in FAR if "T" in text])
def test_a_sidecars_time_that_cannot_be_is_no_known_time(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    page, beside = page_of("9000000002", captured_at=text)
    (tmp_path / "far.html").write_bytes(page)
    (tmp_path / "far.json").write_bytes(beside)
    assert workspace.call("replay", tmp_path / "far.html").code == 0
    assert [row["time_known"] for row in workspace.rows("captures")] == [0]
    assert stated_times(workspace) == [text]
    check_verbs(workspace)


def test_a_capture_a_little_ahead_of_this_clock_is_believed(
    workspace: Workspace, tmp_path: Path
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=20)).replace(microsecond=0).isoformat()
    page, beside = page_of("9000000002", captured_at=soon)
    (tmp_path / "soon.html").write_bytes(page)
    (tmp_path / "soon.json").write_bytes(beside)
    assert workspace.call("replay", tmp_path / "soon.html").code == 0
    assert [row["time_known"] for row in workspace.rows("captures")] == [1]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2024", "2024"),
        ("2024-05-07T03:00:00.123456789Z", "2024-05-07T03:00:00.123456789Z"),
        ("2024-05-07T03:00:00Z", ""),
        ("2024-05-07T03:00:00.123456Z", ""),
    ],
)
def test_a_date_that_is_not_written_as_ours_is_kept(
    workspace: Workspace, tmp_path: Path, text: str, kept: str
) -> None:
    path = tmp_path / "date.warc.gz"
    http = {"Content_Type": "application/http; msgtype=response"}
    record = rec("1.1", "response", "f1", HEAD + PAGE, WARC_Target_URI=URL, WARC_Date=text, **http)
    path.write_bytes(packed(record))
    assert workspace.call("replay", path).code == 0
    assert stated_times(workspace) == [kept]
    assert [row["time_known"] for row in workspace.rows("captures")] == [1]
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize("text", ["0001-01-02 00:00:00.000000", "9999-12-31 23:59:59.999999"])
def test_an_index_that_holds_such_times_already_is_shown(workspace: Workspace, text: str) -> None:
    assert workspace.call("replay", *MADE).code == 0
    url = workspace.index_url
    change(url, "UPDATE captures SET captured_at = :text", text=text)
    for name in ("captured_at", "published_at", "modified_at"):
        change(url, f"UPDATE revisions SET {name} = :text", text=text)
    for verb in VERBS[:6]:
        words = [workspace.folder / word if word.startswith("all.") else word for word in verb]
        said = workspace.call(*words)
        assert (said.code, "Traceback" in said.err) == (0, False), (verb, said)


STATED = [
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+14:00",
    "1970-01-01",
]


@pytest.mark.parametrize("text", STATED)
@pytest.mark.parametrize("name", ["datePublished", "dateModified"])
def test_a_time_that_no_page_can_have_is_empty_and_its_text_kept(text: str, name: str) -> None:
    facts = json.dumps({"@type": "NewsArticle", name: text, "url": URL})
    page = PAGE.decode().replace(
        "</head>", f'<script type="application/ld+json">{facts}</script></head>'
    )
    read = read_bytes("etoday", page, url=URL, at=NOON)
    assert read.article is not None
    times = (read.article.published_at, read.article.modified_at)
    assert all(time is None or time.year > 1990 for time in times)
    alone = settle("", (text,), NOON)
    assert (alone.at, alone.raw) == (None, text)


@pytest.mark.parametrize("text", STATED)
def test_a_sitemap_keeps_its_entries_whose_date_cannot_be(text: str) -> None:
    entries = "".join(
        f"<url><loc>https://www.etoday.co.kr/news/view/{number}</loc><lastmod>{day}</lastmod></url>"
        for number, day in ((1, "2024-05-06"), (2, text), (3, "2024-05-06"))
    )
    body = f"<urlset>{entries}</urlset>".encode()
    read = read_feed(body, "text/xml", "https://www.etoday.co.kr/sitemap.xml", NOON)
    assert [bool(entry.modified_at) for entry in read.entries] == [True, False, True]


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 31 Dec 99999999999 23:59:59 GMT",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 +9999",
        "Mon, 01 Jan 2027 00:00:00 -999999999999",
        "9" * 5000 + " Jan 2027 00:00:00",
        "Mon, 01 Jan 2027 00:00:00 " + "9" * 5000,
    ],
)
def test_a_retry_after_beyond_reason_is_none_or_a_number(value: str) -> None:
    seconds = retry_after(value, NOON)
    assert seconds is None or 0 <= seconds < float("inf")
