"""``scrapy replay`` as a process: what is kept, what is said, how it ends, and what bad input can't do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive import reader
from archive.exchange import MAX_DOCUMENT, Location
from tests.cli import Desk, Said, summary
from tests.keeping import warc_of
from tests.reading import SEEDS, fixtures

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = sorted(SEEDS.glob("*.txt"))
PAGE = SEEDS / "etoday" / "own-desktop-2020.html"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def page_of(article_id: str, **facts: str) -> tuple[bytes, bytes]:
    """An own page under another id, and its sidecar."""
    beside = json.loads(PAGE.with_suffix(".json").read_bytes())
    beside = {"captured_at": beside["captured_at"], "url": f"https://www.etoday.co.kr/news/view/{article_id}"} | facts
    text = PAGE.read_text("utf-8").replace("달빛마을도서관 '기록의 날'", f"도서관 {article_id}")
    return text.encode(), json.dumps(beside).encode()


def write_page(folder: Path, article_id: str, **facts: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{article_id}.html"
    data, beside = page_of(article_id, **facts)
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(beside)
    return path


def test_replaying_the_seeds_twice_keeps_everything_once(desk: Desk) -> None:
    said = desk.run("replay", SEEDS)
    assert (said.code, said.err) == (0, "")
    figures = summary(said)
    assert set(figures) == {"etoday", "newspim"}
    for outlet, row in figures.items():
        assert row["captures"] == sum(row.values()) - row["captures"]
        assert row["new"] == {"etoday": 2, "newspim": 3}[outlet]
        assert (row["changed"], row["unparsed"], row["skipped"], row["failed"]) == (0, 0, 0, 0)
    assert sum(row["captures"] for row in figures.values()) == len(fixtures())
    kept = desk.kept_bytes()
    counts = {table: len(desk.rows(table)) for table in ("articles", "revisions", "captures", "aliases")}
    assert counts["articles"] == counts["revisions"] == 5
    assert counts["captures"] == len(fixtures())

    again = desk.run("replay", SEEDS)
    assert (again.code, again.err) == (0, "")
    for outlet, row in summary(again).items():
        assert row["unchanged"] == row["captures"] == figures[outlet]["captures"]
    assert {table: len(desk.rows(table)) for table in counts} == counts
    assert desk.kept_bytes() == kept


def test_the_archive_holds_every_document_byte_for_byte(desk: Desk) -> None:
    assert desk.run("replay", SEEDS).code == 0
    bodies: list[bytes] = []
    for segment in desk.archive.glob("*.warc.gz"):
        for found in reader.iterate(segment, MAX_DOCUMENT):
            assert isinstance(found, reader.Found), found
            if found.exchange is not None:
                bodies.append(found.exchange.head + found.exchange.body)
    assert sorted(bodies) == sorted(path.read_bytes() for path in fixtures())


def test_the_captures_lie_where_their_rows_say(desk: Desk) -> None:
    assert desk.run("replay", SEEDS).code == 0
    for row in desk.rows("captures"):
        place = (row["warc_file"], row["warc_offset"], row["warc_length"], row["record_id"], row["payload_digest"])
        found = reader.read_at(desk.archive, Location(*place))
        assert found.exchange is not None
        assert found.exchange.url == row["url"]
        assert found.exchange.head + found.exchange.body == Path(row["source"]).read_bytes()


def test_a_warc_of_ours_replays_into_another_archive_with_the_same_articles(tmp_path: Path) -> None:
    first, second = Desk(tmp_path / "a"), Desk(tmp_path / "b")
    first.folder.mkdir()
    second.folder.mkdir()
    pages = [path for path in fixtures() if path.suffix == ".html"]
    assert first.run("replay", *pages).code == 0
    (segment,) = first.archive.glob("*.warc.gz")
    said = second.run("replay", segment)
    assert (said.code, said.err) == (0, "")
    without = ("warc",)
    a, b = ([{k: v for k, v in row.items() if k not in without} for row in desk.export()] for desk in (first, second))
    assert a == b
    kept = second.kept_bytes()
    again = second.run("replay", segment)
    assert all(row["unchanged"] == row["captures"] for row in summary(again).values())
    assert second.kept_bytes() == kept


def dangling_loop(path: Path) -> Path:
    loop = path / "loop.html"
    loop.symlink_to(loop)
    return loop


def made(name: str, data: bytes, beside: bytes | None = None) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        if beside is not None:
            path.with_suffix(".json").write_bytes(beside)
        return path

    return make


def truncated_warc(folder: Path) -> Path:
    whole = Desk(folder / "whole")
    whole.folder.mkdir()
    assert whole.run("replay", PAGE).code == 0
    (segment,) = whole.archive.glob("*.warc.gz")
    path = folder / "cut.warc.gz"
    path.write_bytes(segment.read_bytes()[:-700])
    return path


def empty_folder(folder: Path) -> Path:
    path = folder / "nothing"
    path.mkdir()
    return path


LOGIN = (
    '<html><head><title>로그인 - 이투데이</title></head><body><form><input name="id"><input type="password" name="pw">'
    "<p>로그인이 필요한 서비스입니다.</p></form></body></html>"
).encode()
UNKNOWN_HTML = "<html><head><title>어떤 신문</title></head><body><h1>제목</h1><p>본문이다.</p></body></html>".encode()
UNKNOWN_TEXT = "어떤 신문의 제목\n\n본문이 여기 있다. 그러나 어느 매체인지 알 수 없다.\n".encode()
AT_ETODAY = b'{"url": "https://www.etoday.co.kr/news/view/77"}'

#: What is given -> the reason it ends with.
BAD = {
    "missing": (lambda folder: folder / "none.html", "failed/missing"),
    "loop": (dangling_loop, "failed/"),
    "empty-folder": (empty_folder, "failed/missing"),
    "empty-file": (made("empty.html", b""), "failed/empty_file"),
    "binary": (made("picture.html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8), "failed/binary"),
    "other-ending": (made("page.pdf", b"%PDF-1.7"), "failed/unreadable"),
    "too-large": (made("huge.txt", b"\xea\xb0\x80" * (MAX_DOCUMENT // 3 + 1)), "failed/too_large"),
    "unknown-text": (made("other.txt", UNKNOWN_TEXT), "skipped/unknown_outlet"),
    "unknown-html": (made("other.html", UNKNOWN_HTML), "skipped/unknown_outlet"),
    "login": (made("login.html", LOGIN, AT_ETODAY), "unparsed/login_wall"),
    "white-space": (made("blank.html", b"  \r\n \t\n", AT_ETODAY), "unparsed/empty_body"),
    "sidecar-no-json": (made("a.html", LOGIN, b"{"), "failed/bad_sidecar"),
    "sidecar-list": (made("a.html", LOGIN, b"[]"), "failed/bad_sidecar"),
    "sidecar-time": (made("a.html", LOGIN, b'{"captured_at": "yesterday"}'), "failed/bad_sidecar"),
    "sidecar-zone": (made("a.html", LOGIN, b'{"captured_at": "2024-01-01T00:00:00"}'), "failed/bad_sidecar"),
    "sidecar-outlet": (made("a.html", LOGIN, b'{"outlet": "nobody"}'), "failed/bad_sidecar"),
    "sidecar-url": (made("a.html", LOGIN, b'{"url": "javascript:alert(1)"}'), "failed/bad_sidecar"),
    "sidecar-number": (made("a.html", LOGIN, b'{"captured_at": 5}'), "failed/bad_sidecar"),
    "sidecar-null-url": (made("a.html", UNKNOWN_HTML, b'{"url": null}'), "skipped/unknown_outlet"),
    "sidecar-utf16": (made("a.html", LOGIN, b"\xff\xfe\x00"), "failed/bad_sidecar"),
    "sidecar-far-time": (made("a.html", LOGIN, b'{"captured_at": "0001-01-01T00:00:00+09:00"}'), "failed/bad_sidecar"),
    "sidecar-deep": (made("a.html", LOGIN, b'{"a":' * 100_000), "failed/bad_sidecar"),
    "not-a-warc": (made("x.warc.gz", b"this is no WARC at all\n" * 20), "failed/"),
    "not-a-warc-plain": (made("x.warc", b"this is no WARC at all\n" * 20), "failed/"),
    "truncated-warc": (truncated_warc, "failed/truncated"),
    "half-head": (made("h.html", b"HTTP/1.1 200", AT_ETODAY), "failed/bad_sidecar"),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One replay of many bad inputs with a good page among them."""

    given: dict[str, Path]
    said: Said
    desk: Desk


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tried]:
    """Every bad input, in as few processes as show a sentence for each (a run shows twenty)."""
    found: dict[str, Tried] = {}
    kinds = list(BAD)
    for start in range(0, len(kinds), 13):
        desk = Desk(tmp_path_factory.mktemp("bad"))
        given: dict[str, Path] = {}
        for kind in kinds[start : start + 13]:
            folder = desk.folder / kind
            folder.mkdir()
            given[kind] = BAD[kind][0](folder)
        paths = list(given.values())
        paths.insert(len(paths) // 2, write_page(desk.folder / "good", "9000000777"))
        said = desk.run("replay", *paths)
        found |= dict.fromkeys(given, Tried(given, said, desk))
    return found


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_input_is_one_sentence_that_names_it_and_its_reason(tried: dict[str, Tried], kind: str) -> None:
    path, said, reason = tried[kind].given[kind], tried[kind].said, BAD[kind][1]
    (sentence,) = [line for line in said.sentences if line.startswith((f"{path}:", f"{path}@"))]
    assert str(path) in sentence
    assert reason in sentence
    assert len(sentence.split(reason)[1]) > 15, "it says what to do"
    outcomes = [row for row in tried[kind].desk.rows("outcomes") if row["source"].startswith(str(path))]
    assert any(f"{row['outcome']}/{row['reason']}".startswith(reason) for row in outcomes)


def test_bad_inputs_do_not_keep_the_others_from_being_read(tried: dict[str, Tried]) -> None:
    for one in tried.values():
        assert one.said.code == 1
        assert len(one.said.sentences) == len(one.given)
        assert "Traceback" not in one.said.err
        assert "9000000777" in [row["article_id"] for row in one.desk.rows("articles")]


def test_a_folder_named_like_a_page_is_a_folder(desk: Desk) -> None:
    folder = desk.folder / "x.html"
    write_page(folder, "9000000778")
    said = desk.run("replay", folder)
    assert (said.code, said.err) == (0, "")
    assert len(desk.rows("articles")) == 1


def test_records_of_other_hosts_in_a_warc_are_passed_over(desk: Desk, tmp_path: Path) -> None:
    path = warc_of(
        tmp_path / "foreign.warc.gz",
        ("https://news.example.org/1", UNKNOWN_HTML),
        ("https://www.etoday.co.kr/news/view/9000000002", PAGE.read_bytes()),
        ("https://www.etoday.co.kr/", b"<html><body>front page</body></html>"),
    )
    said = desk.run("replay", path)
    assert (said.code, said.err) == (0, "")
    assert "skipped/unknown_outlet" in said.out
    assert summary(said)["etoday"] == {
        "captures": 2, "new": 1, "changed": 0, "unchanged": 0, "unparsed": 0, "skipped": 1, "failed": 0,
    }  # fmt: skip
    assert {row["url"] for row in desk.rows("captures")} == {
        "https://www.etoday.co.kr/news/view/9000000002",
        "https://www.etoday.co.kr/",
    }


def newer_index(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.commit()
    connection.close()


def foreign_index(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (title)")
    connection.commit()
    connection.close()


def garbage_index(path: Path) -> None:
    path.write_bytes(b"no database, but something somebody wants to keep\n" * 100)


def folder_index(path: Path) -> None:
    path.mkdir()


UNUSABLE = {"newer": newer_index, "foreign": foreign_index, "garbage": garbage_index, "folder": folder_index}


@pytest.mark.parametrize("verb", ["replay", "show"])
@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_index_is_refused_in_a_sentence_and_not_touched(desk: Desk, kind: str, verb: str) -> None:
    UNUSABLE[kind](desk.index)
    before = desk.index.read_bytes() if desk.index.is_file() else b""
    said = desk.run(verb, *([TEXTS[0]] if verb == "replay" else []))
    assert (said.code, said.out) == (1, "")
    (sentence,) = said.sentences
    assert sentence.startswith(f"scrapy {verb}: ")
    assert str(desk.index) in sentence
    assert "INDEX_URL" in sentence, "it says what to do"
    assert (desk.index.read_bytes() if desk.index.is_file() else b"") == before
    assert not desk.archive.exists()
    assert {path.name for path in desk.folder.iterdir()} == {desk.index.name}


@pytest.mark.parametrize("kind", ["archive", "parent"])
def test_an_archive_that_is_a_file_is_refused_and_kept(desk: Desk, kind: str) -> None:
    blocked = desk.archive
    blocked.write_bytes(b"mine")
    env = {} if kind == "archive" else {"ARCHIVE_URL": str(desk.archive / "deeper")}
    said = desk.run("replay", TEXTS[0], env=env)
    assert said.code == 1
    (sentence,) = said.sentences
    assert str(blocked) in sentence
    assert "Traceback" not in said.err
    assert blocked.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INDEX_URL", "postgresql://localhost/x"),
        ("INDEX_URL", "no address"),
        ("INDEX_URL", "sqlite://"),
        ("INDEX_URL", "sqlite:////proc/none/x.sqlite3"),
        ("ARCHIVE_URL", "s3://bucket/x"),
        ("ARCHIVE_URL", "/proc/none"),
    ],
)
def test_a_setting_nobody_can_use_is_refused_in_a_sentence(desk: Desk, name: str, value: str) -> None:
    said = desk.run("replay", TEXTS[0], env={name: value})
    assert said.code == 1
    (sentence,) = said.sentences
    assert value.removeprefix("sqlite:///") in sentence or "/proc/none" in sentence
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "arguments", [["replay"], ["replay", "--outlet", "nobody", "x.txt"], ["replay", "--nonsense", "x"]]
)
def test_wrong_usage_ends_with_2_and_a_sentence(desk: Desk, arguments: list[str]) -> None:
    said = desk.run(*arguments)
    assert said.code == 2
    assert said.err + said.out
    assert "Traceback" not in said.err
    assert not desk.index.exists()
    assert not desk.archive.exists()


