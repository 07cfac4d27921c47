"""Captures shown alone and surrounded: bytes, records, damage, removal, lists, downloads."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.warc.reader import Record, iterate_file
from tests.support.archives.exports import crawled_twice
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace
from tests.support.readers.playback import ETODAY, HEADLINE_URL, UTF8, archive_of_every_kind
from tests.support.readers.playback_site import ROOM, capture, keep, playback
from tests.support.sites.web_servers import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

STAMP = "20240507010000"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("kinds"))
    archive_of_every_kind(workspace)
    return workspace


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[str]:
    with playback(workspace) as url:
        yield url


def stamp(row: dict[str, object]) -> str:
    return "".join(char for char in str(row["captured_at"])[:19] if char.isdigit())


def test_the_bytes_of_every_record_are_those_that_were_served(
    workspace: Workspace, server: str
) -> None:
    """By their digest; with the codings that were on them, which the client accepts."""
    for row in workspace.rows("captures"):
        asked = f"/web/{stamp(row)}id_/{row['url']}"
        answer = ask(server, asked, "Accept-Encoding: gzip, br")
        assert "sha256:" + hashlib.sha256(answer.body).hexdigest() == row["payload_digest"], row
        # A revisit and a 304 show what they repeat.
        expected = 200 if row["record_type"] == "revisit" else row["status"] or 200
        assert answer.status == expected
        assert answer.get("content-disposition") == "attachment"


def test_codings_are_undone_for_who_does_not_accept_them(server: str) -> None:
    asked = f"/web/{STAMP}id_/{ETODAY}9000000005"
    coded = ask(server, asked, "Accept-Encoding: gzip")
    assert coded.get("content-encoding") == "gzip"
    assert gzip.decompress(coded.body) == UTF8
    plain = ask(server, asked)
    assert plain.get("content-encoding") == ""
    assert plain.body == UTF8
    assert plain.get("vary") == "accept-encoding"


def test_an_error_that_was_captured_is_one(server: str) -> None:
    for modifier in ("", "mp_", "id_"):
        answer = ask(server, f"/web/{STAMP}{modifier}/{ETODAY}1")
        assert answer.status == 404
        assert answer.get("memento-datetime")


def test_what_surrounds_a_page_leads_to_its_article(server: str) -> None:
    for moment in (STAMP, "20240507020000"):  # the second is a 304
        text = ask(server, f"/web/{moment}/{HEADLINE_URL}").text
        assert f'href="{ROOM}/articles/newspim/20180302999902"' in text
        assert f'href="{ROOM}/articles/newspim/20180302999902/history"' in text
        assert f'href="/web/*/{HEADLINE_URL}"' in text
        assert '/record.warc.gz"' in text
        assert '/capture.wacz"' in text


def test_the_list_of_an_address_names_each_capture(server: str) -> None:
    text = ask(server, f"/web/*/{HEADLINE_URL}", "Accept-Language: en").text
    for moment in (STAMP, "20240507020000"):
        assert f'href="/web/{moment}/{HEADLINE_URL}"' in text
    assert "2 copies" in text


def test_a_document_without_an_address_is_shown_by_its_name(
    workspace: Workspace, server: str
) -> None:
    row = next(row for row in workspace.rows("captures") if row["url"].startswith("urn:"))
    assert ask(server, f"/web/{STAMP}/{row['url']}").status == 200
    answer = ask(server, f"/web/{STAMP}mp_/{row['url']}")
    assert answer.get("content-type") == "text/plain; charset=utf-8"


def test_the_record_comes_as_it_is_kept_with_its_request(workspace: Workspace, server: str) -> None:
    kept = b"".join(workspace.kept_bytes().values())
    for row in workspace.rows("captures"):
        data = ask(server, f"/captures/{row['id']}/record.warc.gz").body
        assert data in kept
        found = [one for one in iterate_file(io.BytesIO(data)) if isinstance(one, Record)]
        kinds = [one.kind for one in found]
        assert found[0].record_id == row["record_id"]
        assert kinds == [row["record_type"], *(["request"] if row["status"] else [])]


def test_the_package_holds_all_captures_of_the_article(tmp_path: Path) -> None:
    crawls = crawled_twice(tmp_path)
    rows = {row["id"]: row for row in crawls.workspace.rows("captures")}
    revisions = {row["id"]: row["article"] for row in crawls.workspace.rows("revisions")}
    by_article: dict[int, set[str]] = {}
    for row in rows.values():
        if row["revision_id"] is not None:
            by_article.setdefault(revisions[row["revision_id"]], set()).add(row["record_id"])
    with playback(crawls.workspace) as server:
        for number, row in rows.items():
            if row["revision_id"] is None or row["record_type"] == "resource":
                continue
            answer = ask(server, f"/captures/{number}/capture.wacz")
            assert answer.status == 200
            package = zipfile.ZipFile(io.BytesIO(answer.body))
            assert package.testzip() is None
            held = held_records(package)
            article = revisions[row["revision_id"]]
            own = {r["record_id"] for r in rows.values() if r["url"] == row["url"]}
            assert by_article[article] <= held
            others = set().union(*by_article.values()) - by_article[article] - own
            assert not others & held, "no other article"
            images = images_of(crawls.workspace, article)
            captured = {r["url"] for r in rows.values()} & images
            urls = {r["url"] for r in rows.values() if r["record_id"] in held}
            assert captured <= urls


def test_a_package_is_the_same_bytes_whenever_it_is_asked_for(workspace: Workspace) -> None:
    """A player asks more than once, and takes the parts of several answers for those of one."""
    rows = [one for one in workspace.rows("captures") if one["url"] == HEADLINE_URL]
    newest = max(datetime.fromisoformat(one["captured_at"]) for one in rows)
    with playback(workspace) as server:
        path = f"/captures/{rows[0]['id']}/capture.wacz"
        answers = [ask(server, path).body for _ in range(2)]
    assert answers[0] == answers[1]
    package = zipfile.ZipFile(io.BytesIO(answers[0]))
    assert {entry.date_time for entry in package.infolist()} == {newest.timetuple()[:6]}
    described = json.loads(package.read("datapackage.json"))
    assert described["created"] == described["modified"] == f"{newest:%Y-%m-%dT%H:%M:%SZ}"


def held_records(package: zipfile.ZipFile) -> set[str]:
    names = [name for name in package.namelist() if name.startswith("archive/")]
    found = [one for name in names for one in iterate_file(io.BytesIO(package.read(name)))]
    return {one.record_id for one in found if isinstance(one, Record)}


def images_of(workspace: Workspace, article: int) -> set[str]:
    rows = [row for row in workspace.rows("revisions") if row["article"] == article]
    return {image["url"] for row in rows for image in json.loads(row["images"])}


def test_a_removed_article_is_gone_by_every_address(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    url = "https://www.newspim.com/news/view/20180302999902"
    mobile = "http://m.newspim.com/news/view/20180302999902"
    page = (SEEDS / "newspim" / "own-desktop-2018-euckr.html").read_bytes()
    other = capture("https://www.newspim.com/list", "<p>x")
    keep(workspace, [capture(url, page, "text/html; charset=euc-kr"), other], "newspim")
    with playback(workspace) as server:
        assert ask(server, f"/web/{STAMP}/{url}").status == 200
        done = workspace.run("remove", "--reason", "법원 결정", "--yes", "newspim/20180302999902")
        assert done.code == 0, done.err
        for asked in ("web/2024/", "web/2024id_/", "web/2024mp_/", "web/*/", "timegate/"):
            for one in (url, url.replace("https", "http"), mobile):
                answer = ask(server, f"/{asked}{one}")
                assert answer.status == 410, (asked, one)
                assert "법원 결정" in answer.text
                assert "newspim/20180302999902" in answer.text
        assert ask(server, f"/timemap/link/{url}").status == 410
        for number in range(1, 4):
            kinds = ("record.warc.gz", "capture.wacz")
            gone = {ask(server, f"/captures/{number}/{kind}").status for kind in kinds}
            assert gone == ({200} if number == 2 else {404})
        assert ask(server, f"/web/{STAMP}/https://www.newspim.com/list").status == 200


def test_bytes_of_a_removed_article_are_shown_under_no_other_address(
    workspace: Workspace,
) -> None:
    url = f"{ETODAY}9000000006"
    (digest,) = {r["payload_digest"] for r in workspace.rows("captures") if r["url"] == url}
    with edited(workspace) as connection:
        connection.exec_driver_sql(
            "INSERT INTO removals VALUES (1, 'etoday', '77', '2026-01-01 00:00:00.0', '이유', 'x')"
        )
        connection.exec_driver_sql(f"INSERT INTO refused VALUES ('etoday', '{digest}', 1)")
    try:
        with playback(workspace) as server:
            answer = ask(server, f"/web/{STAMP}/{url}")
            assert answer.status == 410
            assert "etoday/77" in answer.text
            assert "이유" in answer.text
            assert ask(server, f"/web/{STAMP}/{HEADLINE_URL}").status == 200
    finally:
        with edited(workspace) as connection:
            connection.exec_driver_sql("DELETE FROM refused")
            connection.exec_driver_sql("DELETE FROM removals")


@contextmanager
def edited(workspace: Workspace) -> Iterator[Connection]:
    """The index, changed as no verb changes it."""
    with Index(workspace.index_url) as index, index.writing() as connection:
        yield connection


def test_a_damaged_record_is_a_sentence(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    keep(workspace, [capture(f"{ETODAY}9000000002", UTF8)])
    (row,) = workspace.rows("captures")
    (segment,) = workspace.archive.glob("*.warc.gz")
    data = bytearray(segment.read_bytes())
    data[row["warc_offset"] + row["warc_length"] // 2] ^= 255
    segment.chmod(0o644)
    segment.write_bytes(data)
    with playback(workspace) as server:
        paths = [f"/web/{STAMP}{m}/{row['url']}" for m in ("", "mp_", "id_", "im_", "cs_")]
        paths += ["/captures/1/record.warc.gz", "/captures/1/capture.wacz"]
        for asked in paths:
            answer = ask(server, asked)
            assert answer.status == 502, asked
            assert "Record " in answer.text
            assert "Traceback" not in answer.text
        segment.unlink()
        assert ask(server, paths[0]).status == 502


def test_a_revisit_whose_original_is_gone_is_a_sentence(workspace: Workspace) -> None:
    second = workspace.rows("captures")[1]["id"]
    with edited(workspace) as connection:
        connection.exec_driver_sql(f"UPDATE captures SET reason = 'removed' WHERE id = {second}")
    try:
        with playback(workspace) as server:
            answer = ask(server, f"/web/20240507020000/{ETODAY}9000000003")
            assert answer.status == 502
            assert "repeats an earlier one" in answer.text
    finally:
        with edited(workspace) as connection:
            connection.exec_driver_sql(f"UPDATE captures SET reason = '' WHERE id = {second}")


def test_a_page_that_is_too_long_is_offered_as_bytes(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    url = f"{ETODAY}1234567"
    page = "<p>가나다</p>" * 1_000_000
    packed = gzip.compress(page.encode(), mtime=0)
    keep(workspace, [capture(url, packed, "text/html", "Content-Encoding: gzip")])
    with playback(workspace) as server:
        answer = ask(server, f"/web/{STAMP}/{url}")
        assert answer.status == 200
        assert "<iframe" not in answer.text
        assert f'href="/web/{STAMP}id_/{url}"' in answer.text
        assert ask(server, f"/web/{STAMP}mp_/{url}").status == 502
        assert (
            gzip.decompress(ask(server, f"/web/{STAMP}id_/{url}", "Accept-Encoding: gzip").body)
            == page.encode()
        )


def test_a_bomb_of_gzip_does_not_fill_the_memory(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    url = f"{ETODAY}1234567"
    packed = gzip.compress(b"<p>" + bytes(200 * 2**20), mtime=0)
    keep(workspace, [capture(url, packed, "text/html", "Content-Encoding: gzip")])
    with playback(workspace) as server:
        for modifier in ("", "mp_", "im_", "id_"):
            answer = ask(server, f"/web/{STAMP}{modifier}/{url}")
            assert answer.status == 502, modifier
            assert "decode" in answer.text


def test_statuses_and_heads_that_http_does_not_know_are_answered(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    odd = [
        capture(f"{ETODAY}1", "<p>x", status="999 Denied"),
        capture(f"{ETODAY}2", "", status="204 No Content"),
        capture(f"{ETODAY}3", "<p>x", "text/html; charset=\xff\x01"),
        capture(f"{ETODAY}4", "\x00\x01", ""),
        capture(f"{ETODAY}5", "<p>x", "application/x-bittorrent"),
        capture(f"{ETODAY}6", "<!doctype html><p>x", ""),
        capture(f"{ETODAY}7", "x", "text/html", "Content-Encoding: gzip, rot13"),
        capture(f"{ETODAY}8", "x", "text/html", status="302 Found"),
    ]
    keep(workspace, odd)
    with playback(workspace) as server:
        for number, expected in zip(
            range(1, 9), (200, 200, 200, 200, 200, 200, 502, 200), strict=True
        ):
            for modifier in ("", "mp_", "id_", "im_", "cs_"):
                answer = ask(server, f"/web/{STAMP}{modifier}/{ETODAY}{number}")
                allowed = {200, 204, 302, 404} if expected == 200 else {200, 502, 404}
                assert answer.status in allowed, (number, modifier, answer.status)
            assert ask(server, f"/web/{STAMP}/{ETODAY}{number}").status == expected
        assert "<iframe" in ask(server, f"/web/{STAMP}/{ETODAY}6").text
        assert "<iframe" not in ask(server, f"/web/{STAMP}/{ETODAY}5").text


def test_a_style_sheet_leads_nowhere_but_into_the_archive(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    sheet = '@charset "utf-8"; @import "more.css"; @import url(//live.example/x.css);' + (
        "a { background: url(kept.png), url('http://live.example/a.png') }"
    )
    base = "https://www.etoday.co.kr/css/"
    keep(
        workspace,
        [
            capture(f"{base}main.css", sheet, "text/css"),
            capture(f"{base}more.css", "b{}", "text/css", at=datetime(2025, 1, 1, tzinfo=UTC)),
            capture(f"{base}kept.png", b"GIF89a", "image/gif"),
        ],
    )
    with playback(workspace) as server:
        answer = ask(server, f"/web/{STAMP}cs_/{base}main.css")
        assert answer.get("content-type") == "text/css; charset=utf-8"
        assert "live.example" not in answer.text
        assert f'@import "/web/{STAMP}cs_/{base}more.css"' in answer.text
        assert f'url("/web/{STAMP}im_/{base}kept.png")' in answer.text
        more = ask(server, f"/web/{STAMP}cs_/{base}more.css")
        assert (more.status, more.text) == (200, "b{}"), "the nearest in time, without a redirect"
        assert ask(server, f"/web/{STAMP}cs_/{base}kept.png").status == 404
        picture = ask(server, f"/web/{STAMP}im_/{base}kept.png")
        assert picture.get("content-type") == "image/gif"
        assert picture.get("cross-origin-resource-policy") == "cross-origin"


@pytest.mark.parametrize("ending", ["record.warc.gz", "capture.wacz"])
@pytest.mark.parametrize("number", [0, 2**63, 10**40])
def test_a_number_that_no_capture_has_is_not_found(server: str, number: int, ending: str) -> None:
    assert ask(server, f"/captures/{number}/{ending}").status == 404
