"""Others' web archives replayed: what is kept of them, under whose name, and that a second time changes nothing."""

from __future__ import annotations

import gzip
import http.server
import os
import shutil
import subprocess
import threading
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from archive.warc.reader import Record, iterate
from tests.support.archives import foreign_archives
from tests.support.archives.foreign_archives import (
    HEAD,
    PAGE,
    URL,
    date,
    packed,
    rec,
    sha1,
    sha256,
    wacz,
)
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def kept(workspace: Workspace) -> list[Record]:
    """Every record of the archive, each of them whole."""
    found = [item for path in sorted(workspace.archive.glob("*.warc.gz")) for item in iterate(path)]
    assert all(isinstance(item, Record) for item in found), found
    return [item for item in found if isinstance(item, Record)]


def of(records: list[Record], kind: str) -> list[Record]:
    return [record for record in records if record.kind == kind]


def reasons(workspace: Workspace) -> list[tuple[str, str]]:
    return sorted((row["outcome"], row["reason"]) for row in workspace.rows("outcomes"))


def replayed(workspace: Workspace, path: Path, code: int = 0) -> list[Record]:
    """What the archive holds after the file was replayed; the second time adds nothing."""
    said = workspace.call("replay", path)
    assert (said.code, "Traceback" in said.err) == (code, False), said.err
    before, rows = workspace.kept_bytes(), workspace.rows("captures")
    again = workspace.call("replay", path)
    assert again.code == code, again.err
    assert workspace.kept_bytes() == before
    assert workspace.rows("captures") == rows
    verified = workspace.call("verify")
    assert verified.code == 0, verified.out
    return kept(workspace)


SHAPES = {
    "browsertrix": (foreign_archives.browsertrix, "Browsertrix-Crawler 1.5.0", "urn:uuid:b1", 1),
    "heritrix": (foreign_archives.heritrix, "Heritrix/3.4.0", "urn:uuid:h1", 1),
    "common_crawl": (foreign_archives.common_crawl, "StormCrawler 2.10", "urn:uuid:c2", 0),
}


