"""Playback beside the reading room, by the verb: two origins, one lead to the other."""

from __future__ import annotations

import re
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from crawler.web.playback.app import playback_app
from crawler.web.playback.site import PlaybackSite
from crawler.web.security import Access
from tests.support.sites.web_servers import ask, served_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.processes.cli import Workspace

ARTICLE = "/articles/newspim/20230915999901"


@contextmanager
def serving(workspace: Workspace, *options: str) -> Iterator[list[str]]:
    """Serve by the verb; yield the addresses that it prints, the reading room's first."""
    process = workspace.start(
        "serve", "--port", "0", *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().decode() for _ in range(2)]
        yield [found for line in lines for found in re.findall(r"(https?://[^/\s]+)/", line)]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=300)
        assert b"Traceback" not in said
    finally:
        process.kill()
        process.communicate()


def test_an_article_leads_to_its_capture_and_back(seeds: Workspace) -> None:
    with serving(seeds) as (room, own):
        assert room != own
        start = ask(own, "/")
        assert (start.status, start.get("location")) == (302, f"{room}/")
        text = ask(room, ARTICLE).text
        found = re.search(rf'href="({re.escape(own)}/web/\d{{14}}/[^"]+)"', text)
        assert found is not None
        shown = ask(own, found[1].removeprefix(own))
        assert shown.status == 200
        assert f'href="{room}{ARTICLE}"' in shown.text
        history = re.search(rf'href="{re.escape(room)}({ARTICLE}/history)"', shown.text)
        assert history is not None
        assert ask(room, history[1]).status == 200
        assert f"frame-ancestors {room}" in shown.get("content-security-policy")
        assert f"'self' {room}" in ask(
            own, found[1].removeprefix(own).replace("/https:", "mp_/https:")
        ).get("content-security-policy")


def test_a_host_of_another_name_is_not_answered(seeds: Workspace) -> None:
    """A page of another site could have that name lead to this machine."""
    with serving(seeds) as (_, own):
        answer = ask(own.replace("127.0.0.1", "localhost"), "/web/*/https://x.kr/")
        assert answer.status == 404
        hostile = ask(own, "/web/*/https://x.kr/", "X: y", host="evil.example")
        assert hostile.status == 400


@pytest.mark.parametrize(
    "options",
    [
        ("--playback-url", "ftp://x.kr"),
        ("--playback-url", "https://x.kr/below"),
        ("--room-url", "https://user@x.kr"),
        ("--room-url", "https://x.kr", "--playback-url", "https://x.kr/"),
    ],
)
def test_an_address_that_is_no_origin_of_its_own_is_refused(
    seeds: Workspace, options: tuple[str, ...]
) -> None:
    said = seeds.run("serve", "--port", "0", *options)
    assert said.code == 2
    assert "Traceback" not in said.err


def test_at_all_addresses_captures_want_a_name(seeds: Workspace) -> None:
    wide = ("--host", "0.0.0.0", "--token", "t")
    with serving(seeds, *wide) as addresses:
        assert len(addresses) == 1
    with serving(seeds, *wide, "--playback-url", "https://play.example") as (_, own):
        assert own == "https://play.example"


def test_the_token_is_asked_for(seeds: Workspace) -> None:
    from archive.index.database import Index

    with (
        Index(seeds.index_url, read_only=True) as index,
        served_at(
            lambda url: playback_app(PlaybackSite(index, seeds.archive, url), Access(token="t"))
        ) as own,
    ):
        assert ask(own, "/web/*/https://x.kr/").status == 401
        assert ask(own, "/web/*/https://x.kr/", "Authorization: Bearer t").status == 404
