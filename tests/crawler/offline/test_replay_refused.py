"""What ``scrapy replay`` can't read or use: a sentence each that names it and its reason, and nothing else is hurt."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from archive.model.exchange import MAX_DOCUMENT
from tests.support.pages import PAGE, TEXTS, UNKNOWN_HTML, write_page
from tests.support.processes.cli import CommandResult, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


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
    whole = Workspace(folder / "whole")
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
UNKNOWN_TEXT = "어떤 신문의 제목\n\n본문이 여기 있다. 그러나 어느 매체인지 알 수 없다.\n".encode()
AT_ETODAY = b'{"url": "https://www.etoday.co.kr/news/view/77"}'
#: What is given -> the reason it ends with.
BAD = {
    "missing": (lambda folder: folder / "none.html", "failed/missing"),
    "loop": (dangling_loop, "failed/"),
    "empty-folder": (empty_folder, "failed/missing"),
    "empty-file": (made("empty.html", b""), "failed/empty_file"),
    "binary": (
        made("picture.html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8),
        "failed/binary",
    ),
    "other-ending": (made("page.pdf", b"%PDF-1.7"), "failed/unreadable"),
    "too-large": (made("huge.txt", b"\xea\xb0\x80" * (MAX_DOCUMENT // 3 + 1)), "failed/too_large"),
    "unknown-text": (made("other.txt", UNKNOWN_TEXT), "skipped/unknown_outlet"),
    "unknown-html": (made("other.html", UNKNOWN_HTML), "skipped/unknown_outlet"),
    "login": (made("login.html", LOGIN, AT_ETODAY), "unparsed/login_wall"),
    "white-space": (made("blank.html", b"  \r\n \t\n", AT_ETODAY), "unparsed/empty_body"),
    "sidecar-no-json": (made("a.html", LOGIN, b"{"), "failed/bad_sidecar"),
    "sidecar-list": (made("a.html", LOGIN, b"[]"), "failed/bad_sidecar"),
    "sidecar-time": (made("a.html", LOGIN, b'{"captured_at": "yesterday"}'), "failed/bad_sidecar"),
    "sidecar-zone": (
        made("a.html", LOGIN, b'{"captured_at": "2024-01-01T00:00:00"}'),
        "failed/bad_sidecar",
    ),
    "sidecar-outlet": (made("a.html", LOGIN, b'{"outlet": "nobody"}'), "failed/bad_sidecar"),
    "sidecar-url": (made("a.html", LOGIN, b'{"url": "javascript:alert(1)"}'), "failed/bad_sidecar"),
    "sidecar-number": (made("a.html", LOGIN, b'{"captured_at": 5}'), "failed/bad_sidecar"),
    "sidecar-null-url": (made("a.html", UNKNOWN_HTML, b'{"url": null}'), "skipped/unknown_outlet"),
    "sidecar-utf16": (made("a.html", LOGIN, b"\xff\xfe\x00"), "failed/bad_sidecar"),
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
    said: CommandResult
    workspace: Workspace


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tried]:
    """Every bad input, in as few processes as show a sentence for each (a run shows twenty)."""
    found: dict[str, Tried] = {}
    kinds = list(BAD)
    for start in range(0, len(kinds), 13):
        workspace = Workspace(tmp_path_factory.mktemp("bad"))
        given: dict[str, Path] = {}
        for kind in kinds[start : start + 13]:
            folder = workspace.folder / kind
            folder.mkdir()
            given[kind] = BAD[kind][0](folder)
        paths = list(given.values())
        paths.insert(len(paths) // 2, write_page(workspace.folder / "good", "9000000777"))
        said = workspace.run("replay", *paths)
        found |= dict.fromkeys(given, Tried(given, said, workspace))
    return found


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_input_is_one_sentence_that_names_it_and_its_reason(
    tried: dict[str, Tried], kind: str
) -> None:
    path, said, reason = tried[kind].given[kind], tried[kind].said, BAD[kind][1]
    (sentence,) = [line for line in said.sentences if line.startswith((f"{path}:", f"{path}@"))]
    assert str(path) in sentence
    assert reason in sentence
    assert len(sentence.split(reason)[1]) > 15, "it says what to do"
    outcomes = [
        row for row in tried[kind].workspace.rows("outcomes") if row["source"].startswith(str(path))
    ]
    assert any(f"{row['outcome']}/{row['reason']}".startswith(reason) for row in outcomes)


def test_bad_inputs_do_not_keep_the_others_from_being_read(tried: dict[str, Tried]) -> None:
    for one in tried.values():
        assert one.said.code == 1
        assert len(one.said.sentences) == len(one.given)
        assert "Traceback" not in one.said.err
        assert "9000000777" in [row["article_id"] for row in one.workspace.rows("articles")]


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


UNUSABLE = {
    "newer": newer_index,
    "foreign": foreign_index,
    "garbage": garbage_index,
    "folder": folder_index,
}


@pytest.mark.sqlite_only(reason="it is of a file that is no index")
@pytest.mark.parametrize("verb", ["replay", "show"])
@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_index_is_refused_in_a_sentence_and_not_touched(
    workspace: Workspace, kind: str, verb: str
) -> None:
    UNUSABLE[kind](workspace.index)
    before = workspace.index.read_bytes() if workspace.index.is_file() else b""
    said = workspace.run(verb, *([TEXTS[0]] if verb == "replay" else []))
    assert (said.code, said.out) == (1, "")
    (sentence,) = said.sentences
    assert sentence.startswith(f"scrapy {verb}: ")
    assert str(workspace.index) in sentence
    assert "INDEX_URL" in sentence, "it says what to do"
    assert (workspace.index.read_bytes() if workspace.index.is_file() else b"") == before
    assert not workspace.archive.exists()
    assert {path.name for path in workspace.folder.iterdir()} == {workspace.index.name}


@pytest.mark.parametrize("kind", ["archive", "parent"])
def test_an_archive_that_is_a_file_is_refused_and_kept(workspace: Workspace, kind: str) -> None:
    blocked = workspace.archive
    blocked.write_bytes(b"mine")
    env = {} if kind == "archive" else {"ARCHIVE_URL": str(workspace.archive / "deeper")}
    said = workspace.run("replay", TEXTS[0], env=env)
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
def test_an_unusable_setting_is_refused_in_a_sentence(
    workspace: Workspace, name: str, value: str
) -> None:
    said = workspace.run("replay", TEXTS[0], env={name: value})
    assert said.code == 1
    (sentence,) = said.sentences
    assert value.removeprefix("sqlite:///") in sentence or "/proc/none" in sentence
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "arguments",
    [["replay"], ["replay", "--outlet", "nobody", "x.txt"], ["replay", "--nonsense", "x"]],
)
def test_wrong_usage_ends_with_2_and_a_sentence(workspace: Workspace, arguments: list[str]) -> None:
    said = workspace.run(*arguments)
    assert said.code == 2
    assert said.err + said.out
    assert "Traceback" not in said.err
    assert not workspace.index.exists()
    assert not workspace.archive.exists()
