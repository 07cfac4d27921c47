"""ALERT_URL gets each alarm once, in order, and no secret; whatever it does, nothing waits."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.writers.leases import Leases
from archive.model.article import KST
from archive.model.shown_url import shown_url
from archive.runs.alarms import AlarmKind, Cause, end_alarm, open_alarms, raise_alarm
from crawler.alarms import webhook
from crawler.alarms.webhook import AlertUrlError, Webhook, parse_address
from tests.support.archives.alarms import Workspace, job
from tests.support.fault_server.certificates import authority
from tests.support.processes.cli import Workspace as Line
from tests.support.processes.schedules import by_the_scheduler

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Ear:
    """An HTTP server that receives alarms; ``answer`` is its status, or what it does instead."""

    answer: Any = 204
    heard: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    silent: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening(secure: ssl.SSLContext | None = None) -> Iterator[Ear]:
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ear.heard.append(json.loads(body))
            ear.heads.append(dict(self.headers))
            ear.paths.append(self.path)
            if ear.answer == "hang":
                ear.silent.wait(300)
                return
            if ear.answer == "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not ear.silent.wait(0.05):
                    self.wfile.write(b"X-Slow: 1\r\n")
                return
            self.send_response(ear.answer)
            if 300 <= ear.answer < 400:
                self.send_header("Location", ear.url + "elsewhere")
            self.end_headers()
            ear.came.set()

        def log_message(self, *_: object) -> None:
            """Not on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the tests hang up
    if secure is not None:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
    ear.url = f"http{'s' if secure else ''}://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield ear
    finally:
        ear.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    with listening() as made:
        yield made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, now=datetime.now(UTC))


def begin(workspace: Workspace, subject: str) -> None:
    with workspace.index.writing() as connection:
        assert raise_alarm(
            connection,
            Cause(
                kind=AlarmKind.SILENT,
                subject=subject,
                sentence=f"{subject} 조용하다",
                began_at=workspace.now,
            ),
        )


def end(workspace: Workspace, subject: str, later: timedelta = timedelta(hours=1)) -> None:
    with workspace.index.writing() as connection:
        (alarm,) = (a for a in open_alarms(connection) if a.subject == subject)
        assert end_alarm(connection, alarm, alarm.began_at + later)


def told(
    workspace: Workspace, url: str, timeout: float = 60.0, retry_after: float = 0.0
) -> Webhook:
    """Tell what there is, to the end."""
    one = Webhook(parse_address(url), workspace.index, timeout, retry_after)
    tell(one)
    return one


def tell(one: Webhook) -> None:
    one.poll()
    one.wait()


def test_an_alarm_and_its_end_are_posted_once_each(workspace: Workspace, ear: Ear) -> None:
    begin(workspace, "etoday")
    one = told(workspace, ear.url + "hook?key=1")
    end(workspace, "etoday")
    for _ in range(3):
        one.wake()
        tell(one)
    first, second = ear.heard
    assert first == {
        "kind": "silent",
        "subject": "etoday",
        "sentence": "etoday 조용하다",
        "ended_at": None,
        "began_at": workspace.now.astimezone(KST).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "index": shown_url(workspace.url),
    }
    assert second["ended_at"] == (workspace.now + timedelta(hours=1)).astimezone(KST).isoformat(
        timespec="seconds"
    )
    assert {**second, "ended_at": None} == first
    assert ear.paths == ["/hook?key=1"] * 2
    assert ear.heads[0]["Content-Type"] == "application/json; charset=utf-8"
    (row,) = workspace.alarms()
    assert row.notified_at is not None
    assert row.resolved_notified_at is not None