@pytest.mark.parametrize("packing", ["members", "one member", "plain"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_foreign_archive_is_kept_with_requests_revisits_and_provenance(
    workspace: Workspace, tmp_path: Path, shape: str, packing: str
) -> None:
    make, software, record_id, revisits = SHAPES[shape]
    data = {
        "members": packed(*make()),
        "one member": gzip.compress(b"".join(make())),
        "plain": b"".join(make()),
    }
    path = tmp_path / ("a.warc" if packing == "plain" else "a.warc.gz")
    path.write_bytes(data[packing])
    records = replayed(workspace, path)
    (response,) = of(records, "response")
    assert response.exchange is not None
    assert (response.exchange.body, response.exchange.url) == (PAGE, URL)
    assert response.exchange.head in b"".join(make()), "the head is kept byte for byte"
    assert response.fields["x-archive-original-record-id"] == record_id
    assert response.fields["warc-payload-digest"] == sha256(PAGE)
    requests = of(records, "request")
    assert len(requests) == len(make()) - len([r for r in make() if b"WARC-Type: request" not in r])
    assert requests[0].fields["warc-concurrent-to"] == response.record_id
    assert b"Cookie: redacted" in requests[0].block
    info = next(
        r for r in of(records, "warcinfo") if response.fields["warc-warcinfo-id"] == r.record_id
    )
    assert f"imported from {path.name}; ".encode() in info.block
    assert f"software: {software}".encode() in info.block
    assert len(of(records, "revisit")) == revisits
    for revisit in of(records, "revisit"):
        assert revisit.fields["warc-profile"] == foreign_archives.HTTP_1_1
        assert revisit.fields["warc-refers-to"] == response.record_id
        assert revisit.fields["warc-refers-to-target-uri"] == URL
        assert revisit.fields["warc-refers-to-date"] == response.fields["warc-date"]
        assert revisit.fields["warc-payload-digest"] == sha256(PAGE)
        assert revisit.fields["x-archive-original-record-id"] in b"".join(make()).decode(
            "utf-8", "replace"
        )
        assert revisit.block == HEAD
    rows = workspace.rows("captures")
    assert sorted(row["record_type"] for row in rows) == ["response"] + ["revisit"] * revisits
    assert len({row["revision_id"] for row in rows}) == 1, (
        "a revisit shows what its original showed"
    )
    (article,) = workspace.export()
    assert article["headline"].startswith("달빛마을도서관")


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wacz_is_read_where_it_lies_and_named(
    workspace: Workspace, tmp_path: Path, how: int
) -> None:
    records = foreign_archives.browsertrix()
    # The revisit lies in a file that is read before the one with its original.
    path = wacz(
        tmp_path / "a.wacz",
        ("archive/a.warc.gz", packed(records[0], *records[5:])),
        ("archive/b.warc.gz", packed(*records[:5])),
        how=how,
    )
    found = replayed(workspace, path)
    assert [len(of(found, kind)) for kind in ("response", "request", "revisit")] == [1, 2, 1]
    (response,) = of(found, "response")
    info = next(
        r for r in of(found, "warcinfo") if response.fields["warc-warcinfo-id"] == r.record_id
    )
    description = info.block.decode()
    for fact in (
        "a.wacz",
        "archive/b.warc.gz",
        "Browsertrix 1.5",
        "수집",
        "rec-0.warc.gz",
        "Browsertrix-Crawler",
    ):
        assert fact in description, description
    assert ("skipped", "not_a_page") in reasons(workspace), "the crawler's own notes are no pages"
    (article,) = workspace.export()
    assert article["identity"] == "outlet"


def test_our_own_wacz_makes_the_same_archive_again(tmp_path: Path) -> None:
    first, second = Workspace(tmp_path / "a"), Workspace(tmp_path / "b")
    first.folder.mkdir()
    second.folder.mkdir()
    path = tmp_path / "foreign_archives.warc.gz"
    path.write_bytes(packed(*foreign_archives.heritrix()))
    replayed(first, path)
    assert first.call("export", tmp_path / "out.wacz").code == 0
    found = replayed(second, tmp_path / "out.wacz")
    theirs = kept(first)
    for kind in ("response", "request", "revisit"):
        ours, others = of(found, kind), of(theirs, kind)
        assert [(r.block, r.fields["warc-date"]) for r in ours] == [
            (r.block, r.fields["warc-date"]) for r in others
        ]
    name = "x-archive-original-record-id"
    assert [r.fields[name] for r in of(found, "response")] == ["urn:uuid:h1"], (
        "the first archive's id goes along"
    )
    assert b"Heritrix" in b"".join(r.block for r in of(found, "warcinfo"))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"WARC_Payload_Digest": sha1(PAGE)}, True),
        ({"WARC_Payload_Digest": sha256(PAGE)}, True),
        ({"WARC_Payload_Digest": sha1(b"another")}, False),
        ({"WARC_Payload_Digest": "blake3:unknown"}, False),
        ({}, False),
        ({"WARC_Refers_To_Target_URI": URL, "WARC_Refers_To_Date": date()}, True),
        ({"WARC_Refers_To_Target_URI": URL, "WARC_Refers_To_Date": date(2)}, False),
        (
            {
                "WARC_Refers_To_Target_URI": URL,
                "WARC_Payload_Digest": sha1(PAGE),
                "WARC_Refers_To_Date": date(3),
            },
            True,
        ),
        ({"WARC_Refers_To_Target_URI": URL + "9", "WARC_Payload_Digest": sha1(PAGE)}, False),
        ({"WARC_Refers_To_Target_URI": "no uri", "WARC_Payload_Digest": sha1(PAGE)}, False),
        ({"WARC_Refers_To_Date": "soon", "WARC_Payload_Digest": sha1(PAGE)}, False),
        ({"WARC_Payload_Digest": sha1(PAGE), "WARC_Date": "2023-01-01T00:00:00Z"}, False),
    ],
)
def test_a_revisit_is_kept_where_its_original_proves_to_be_ours(
    workspace: Workspace, tmp_path: Path, fields: dict[str, str], *, found: bool
) -> None:
    facts = {
        "WARC_Target_URI": URL,
        "WARC_Date": date(4),
        "WARC_Profile": foreign_archives.HTTP_1_0,
    } | fields
    revisit = rec("1.0", "revisit", "r1", b"", **facts)
    path = tmp_path / "a.warc"
    path.write_bytes(revisit + b"".join(foreign_archives.common_crawl()))
    records = replayed(workspace, path)
    assert len(of(records, "revisit")) == found
    assert (("skipped", "no_original") in reasons(workspace)) is not found


