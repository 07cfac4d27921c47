"""Clients that connect and do not ask: none keeps others from reading."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse

from crawler.web import connections
from crawler.web.connections import Connection, most_connections
from tests.support.sites.web_servers import ask, served_at

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_BEGUN = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


def _hello(_: str) -> ASGIApp:
    return PlainTextResponse("hello")


def _connected(url: str, sent: bytes) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    place = socket.create_connection((host, int(port)), timeout=60)
    place.sendall(sent)
    return place


def _is_closed(place: socket.socket) -> bool:
    """Wait until the server closes; the time that is waited at most fails the test."""
    try:
        return place.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", _BEGUN])
def test_a_request_that_never_ends_is_given_up(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "PATIENCE", 0.2)
    with served_at(_hello) as url, _connected(url, sent) as place:
        assert _is_closed(place)


def test_an_answered_connection_that_goes_on_slowly_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Connection, "PATIENCE", 3)
    whole = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served_at(_hello) as url, _connected(url, whole) as place:
        assert b"200 OK" in place.recv(4096)
        place.sendall(_BEGUN)
        while not _is_closed(place):
            pass  # what remained of the answer


def test_of_too_many_connections_the_one_that_waits_longest_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Connection, "most", 3)
    with served_at(_hello) as url, ExitStack() as open_ones:
        waiting = [open_ones.enter_context(_connected(url, _BEGUN)) for _ in range(4)]
        assert _is_closed(waiting[0])
        assert ask(url, "/").text == "hello"
        assert _is_closed(waiting[1])


def test_there_are_fewer_connections_than_files(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"value": (1024, 4096)}
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: limits["value"])
    assert 2 * most_connections(2) < 1024
    limits["value"] = (connections.resource.RLIM_INFINITY, connections.resource.RLIM_INFINITY)
    assert most_connections(2) == 1_000
    limits["value"] = (64, 64)
    assert most_connections(2) == 8
