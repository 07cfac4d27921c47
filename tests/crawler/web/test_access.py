"""Who may read, and what stands in every answer's head."""

from __future__ import annotations

import asyncio
import base64
import http.client
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse

from crawler.web.security import Access, RequestLog, is_loopback
from tests.support.readers.reading_room import opened_room

if TYPE_CHECKING:
    from httpx import Client
    from starlette.types import Message

    from tests.support.processes.cli import Workspace

TOKEN = "a-secret"


def test_every_answer_has_the_headers(room: Client) -> None:
    for path in ("/", "/nothing", "/search?q=OR", "/static/style.css", "/index.json"):
        headers = room.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "script-src" not in policy
        assert "unsafe" not in policy
        for name in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options"):
            assert headers[name]


def test_no_page_has_a_script_or_a_style_of_its_own(room: Client) -> None:
    for path in ("/", "/search?q=푸틴", "/articles/newspim/20230915999901"):
        text = room.get(path).text
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=", text)
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)', text)


def test_a_token_is_asked_for_and_taken_both_ways(seeds: Workspace) -> None:
    with opened_room(seeds, Access(token=TOKEN)) as client:
        refused = client.get("/")
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        assert client.get("/static/style.css").status_code == 401
        assert client.get("/", auth=("anybody", TOKEN)).status_code == 200
        assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        for wrong in (
            "Bearer x",
            "Basic x",
            "Basic " + base64.b64encode(b"\xff").decode(),
            "Digest",
        ):
            assert client.get("/", headers={"Authorization": wrong}).status_code == 401


def test_a_users_name_is_believed_from_the_proxy_only(seeds: Workspace) -> None:
    named = {"X-Forwarded-User": "kim"}
    believed = Access(user_header="X-Forwarded-User", proxies=frozenset({"127.0.0.1"}))
    with opened_room(seeds, believed) as client:
        assert client.get("/", headers=named).status_code == 200
        assert client.get("/").status_code == 401
    other = Access(user_header="X-Forwarded-User", proxies=frozenset({"10.0.0.1"}))
    with opened_room(seeds, other) as client:
        assert client.get("/", headers=named).status_code == 401


def test_a_proxy_that_names_the_client_too_is_believed(seeds: Workspace) -> None:
    believed = Access(user_header="X-Forwarded-User", proxies=frozenset({"127.0.0.1"}))
    both = {"X-Forwarded-User": "kim", "X-Forwarded-For": "203.0.113.5"}
    with opened_room(seeds, believed, proxies=["127.0.0.1"]) as client:
        assert client.get("/", headers=both).status_code == 200
        assert client.get("/", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _unsent(_: Message) -> None:
    """Take a part of an answer."""


def test_no_address_writes_a_line_of_its_own_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x\n2026-01-01 127.0.0.1 GET /\u202efake",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
    }
    with caplog.at_level("INFO", logger="crawler.web"):
        asyncio.run(RequestLog(PlainTextResponse("hello"))(scope, _nothing, _unsent))
    (line,) = [one.getMessage() for one in caplog.records if "/x" in one.getMessage()]
    assert line.isprintable()


def test_another_name_for_this_machine_is_not_answered(seeds: Workspace) -> None:
    with opened_room(seeds, Access(hosts=frozenset({"127.0.0.1"}))) as client:
        assert client.get("/").status_code == 200
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_loopback_is_this_machine_alone() -> None:
    own = ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost")
    others = ("0.0.0.0", "::", "10.0.0.1", "example.org", "")
    assert all(map(is_loopback, own))
    assert not any(map(is_loopback, others))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--host", "0.0.0.0"), "lets other machines read"),
        (("--user-header", "X-User"), "needs --proxy"),
        (("--port", "70000"), "is not a port"),
        (("--searches", "-1"), "is not a number of searches"),
        (("--token", "열쇠"), "ASCII"),
        (("here",), "takes no arguments"),
    ],
)
def test_what_would_be_unsafe_or_means_nothing_is_refused(
    seeds: Workspace, options: tuple[str, ...], sentence: str
) -> None:
    said = seeds.run("serve", *options)
    assert said.code == 2
    assert sentence in said.err


def test_a_port_in_use_is_named(seeds: Workspace, room: Client) -> None:
    said = seeds.run("serve", "--port", str(room.base_url.port))
    assert said.code == 1
    assert "in use already" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(seeds: Workspace, number: signal.Signals) -> None:
    process = seeds.start("serve", "--port", "0", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found is not None, process.stderr.read()
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        connection.request("GET", "/search?q=%ED%91%B8%ED%8B%B4")
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"GET /search 200" in said
    assert b"%ED" not in said
    assert b"Traceback" not in said
