"""``sacho changes``: lines and cursors, an Atom feed, following, and a webhook, as processes."""

from __future__ import annotations

import http.server
import json
import queue
import signal
import subprocess
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from defusedxml import ElementTree

from archive.index.database import Index
from tests.support.archives.made_articles import SEEN, article, enter, enter_gone
from tests.support.databases.postgres import as_stored, without_index
from tests.support.documents import MADE
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATOM = "{http://www.w3.org/2005/Atom}"
KEYS = [
    "article_id",
    "at",
    "change",
    "cursor",
    "headline",
    "kind",
    "outlet",
    "revision",
    "status",
    "url",
]
ODD = "<b>벨\x07 널\x00 \ufffe \u202e거꾸로 & ]]> 끝"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three articles: one that was edited, one that is missing, and one with an odd headline."""
    workspace = Workspace(tmp_path)
    with open_index(workspace) as index:
        enter(index, [article(1), article(2), article(3, headline=ODD)])
        enter(index, [article(1, headline="고친 제목")], SEEN + timedelta(hours=1))
        enter_gone(index, [article(2)], SEEN + timedelta(hours=2))
    return workspace


def open_index(workspace: Workspace) -> Index:
    return Index(workspace.index_url)


def told(workspace: Workspace, *options: str) -> list[dict[str, Any]]:
    result = workspace.call("changes", *options)
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["kind"], event["article_id"]) for event in events]


def test_lines_and_cursors(workspace: Workspace) -> None:
    events = told(workspace)
    expected = [("new", "1"), ("new", "2"), ("new", "3"), ("changed", "1"), ("missing", "2")]
    assert kinds(events) == expected
    assert all(list(event) == KEYS for event in events)
    assert events[2]["headline"] == as_stored(ODD)
    assert events[3]["revision"] == 2
    assert events[3]["change"]["classes"] == ["headline"]
    assert events[0]["at"] == "2024-05-07T12:00:00+09:00"
    for number, event in enumerate(events, 1):
        assert kinds(told(workspace, "--since", event["cursor"])) == expected[number:]
    pages, cursor = [], []
    while page := told(workspace, "--limit", "2", *cursor):
        pages += page
        cursor = ["--since", page[-1]["cursor"]]
    assert kinds(pages) == expected


def test_the_cursor_of_now_goes_on_from_an_export(workspace: Workspace) -> None:
    cursor = workspace.call("changes", "--now").out.strip()
    assert told(workspace, "--since", cursor) == []
    with open_index(workspace) as index:
        enter(index, [article(2)], SEEN + timedelta(hours=3))
    assert kinds(told(workspace, "--since", cursor)) == [("back", "2")]


def test_an_empty_index(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    without_index(workspace.index)
    result = workspace.call("changes")
    assert (result.code, result.out) == (1, "")
    assert "no index" in result.err
    open_index(workspace).close()
    assert told(workspace) == []
    said = workspace.call("changes", "--atom")
    assert ElementTree.fromstring(said.out.encode()).find(f"{ATOM}entry") is None


def test_what_has_no_meaning_is_refused(workspace: Workspace) -> None:
    for options, sentence in (
        (["--since", "yesterday"], "no cursor"),
        (["--since", "1-2-3"], "no cursor"),
        (["1-0-0-0-0-0-0-0-0-0"], "--since"),
        (["--atom", "--follow"], "--follow does not go"),
        (["--atom", "--webhook", "http://a.example"], "not allowed with"),
        (["--webhook", "nowhere"], "--webhook URL is not a valid address"),
        (["--now", "--limit", "3"], "no other option"),
        (["--limit", "0"], "at least 1"),
    ):
        result = workspace.call("changes", *options)
        assert (result.code, result.out) == (2, ""), options
        assert sentence in result.err
        assert "Traceback" not in result.err


def test_a_cursor_of_before_a_reindex_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", *MADE).code == 0
    last = told(workspace)[-1]["cursor"]
    assert workspace.call("reindex").code == 0
    result = workspace.call("changes", "--since", last)
    assert (result.code, result.out) == (1, "")
    (sentence,) = result.sentences
    assert "rebuilt" in sentence
    assert workspace.call("changes", "--now").out.strip() in sentence


def test_an_atom_feed_is_valid(workspace: Workspace) -> None:
    """What RFC 4287 demands of feed and entry; a parser takes only what XML 1.0 may hold."""
    result = workspace.call("changes", "--atom")
    feed = ElementTree.fromstring(result.out.encode())
    assert feed.tag == f"{ATOM}feed"
    for one in (feed, *feed.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(one.findall(f"{ATOM}{name}")) == 1
        assert one.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    entries = feed.findall(f"{ATOM}entry")
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries) == 5
    assert entries[0].find(f"{ATOM}link").get("href") == "https://etoday.example/1"
    titles = [entry.findtext(f"{ATOM}title") for entry in entries]
    assert titles[3:] == ["[changed] 고친 제목", "[missing] 제목 2"]
    assert titles[2] == "<b>벨\ufffd 널\ufffd \ufffd \ufffd거꾸로 & ]]> 끝"
    again = ElementTree.fromstring(
        workspace.call("changes", "--atom", "--since", told(workspace)[0]["cursor"]).out.encode()
    )
    ids = [entry.findtext(f"{ATOM}id") for entry in again.findall(f"{ATOM}entry")]
    assert ids == [entry.findtext(f"{ATOM}id") for entry in entries[1:]]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_follows_until_it_is_stopped(workspace: Workspace, stop: signal.Signals) -> None:
    cursor = told(workspace)[-1]["cursor"]
    with workspace.start(
        "changes",
        "--follow",
        "--since",
        cursor,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for number in (7, 8):
            with open_index(workspace) as index:
                enter(index, [article(number)])
            assert json.loads(process.stdout.readline())["article_id"] == str(number)
        process.send_signal(stop)
        assert process.wait(timeout=300) == 0
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_it_ends_when_nobody_reads(workspace: Workspace) -> None:
    with workspace.start(
        "changes", "--follow", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(5):
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=300) == 0
        assert process.stderr.read() == b""


def test_a_reindex_ends_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", *MADE).code == 0
    with workspace.start(
        "changes", "--follow", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        assert workspace.run("reindex").code == 0
        assert process.wait(timeout=300) == 1
        assert b"rebuilt" in process.stderr.read()


class Receiver(http.server.ThreadingHTTPServer):
    """Takes posts; ``answers`` are the statuses of the next ones, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.posts: queue.Queue[tuple[int, dict[str, Any]]] = queue.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def all_posts(self) -> list[tuple[int, dict[str, Any]]]:
        return [self.posts.get() for _ in range(self.posts.qsize())]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.server.posts.put((status, json.loads(body)))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_batches_are_posted_in_order(workspace: Workspace, receiver: Receiver) -> None:
    with open_index(workspace) as index:
        enter(index, [article(number) for number in range(10, 250)])
    receiver.answers = [204, 500, 503, 200]
    result = workspace.call("changes", "--webhook", receiver.url)
    assert result.code == 0
    assert "answered 500" in result.err
    posts = receiver.all_posts()
    assert [status for status, _ in posts] == [204, 500, 503, 200, 204]
    accepted = [message for status, message in posts if status < 300]
    assert posts[1][1] == posts[2][1] == posts[3][1]
    events = [event for message in accepted for event in message["events"]]
    assert events == told(workspace)
    assert result.out.splitlines() == [message["cursor"] for message in accepted]
    assert accepted[0]["cursor"] == accepted[0]["events"][-1]["cursor"]
    last = result.out.splitlines()[-1]
    again = workspace.call("changes", "--webhook", receiver.url, "--since", last)
    assert (again.code, again.out) == (0, "")
    assert receiver.posts.empty()


