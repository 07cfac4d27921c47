"""``scrapy replay`` as a process: what is kept of what is given, once, and how a long one is stopped and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from archive.model.exchange import MAX_DOCUMENT, Location
from archive.segments import lookup
from archive.warc import reader
from tests.support.archives.captures import warc_of
from tests.support.documents import SEEDS, fixtures, read_article
from tests.support.pages import PAGE, TEXTS, UNKNOWN_HTML, write_page
from tests.support.processes.cli import Workspace, summary


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_replaying_the_seeds_twice_keeps_everything_once(workspace: Workspace) -> None:
    said = workspace.run("replay", SEEDS)
    assert (said.code, said.err) == (0, "")
    figures = summary(said)
    articles = [read_article(path) for path in fixtures()]
    # A text without an address is one of the articles that a page with an address shows.
    ids = {(article.outlet, article.article_id) for article in articles if article.url}
    assert set(figures) == {outlet for outlet, _ in ids}
    for outlet, row in figures.items():
        assert row["captures"] == sum(row.values()) - row["captures"]
        assert row["new"] == sum(outlet == other for other, _ in ids)
        assert (row["changed"], row["unparsed"], row["skipped"], row["failed"]) == (0, 0, 0, 0)
    assert sum(row["captures"] for row in figures.values()) == len(fixtures())
    kept = workspace.kept_bytes()
    counts = {
        table: len(workspace.rows(table))
        for table in ("articles", "revisions", "captures", "aliases")
    }
    assert counts["articles"] == counts["revisions"] == len(ids)
    assert counts["captures"] == len(fixtures())

    again = workspace.run("replay", SEEDS)
    assert (again.code, again.err) == (0, "")
    for outlet, row in summary(again).items():
        assert row["unchanged"] == row["captures"] == figures[outlet]["captures"]
    assert {table: len(workspace.rows(table)) for table in counts} == counts
    assert workspace.kept_bytes() == kept


def test_what_is_not_free_to_read_is_counted_apart(workspace: Workspace, tmp_path: Path) -> None:
    fixture = SEEDS / "newspim" / "own-desktop-2026.html"
    stated = '<meta name="isAccessibleForFree" content="false"></head>'
    page = tmp_path / "paid" / "page.html"
    page.parent.mkdir()
    page.write_text(fixture.read_text("utf-8").replace("</head>", stated, 1), "utf-8")
    shutil.copy(fixture.with_suffix(".json"), page.with_suffix(".json"))
    said = workspace.run("replay", SEEDS / "etoday", page)
    assert said.code == 0, said
    assert "paywalled newspim: 1 of the stored" in said.out
    assert "paywalled etoday" not in said.out
    again = workspace.run("replay", page)
    assert "paywalled" not in again.out
    rebuilt = workspace.call("reindex")
    counted = [line for line in rebuilt.out.splitlines() if line.startswith("paywalled")]
    assert counted == ["paywalled newspim: 1 of the stored"]


def saved(folder: Path, name: str, url: str, **stated: str) -> Path:
    """Save a fixture's page as if it had been fetched from another address."""
    page = folder / f"{name.replace('/', '-')}-{len(list(folder.glob('*.html')))}.html"
    html = (SEEDS / f"{name}.html").read_bytes()
    page.write_bytes(html)
    told = {"url": url, "captured_at": "2026-11-20T09:00:00+09:00", **stated}
    page.with_suffix(".json").write_text(json.dumps(told), "utf-8")
    return page


def test_an_outlet_that_a_person_states_is_believed(workspace: Workspace, tmp_path: Path) -> None:
    mirror = "https://mirror.example.org/news/view/77"
    own = "https://www.etoday.co.kr/news/view/9000000002"
    page = saved(tmp_path, "etoday/own-desktop-2020", mirror)
    said = workspace.run("replay", page)
    assert "skipped/unknown_outlet" in said.out
    canonical = f'<link rel="canonical" href="{own}"></head>'
    page.write_text(page.read_text("utf-8").replace("</head>", canonical, 1), "utf-8")
    said = workspace.run("replay", "--outlet", "etoday", page)
    assert said.code == 0, said
    (article,) = workspace.rows("articles")
    assert (article["outlet"], article["article_id"]) == ("etoday", "9000000002")
    assert article["url"] == own
    assert mirror not in {row["alias"] for row in workspace.rows("aliases")}
    assert workspace.run("replay", SEEDS / "etoday" / "own-desktop-2020.html").code == 0
    assert len(workspace.rows("articles")) == 1
    for verb in (["reindex"], ["verify"]):
        said = workspace.run(*verb)
        assert said.code == 0, said
    assert [row["article_id"] for row in workspace.rows("articles")] == ["9000000002"]