def test_stopping_a_long_replay_leaves_a_readable_archive_and_it_can_go_on(desk: Desk) -> None:
    pages, many = desk.folder / "pages", 2500
    for number in range(many):
        write_page(pages, f"90001{number:05}")
    # An empty page is told of at once: by then hundreds are read, and thousands are still to come.
    (pages / "9000100450a.html").touch()
    process = desk.start("replay", pages, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"empty_file" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err.decode()
    assert b"Traceback" not in err
    assert b"Stopped" in err
    kept = len(desk.rows("captures"))
    assert 400 < kept < many
    assert str(kept) in out.decode()
    read = [f for segment in desk.archive.glob("*.warc.gz") for f in reader.iterate(segment, MAX_DOCUMENT)]
    assert all(isinstance(found, reader.Found) for found in read)
    assert sum(found.exchange is not None for found in read if isinstance(found, reader.Found)) == kept
    again = summary(desk.run("replay", pages))
    assert again["etoday"]["unchanged"] == kept
    assert again["etoday"]["new"] == many - kept


def test_one_document_given_three_times_is_one_capture(desk: Desk) -> None:
    said = desk.run("replay", PAGE, PAGE, PAGE)
    assert summary(said)["etoday"]["new"] == 1
    assert summary(said)["etoday"]["unchanged"] == 2
    assert len(desk.rows("captures")) == 1


def test_the_same_bytes_at_another_time_are_a_capture_and_no_revision(desk: Desk) -> None:
    first = write_page(desk.folder / "a", "9000000779", captured_at="2024-05-07T06:00:00+00:00")
    second = write_page(desk.folder / "b", "9000000779", captured_at="2024-05-09T06:00:00+00:00")
    assert first.read_bytes() == second.read_bytes()
    assert desk.run("replay", first).code == 0
    said = desk.run("replay", second)
    assert summary(said)["etoday"]["unchanged"] == 1
    assert (len(desk.rows("captures")), len(desk.rows("revisions"))) == (2, 1)


def test_names_with_spaces_hangul_and_no_utf8_are_read(desk: Desk) -> None:
    folder = desk.folder / "이름 에 공백"
    folder.mkdir()
    shutil.copy(TEXTS[0], os.fsencode(folder) + b"/\xb1\xe2\xbb\xe7.txt")
    shutil.copy(TEXTS[1], folder / "기사 1.TXT")
    said = desk.run("replay", folder)
    assert (said.code, said.err) == (0, "")
    assert len(desk.rows("articles")) == 2