def test_an_original_may_come_with_another_archive_later(
    workspace: Workspace, tmp_path: Path
) -> None:
    records = foreign_archives.heritrix()
    late, early = tmp_path / "a.warc", tmp_path / "b.warc"
    late.write_bytes(b"".join(records[5:]))
    early.write_bytes(b"".join(records[:5]))
    assert workspace.call("replay", late).code == 0
    assert workspace.rows("captures") == []
    assert workspace.call("replay", late, early).code == 0
    assert sorted(row["record_type"] for row in workspace.rows("captures")) == [
        "response",
        "revisit",
    ]


def test_not_modified_stands_for_the_copy_that_it_names(
    workspace: Workspace, tmp_path: Path
) -> None:
    profile = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    named = {"WARC_Refers_To_Target_URI": URL, "WARC_Refers_To_Date": date()}
    facts = {"WARC_Target_URI": URL, "WARC_Date": date(2), "WARC_Profile": profile}
    answer = {"Content_Type": "application/http; msgtype=response"}
    block = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    path = tmp_path / "a.warc"
    path.write_bytes(
        b"".join(foreign_archives.common_crawl())
        + rec("1.1", "revisit", "n1", block, **facts, **named, **answer)
        + rec("1.1", "revisit", "n2", block, **(facts | {"WARC_Date": date(3)}), **answer)
    )
    (revisit,) = of(replayed(workspace, path), "revisit")
    assert revisit.fields["warc-profile"] == profile
    assert revisit.fields["x-archive-original-record-id"] == "urn:uuid:n1"
    assert ("skipped", "no_original") in reasons(workspace), "n2 names nothing that could be proven"


def test_a_head_that_others_made_false_is_made_true_and_its_words_are_kept(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(foreign_archives.decoded_under_its_old_head()))
    (response,) = of(replayed(workspace, path), "response")
    assert response.exchange is not None
    assert response.exchange.body == PAGE
    head = response.exchange.head.decode()
    for line in (
        "X-Archive-Orig-Content-Encoding: gzip",
        "X-Archive-Orig-Transfer-Encoding: chunked",
    ):
        assert f"\r\n{line}\r\n" in head
    assert f"\r\nContent-Length: {len(PAGE)}\r\n" in head
    assert len(workspace.export()) == 1


def test_a_thousand_descriptions_are_not_all_repeated(workspace: Workspace, tmp_path: Path) -> None:
    records = []
    for number in range(300):
        records.append(
            rec(
                "1.1",
                "warcinfo",
                f"i{number}",
                b"software: x%d\r\n" % number + b"description: " + b"y" * 9000,
            )
        )
        at = {
            "WARC_Target_URI": f"{URL}{number}",
            "WARC_Date": date(),
            "Content_Type": "application/http",
        }
        records.append(rec("1.1", "response", f"p{number}", HEAD + PAGE, **at))
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(records))
    assert workspace.call("replay", path).code == 0
    infos = of(kept(workspace), "warcinfo")
    assert len(infos) == 1 + 100 + 1
    assert max(len(info.block) for info in infos) < 2000


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS", b"POST"])
@pytest.mark.parametrize("request_first", [False, True])
def test_the_answer_to_another_method_says_nothing_of_the_page(
    workspace: Workspace, tmp_path: Path, method: bytes, request_first: bool
) -> None:
    http = {"Content_Type": "application/http; msgtype=response"}
    asked = {"Content_Type": "application/http; msgtype=request", "WARC_Target_URI": URL}
    at = {"WARC_Target_URI": URL, "WARC_Date": date(2)}
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    pair = [
        rec("1.1", "response", "p2", gone, **at, **http),
        rec(
            "1.1",
            "request",
            "q2",
            method + b" /news/view/9000000002 HTTP/1.1\r\n\r\n",
            **asked,
            WARC_Date=date(2),
            WARC_Concurrent_To="<urn:uuid:p2>",
        ),
    ]
    page = rec("1.1", "response", "p1", HEAD + PAGE, **{**at, "WARC_Date": date()}, **http)
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join([page, *(reversed(pair) if request_first else pair)]))
    said = workspace.call("replay", path)
    assert said.code == 0, said.err
    assert "skipped/not_a_page" in said.out
    assert [record["status"] for record in workspace.export()] == ["published"]
    assert len(workspace.rows("captures")) == 1