def test_the_outlet_of_a_host_is_believed_before_a_person(
    workspace: Workspace, tmp_path: Path
) -> None:
    page = saved(tmp_path, "etoday/own-desktop-2020", "https://www.newspim.com/about")
    said = workspace.run("replay", "--outlet", "etoday", page)
    assert "skipped/not_an_article etoday: 1" in said.out
    assert workspace.rows("articles") == []


def test_a_sidecar_states_the_outlet_of_any_host_too(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    page = saved(folder, "newspim/own-desktop-2026", "http://localhost:8000/a", outlet="newspim")
    text = page.read_text("utf-8").replace("https://www.newspim.com/news/view/", "/v/")
    page.write_text(text, "utf-8")
    assert workspace.run("replay", folder).code == 0
    (article,) = workspace.rows("articles")
    assert article["article_id"].startswith("content-")


def test_pages_of_other_hosts_in_a_web_archive_are_not_taken_for_the_outlet(
    workspace: Workspace, tmp_path: Path
) -> None:
    html = (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes()
    warc = warc_of(tmp_path / "a.warc.gz", ("https://mirror.example.org/news/view/77", html))
    said = workspace.run("replay", "--outlet", "etoday", warc)
    assert "skipped/not_an_article etoday: 1" in said.out
    assert workspace.rows("articles") == []


def test_the_archive_holds_every_document_byte_for_byte(workspace: Workspace) -> None:
    assert workspace.run("replay", SEEDS).code == 0
    bodies: list[bytes] = []
    for segment in workspace.archive.glob("*.warc.gz"):
        for found in reader.iterate(segment, MAX_DOCUMENT):
            assert isinstance(found, reader.Record), found
            if found.exchange is not None:
                bodies.append(found.exchange.head + found.exchange.body)
    assert sorted(bodies) == sorted(path.read_bytes() for path in fixtures())


def test_the_captures_lie_where_their_rows_say(workspace: Workspace) -> None:
    assert workspace.run("replay", SEEDS).code == 0
    for row in workspace.rows("captures"):
        place = (
            row["warc_file"],
            row["warc_offset"],
            row["warc_length"],
            row["record_id"],
            row["payload_digest"],
        )
        found = lookup.read_at(workspace.archive, Location(*place))
        assert found.exchange is not None
        assert found.exchange.url == row["url"]
        assert found.exchange.head + found.exchange.body == Path(row["source"]).read_bytes()


def test_a_warc_of_ours_replays_into_another_archive_with_the_same_articles(tmp_path: Path) -> None:
    first, second = Workspace(tmp_path / "a"), Workspace(tmp_path / "b")
    first.folder.mkdir()
    second.folder.mkdir()
    pages = [path for path in fixtures() if path.suffix == ".html"]
    assert first.run("replay", *pages).code == 0
    (segment,) = first.archive.glob("*.warc.gz")
    said = second.run("replay", segment)
    assert (said.code, said.err) == (0, "")
    without = ("warc",)
    a, b = (
        [{k: v for k, v in row.items() if k not in without} for row in workspace.export()]
        for workspace in (first, second)
    )
    assert a == b
    kept = second.kept_bytes()
    again = second.run("replay", segment)
    assert all(row["unchanged"] == row["captures"] for row in summary(again).values())
    assert second.kept_bytes() == kept


def test_a_folder_named_like_a_page_is_a_folder(workspace: Workspace) -> None:
    folder = workspace.folder / "x.html"
    write_page(folder, "9000000778")
    said = workspace.run("replay", folder)
    assert (said.code, said.err) == (0, "")
    assert len(workspace.rows("articles")) == 1


def test_records_of_other_hosts_in_a_warc_are_passed_over(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = warc_of(
        tmp_path / "foreign.warc.gz",
        ("https://news.example.org/1", UNKNOWN_HTML),
        ("https://www.etoday.co.kr/news/view/9000000002", PAGE.read_bytes()),
        ("https://www.etoday.co.kr/", b"<html><body>front page</body></html>"),
    )
    said = workspace.run("replay", path)
    assert (said.code, said.err) == (0, "")
    assert "skipped/unknown_outlet" in said.out
    assert summary(said)["etoday"] == {
        "captures": 2,
        "new": 1,
        "changed": 0,
        "unchanged": 0,
        "unparsed": 0,
        "skipped": 1,
        "failed": 0,
    }
    assert {row["url"] for row in workspace.rows("captures")} == {
        "https://www.etoday.co.kr/news/view/9000000002",
        "https://www.etoday.co.kr/",
    }


def test_stopping_a_long_replay_leaves_a_readable_archive_and_it_can_go_on(
    workspace: Workspace,
) -> None:
    pages, many = workspace.folder / "pages", 2500
    for number in range(many):
        write_page(pages, f"90001{number:05}")
    # An empty page is told of at once: by then hundreds are read, and thousands are still to come.
    (pages / "9000100450a.html").touch()
    process = workspace.start("replay", pages, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"empty_file" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, err.decode()
    assert b"Traceback" not in err
    assert b"Stopped" in err
    kept = len(workspace.rows("captures"))
    assert 400 < kept < many
    assert str(kept) in out.decode()
    # A batch that was being written leaves its segment open: its records may have no rows yet.
    was_open = bool(list(workspace.archive.glob("*.open")))
    assert workspace.run("recover").code == 0
    kept, told = len(workspace.rows("captures")), kept
    assert kept == told or was_open
    assert kept >= told
    read = [
        f
        for segment in workspace.archive.glob("*.warc.gz")
        for f in reader.iterate(segment, MAX_DOCUMENT)
    ]
    assert all(isinstance(found, reader.Record) for found in read)
    assert (
        sum(found.exchange is not None for found in read if isinstance(found, reader.Record))
        == kept
    )
    again = summary(workspace.run("replay", pages))
    assert again["etoday"]["unchanged"] == kept
    assert again["etoday"]["new"] == many - kept


def test_one_document_given_three_times_is_one_capture(workspace: Workspace) -> None:
    said = workspace.run("replay", PAGE, PAGE, PAGE)
    assert summary(said)["etoday"]["new"] == 1
    assert summary(said)["etoday"]["unchanged"] == 2
    assert len(workspace.rows("captures")) == 1


def test_the_same_bytes_at_another_time_are_a_capture_and_no_revision(workspace: Workspace) -> None:
    first = write_page(
        workspace.folder / "a", "9000000779", captured_at="2024-05-07T06:00:00+00:00"
    )
    second = write_page(
        workspace.folder / "b", "9000000779", captured_at="2024-05-09T06:00:00+00:00"
    )
    assert first.read_bytes() == second.read_bytes()
    assert workspace.run("replay", first).code == 0
    said = workspace.run("replay", second)
    assert summary(said)["etoday"]["unchanged"] == 1
    assert (len(workspace.rows("captures")), len(workspace.rows("revisions"))) == (2, 1)


def test_names_with_spaces_hangul_and_no_utf8_are_read(workspace: Workspace) -> None:
    folder = workspace.folder / "이름 에 공백"
    folder.mkdir()
    shutil.copy(TEXTS[0], os.fsencode(folder) + b"/\xb1\xe2\xbb\xe7.txt")
    shutil.copy(TEXTS[1], folder / "기사 1.TXT")
    said = workspace.run("replay", folder)
    assert (said.code, said.err) == (0, "")
    assert len(workspace.rows("articles")) == 2


def test_a_saved_page_is_kept_with_the_charset_it_was_read_in(
    workspace: Workspace, tmp_path: Path
) -> None:
    """What the page declares stays the page's own word, here and after a reindex."""
    folder = tmp_path / "pages"
    folder.mkdir()
    text = "<html><head>{}<title>별섬</title></head><body>별섬 우체국</body></html>"
    meta = '<meta charset="euc-kr">'
    (folder / "a.html").write_bytes(text.format(meta).encode("cp949"))
    (folder / "b.html").write_bytes(text.format("").encode("cp949"))
    (folder / "c.html").write_bytes(text.format(meta).encode())
    (folder / "d.txt").write_bytes("별섬 우체국 이투데이".encode())
    for name in "abcd":
        stated = {"url": f"https://www.etoday.co.kr/news/view/{ord(name)}"}
        (folder / f"{name}.json").write_text(json.dumps(stated))
    workspace.call("replay", folder)
    types = [row["media_type"] for row in workspace.rows("captures")]
    html = "text/html; charset="
    assert types == [f"{html}euc-kr", f"{html}euc-kr", f"{html}utf-8", "text/plain; charset=utf-8"]
    columns = ("charset_declared", "charset_used", "charset_damage")
    before = [[row[name] for name in columns] for row in workspace.rows("captures")]
    assert before[0] == ["euc-kr", "cp949", 0]
    assert before[2] == ["euc-kr", "utf-8", 0]
    workspace.call("recover")
    assert workspace.call("reindex").code == 0
    assert before == [[row[name] for name in columns] for row in workspace.rows("captures")]
