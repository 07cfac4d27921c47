"""Crawls with what a user adds to the settings, and what the site and the archive see of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.warc.reader import iterate
from archive.warc.record_parser import Record
from tests.support.crawling.crawls import Crawls
from tests.support.crawling.user_parts import PARTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.server import MockSite

TEXTS = {name: json.dumps(parts) for name, parts in PARTS.items()}
#: What each way of adding all of `PARTS` sets in the environment, and by -s.
WAYS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "-s": ({}, TEXTS),
    "jobs.toml": ({"JOB_SETTINGS": json.dumps(TEXTS)}, {}),
    "settings module": ({"SCRAPY_SETTINGS_MODULE": "tests.support.crawling.user_settings"}, {}),
    "add-on": ({}, {"ADDONS": '{"tests.support.crawling.user_parts.AddOn": 0}'}),
}
#: Seconds between two requests to a host.
DELAY = 0.1
#: The stats by which each component of `PARTS` says that it was there.
USED = {f"used/{name}" for name in ("middleware", "spider middleware", "pipeline", "extension")}


@dataclass(frozen=True)
class Seen:
    """What the site and the archive see of a crawl; ``rate`` and ``used`` tell no two apart.

    ``rate`` is the requests a second to the host that was asked most.
    """

    requests: Counter[tuple[str, str]]
    agents: set[str]
    warcinfo: list[dict[str, str]]
    articles: set[str]
    rate: float = field(compare=False)
    used: set[str] = field(compare=False)


def observed(folder: Path, site: MockSite, env: dict[str, str], **settings: str) -> Seen:
    """Crawl the site and return what is seen of it."""
    crawls = Crawls.into(folder, site)
    before = len(site.log)
    pace = {"DOWNLOAD_DELAY": str(DELAY), "DOWNLOAD_DELAY_JITTER": "0"}
    pace["CONCURRENT_REQUESTS_PER_DOMAIN"] = "1"
    line = crawls.command(LOG_LEVEL="INFO", **pace, **settings)
    said = crawls.workspace.run(*line, env=env)
    assert said.code == 0, said
    log = site.log[before:]
    times: dict[str, list[float]] = {}
    for entry in log:
        times.setdefault(entry.host, []).append(entry.started)
    # The first gap is shorter by what connecting took.
    assert all(max(when) - min(when) >= (len(when) - 2) * DELAY for when in times.values())
    most = max(times.values(), key=len)
    return Seen(
        requests=Counter((one.host, one.path) for one in log),
        agents={line.decode()[12:] for one in log for line in _agent_lines(one.raw)},
        warcinfo=[stated_in_warcinfo(path) for path in crawls.segments()],
        articles=set(crawls.revisions()),
        rate=(len(most) - 1) / (max(most) - min(most)),
        used={name for name in USED if f"'{name}'" in said.err},
    )


def _agent_lines(request: bytes) -> list[bytes]:
    return [line for line in request.split(b"\r\n") if line.lower().startswith(b"user-agent: ")]


def stated_in_warcinfo(path: Path) -> dict[str, str]:
    """Return the fields of a segment's warcinfo that say how a crawl behaves."""
    first = next(iter(iterate(path)))
    assert isinstance(first, Record)
    lines = bytes(first.block).decode().splitlines()
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    return {name: fields[name] for name in ("operator", "http-header-user-agent", "robots")}