@contextmanager
def proxy(body: bytes) -> Iterator[str]:
    """A proxy that answers every request for any host with the page; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.endswith("/news/view/9000000002")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body) if found else 0))
            self.end_headers()
            self.wfile.write(body if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
@pytest.mark.parametrize("options", [[], ["--no-warc-compression"]])
def test_what_wget_itself_wrote_is_kept(
    workspace: Workspace, tmp_path: Path, options: list[str]
) -> None:
    """The tool itself: one page, and again with its own deduplication, which writes a revisit."""
    url = URL.replace("https", "http")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with proxy(PAGE) as address:
        for name, more in (("one", []), ("two", ["--warc-dedup=one.cdx"])):
            through = ["-e", "use_proxy=yes", "-e", f"http_proxy={address}"]
            command = [
                "wget",
                "-q",
                "--no-config",
                *through,
                "-O",
                "x.html",
                f"--warc-file={name}",
                "--warc-cdx",
            ]
            command += [*more, *options, url]
            subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=300)
    folder = tmp_path / "given"
    folder.mkdir()
    for path in tmp_path.glob("*.warc*"):
        path.rename(folder / path.name)
    records = replayed(workspace, folder)
    (response,) = of(records, "response")
    assert response.exchange is not None
    assert (response.exchange.body, response.exchange.url) == (PAGE, url)
    (revisit,) = of(records, "revisit")
    assert revisit.fields["warc-refers-to"] == response.record_id
    requests = of(records, "request")
    assert [r.fields["warc-concurrent-to"] for r in requests] == [
        response.record_id,
        revisit.record_id,
    ]
    assert requests[0].block.startswith(b"GET ")
    assert b"software: Wget/" in b"".join(r.block for r in of(records, "warcinfo"))
    assert set(reasons(workspace)) == {("new", ""), ("skipped", "not_a_page")}


@pytest.mark.parametrize("name", ["old.arc", "old.arc.gz"])
def test_a_legacy_arc_file_is_kept(workspace: Workspace, tmp_path: Path, name: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n"
    lines = b"1 0 InternetArchive\nURL IP-address Archive-date Content-type Archive-length\n"
    records = [
        b"filedesc://old.arc 0.0.0.0 20090102030405 text/plain %d\n%s\n" % (len(lines), lines),
        b"%s 203.0.113.9 20230901030405 text/html %d\n%s\n"
        % (URL.encode(), len(head + PAGE), head + PAGE),
    ]
    data = packed(*records) if name.endswith(".gz") else b"".join(records)
    (tmp_path / name).write_bytes(data)
    (response,) = of(replayed(workspace, tmp_path / name), "response")
    assert response.exchange is not None
    assert (response.exchange.url, response.exchange.body) == (URL, PAGE)
    assert response.exchange.captured_at == datetime(2023, 9, 1, 3, 4, 5, tzinfo=UTC)
    assert "x-archive-original-record-id" not in response.fields
    assert reasons(workspace).count(("new", "")) == 1
