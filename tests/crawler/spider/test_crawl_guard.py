"""No door of a crawl leads to an address that is not public, however it is written."""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.mock_site.canary import Canary
from tests.support.sites.guard_trials import (
    DOORS,
    HOST,
    GuardTrial,
    asked_of_proxy,
    page_of,
    try_doors,
    with_pictures,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxied"])
def test_no_door_leads_inward(tmp_path: Path, proxied: bool) -> None:
    """The short version of bench.guard: all doors at once, but for one that takes another's place."""
    doors = [name for name in DOORS if name != "redirect of a sitemap"]
    trial = try_doors(tmp_path, doors, proxied=proxied, listeners=1 if proxied else 2)
    assert trial.wrong() == []
    redirects = trial.cases // len(doors)
    refused = trial.outcomes["failed/address_refused"] + trial.outcomes["failed/request_refused"]
    unreachable = trial.outcomes["failed/robots_unreachable"]
    assert refused + unreachable == 2 * redirects  # of pages, and of their hosts' robots.txt
    assert refused > redirects // 2


def test_a_connection_and_a_door_that_stayed_shut_are_told() -> None:
    trial = GuardTrial("", 1, Counter(new=1), connections=2, unopened=["picture"], deaf=["::1"])
    assert trial.wrong() == [
        "not opened: picture",
        "the canary at ::1 counts nothing",
        "2 connections",
    ]


def test_a_canary_counts_each_connection() -> None:
    with Canary() as canary:
        assert [canary.knock(), canary.knock()] == [1, 2]


@pytest.mark.parametrize(
    "request_line", ["GET http://127.1:9/ HTTP/1.1", "CONNECT 127.1:9 HTTP/1.1"]
)
def test_what_the_proxy_is_asked_for_counts(request_line: str) -> None:
    with site_of_today("etoday", 1) as site:
        with socket.create_connection(("127.0.0.1", site.http_port), timeout=60) as proxy:
            proxy.sendall(f"{request_line}\r\nHost: 127.1:9\r\n\r\n".encode())
            proxy.recv(1)
        assert [host.partition(":")[0] for host in asked_of_proxy(site)] == ["127.1"]


def test_other_ports_are_refused_unless_a_setting_allows_them(tmp_path: Path) -> None:
    with Canary() as canary, site_of_today("etoday", 4) as site:
        for article_id in site.ids():
            site.fault(f"/view/{article_id}", "private", to=f"http://8.8.8.8:{canary.port}/")
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run()
        assert said.code == 1
        assert set(crawls.outcomes().values()) == {"failed/address_refused"}
        assert "is none of ALLOWED_PORTS" in said.err


def test_pictures_are_those_of_the_outlets_hosts_and_not_too_many(tmp_path: Path) -> None:
    with site_of_today("etoday", 2) as site:
        first, second = site.ids()
        pictures = [f"{HOST}/picture/{number}.jpg" for number in range(60)]
        site.fault(f"/view/{first}", "answer", body=with_pictures(page_of(site, first), pictures))
        foreign = ["https://elsewhere.example.com/a.jpg", f"{HOST}/moved.jpg"]
        site.fault(f"/view/{second}", "answer", body=with_pictures(page_of(site, second), foreign))
        site.fault("/picture/", "answer", media_type="image/jpeg", body="x")
        site.fault("/moved", "private", to="https://elsewhere.example.com/a.jpg")
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run(ARCHIVE_IMAGES="1")
        assert f"image {HOST}/moved.jpg: failed/request_refused" in said.err
        asked = [entry.path for entry in site.log if entry.path.startswith("/picture/")]
        own = {image.url for image in site.story(first).images}
        assert len(asked) == 50 - len(own)
        assert "image https://elsewhere" not in said.err