def test_what_is_not_accepted_is_not_passed_over(
    workspace: Workspace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.commands.reading.changes._FIRST_DELAY", 0.01)
    with open_index(workspace) as index:
        enter(index, [article(number) for number in range(10, 120)])
    receiver.answers = [200, *[500] * 5]
    result = workspace.call("changes", "--webhook", receiver.url)
    assert result.code == 1
    (cursor,) = result.out.splitlines()
    assert "accepted none of 5 attempts" in result.err
    receiver.all_posts()
    assert workspace.call("changes", "--webhook", receiver.url, "--since", cursor).code == 0
    (post,) = receiver.all_posts()
    assert kinds(post[1]["events"]) == kinds(told(workspace))[100:]


def test_a_webhook_is_followed(workspace: Workspace, receiver: Receiver) -> None:
    receiver.answers = [500]
    with workspace.start(
        "changes",
        "--follow",
        "--webhook",
        receiver.url,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        cursor = process.stdout.readline().decode().strip()
        assert [status for status, _ in receiver.all_posts()] == [500, 204]
        with open_index(workspace) as index:
            enter(index, [article(9)])
        assert kinds(receiver.posts.get(timeout=300)[1]["events"]) == [("new", "9")]
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0
    assert kinds(told(workspace, "--since", cursor)) == [("new", "9")]