@pytest.mark.parametrize(
    ("answer", "why"),
    [(500, "it answered 500"), (302, "it answered 302, and redirects"), (404, "404")],
)
def test_a_refused_post_is_repeated_and_logged_once(
    workspace: Workspace, ear: Ear, answer: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ear.answer = answer
    begin(workspace, "etoday")
    one = told(workspace, ear.url + "secret?key=secret")
    tell(one)
    end(workspace, "etoday")
    begin(workspace, "newspim")
    tell(one)
    assert workspace.alarms()[0].notified_at is None
    assert [heard["subject"] for heard in ear.heard] == ["etoday"] * 3, (
        "the first one first, and one a try"
    )
    assert set(ear.paths) == {"/secret?key=secret"}, "no redirect is followed"
    assert len(caplog.messages) == 1
    assert why in caplog.messages[0]
    assert "secret" not in caplog.text
    ear.answer = 200
    tell(one)
    assert [(h["subject"], h["ended_at"] is None) for h in ear.heard[3:]] == [
        ("etoday", True),
        ("etoday", False),
        ("newspim", True),
    ]
    assert "accepts alarms again" in caplog.messages[-1]


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_a_hanging_server_delays_no_check(
    workspace: Workspace, ear: Ear, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    ear.answer = answer
    begin(workspace, "etoday")
    one = Webhook(parse_address(ear.url), workspace.index, timeout=3.0)
    one.poll()
    one.poll()
    assert not caplog.messages, "neither has waited for the answer"
    one.wait()
    assert "no answer in 3 s" in caplog.text
    assert len(ear.heard) == 1


def test_a_server_that_is_down_is_reported_once_and_retried(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begin(workspace, "etoday")
    one = told(workspace, f"http://user:secret@127.0.0.1:{port}/secret", retry_after=60)
    assert caplog.messages == [
        f"ALERT_URL (http://127.0.0.1:{port}) did not accept an alarm: Connection refused. "
        "Retrying every 60 seconds."
    ]
    one.wake()
    one.poll()
    assert one._thread is not None
    assert not one._thread.is_alive(), "not before its time"


def test_certificates_are_verified(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(authority(tmp_path, []).context) as ear:
        begin(workspace, "etoday")
        told(workspace, ear.url)
        assert ear.heard == []
    assert "its certificate is not valid" in caplog.text


def test_who_is_at_it_is_left_alone(workspace: Workspace, ear: Ear) -> None:
    begin(workspace, "etoday")
    other = Leases(workspace.index, ["alerts"], "another")
    assert other.take() is None
    one = told(workspace, ear.url)
    assert ear.heard == []
    other.release()
    tell(one)
    assert len(ear.heard) == 1


def test_credentials_of_the_address_go_in_the_head(workspace: Workspace, ear: Ear) -> None:
    begin(workspace, "etoday")
    told(workspace, ear.url.replace("127", "desk:p%40ss@127"))
    assert ear.heads[0]["Authorization"] == "Basic ZGVzazpwQHNz"


def test_an_alarm_that_ended_long_ago_is_not_posted(workspace: Workspace, ear: Ear) -> None:
    now = workspace.now
    workspace.now = now - timedelta(days=9)
    begin(workspace, "etoday")
    end(workspace, "etoday")
    begin(workspace, "newspim")
    told(workspace, ear.url)
    assert [heard["subject"] for heard in ear.heard] == ["newspim"]


def test_many_alarms_are_posted_a_few_at_a_time(workspace: Workspace, ear: Ear) -> None:
    for number in range(webhook.BATCH + 3):
        begin(workspace, str(number))
    one = told(workspace, ear.url)
    assert len(ear.heard) == webhook.BATCH
    tell(one)
    assert [heard["subject"] for heard in ear.heard] == [
        str(number) for number in range(webhook.BATCH + 3)
    ]


def test_the_monitor_posts_the_alarms_it_raises(workspace: Workspace, ear: Ear) -> None:
    workspace.monitor._webhook = Webhook(parse_address(ear.url), workspace.index)
    workspace.jobs = [job()]
    workspace.run("etoday", "failed")
    workspace.look()
    workspace.monitor.close()
    assert [heard["kind"] for heard in ear.heard] == ["job_failed"]


@pytest.mark.parametrize(
    "url",
    [
        "desk",
        "//host/x",
        "ftp://host/",
        "http://",
        "https:///x",
        "http://host:99999/",
        "http://[::1/",
        "http://a b/",
        "http://host/a b",
        "http://host/\r\nX: 1",
        "http://host/한글",
        "http://ho\x00st/",
        "mailto:desk@example.org",
        "http://" + "가" * 90 + "/",
        "http://" + "a" * 64 + ".org/",
        "http://hooks..example.org/",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(AlertUrlError, match="ALERT_URL is not a valid address"):
        parse_address(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@Hooks.Example.org/T0/secret?key=secret#x", "https://hooks.example.org"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://한국.kr/", "http://xn--3e0b707e.kr"),
    ],
)
def test_what_is_shown_of_an_address_is_no_secret(url: str, shown: str) -> None:
    assert parse_address(url).shown == shown


@pytest.mark.parametrize(
    ("url", "port"), [("http://[::1]/", 80), ("https://[2001:db8::abcd]/", 443)]
)
def test_an_address_in_brackets_needs_no_port(
    url: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def refused(address: tuple[str, int], *_: object) -> None:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refused)
    with pytest.raises(webhook.DeliveryError):
        webhook.post(parse_address(url), {}, 5.0)
    assert asked == [(parse_address(url).host, port)]


def test_what_is_too_late_to_be_taken_is_not_sent(
    workspace: Workspace, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = threading.Event()
    cut, connect = webhook._cut, socket.create_connection

    def cutting(*given: Any) -> None:
        cut(*given)
        late.set()

    def slow(*given: Any) -> socket.socket:
        assert late.wait(300), "a name server that takes its time"
        return connect(*given)

    monkeypatch.setattr(webhook, "_cut", cutting)
    monkeypatch.setattr(socket, "create_connection", slow)
    begin(workspace, "etoday")
    told(workspace, ear.url, timeout=0.1)
    assert ear.heard == [], "it would be told again each minute, and taken each time"
    assert workspace.alarms()[0].notified_at is None


def test_schedule_refuses_an_invalid_alert_url_with_its_exit_status(
    workspace: Workspace, ear: Ear
) -> None:
    line = Line(workspace.folder)
    jobs = workspace.folder / "jobs.toml"
    jobs.write_text('[[job]]\nname = "e"\ncommand = "verify --sample 1"\nevery = "1d"\n')
    for setting, why in (
        ("ALERT_URL=nowhere", "ALERT_URL is not a valid address"),
        ("DISK_FREE_MIN=much", "DISK_FREE_MIN=much: give a whole number"),
    ):
        result = line.call("schedule", "--once", "-s", f"JOBS_FILE={jobs}", "-s", setting)
        assert result.code == 2
        assert why in result.err + result.out
    env = {
        "JOBS_FILE": str(jobs),
        "ALERT_URL": ear.url,
        "LOG_FOLDER": str(workspace.folder / "log"),
    }
    full = ("-s", f"DISK_FREE_MIN={2**62}")
    first = line.run("schedule", "--once", *full, env=env)
    assert first.code == 1
    assert "ALARM disk: " in first.err
    assert [heard["kind"] for heard in ear.heard] == ["disk"]
    second = line.run("schedule", "--once", *full, env=env)
    assert (second.code, second.err) == (0, ""), "it was told"
    third = line.run("schedule", "--once", "-s", "DISK_FREE_MIN=1", env=env)
    assert third.code == 0
    assert [heard["ended_at"] is None for heard in ear.heard] == [True, False]


def test_a_scheduler_works_in_a_folder_whose_name_is_no_utf8(
    workspace: Workspace, ear: Ear
) -> None:
    """사초 in EUC-KR, as old disks have it: what goes into the index is text all the same."""
    line = Line(workspace.folder / os.fsdecode(b"\xbb\xe7\xc3\xca"))
    line.archive.mkdir(parents=True)
    jobs = line.folder / "jobs.toml"
    jobs.write_text('[[job]]\nname = "v"\ncommand = "verify"\nevery = "1d"\n')
    env = {"JOBS_FILE": str(jobs), "ALERT_URL": ear.url, "LOG_FOLDER": str(line.folder / "log")}
    result = line.run("schedule", "--once", "-s", f"DISK_FREE_MIN={2**62}", env=env)
    assert (result.code, "Traceback" in result.err) == (1, False)
    assert "ALARM disk: " in result.err
    assert [heard["kind"] for heard in ear.heard] == ["disk"]
    assert line.run("schedule", "--once", "-s", f"DISK_FREE_MIN={2**62}", env=env).code == 0, (
        "it is told once"
    )


@by_the_scheduler
def test_a_scheduler_reports_a_job_that_cannot_be_run_and_goes_on(
    workspace: Workspace, ear: Ear
) -> None:
    jobs = workspace.folder / "jobs.toml"
    jobs.write_text('[[job]]\noutlet = "etoday"\nevery = "1d"\n')  # and nobody to CONTACT
    env = {
        "JOBS_FILE": str(jobs),
        "ALERT_URL": ear.url,
        "LOG_FOLDER": str(workspace.folder / "log"),
    }
    process = Line(workspace.folder).start("schedule", env=env, stderr=subprocess.PIPE)
    assert process.stderr is not None
    result = b""
    while b"ALARM" not in result:
        result = process.stderr.readline()
        assert result, "it ended"
    assert ear.came.wait(300)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert "Job etoday was refused" in result.decode()
    (heard,) = ear.heard
    assert heard["sentence"] in result.decode()
    assert workspace.alarms()[0].notified_at is not None
