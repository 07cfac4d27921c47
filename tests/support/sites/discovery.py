"""Driving a discovery plan as the spider does, over a mock site's sockets or anything that answers."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.discovery.plan import Plan
    from tests.support.mock_site.server import MockSite


def over_sockets(site: MockSite) -> Callable[[str], tuple[int, str, bytes]]:
    context = ssl.create_default_context(cafile=site.ca_file)

    def fetch(url: str) -> tuple[int, str, bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", site.port(parts.scheme), timeout=120)
        with contextlib.closing(connection):
            connection.connect()
            if parts.scheme == "https":
                connection.sock = context.wrap_socket(
                    connection.sock, server_hostname=parts.hostname
                )
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request("GET", target, headers={"Host": parts.netloc})
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"] or "", answer.read()

    return fetch


def drive(
    work: Plan, fetch: Callable[[str], tuple[int, str, bytes]], site: MockSite | None = None
) -> dict[str, str]:
    """Do what the spider does; gives the articles found in the window, id -> canonical address."""
    found: dict[str, str] = {}
    for _ in range(10_000):
        if work.finished:
            return found
        for request in work.next_requests():
            try:
                status, content_type, body = fetch(request.url)
            except (OSError, http.client.HTTPException) as error:
                work.fail(request, repr(error))
                continue
            found.update(
                (link.article_id, link.url)
                for link in work.read_response(request, body, content_type, status).links
            )
        for link in work.candidates(50):
            story = site.catalogue.story(link.article_id) if site else None
            work.learn(link.article_id, story.published if story else None)
            if story and not work.window.excludes(story.published.date()):
                found[link.article_id] = link.url
    raise AssertionError("discovery does not end")
