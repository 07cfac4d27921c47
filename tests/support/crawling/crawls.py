"""Crawls of a mock site as users start them, and checks of the archive and the index."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from archive.model.exchange import Location
from archive.segments.lookup import read_at
from archive.verify.archive import Verification
from archive.verify.selection import SegmentSelection
from archive.verify.warc_file.findings import Severity
from archive.warc.reader import iterate
from archive.warc.record_parser import Damage, Record
from tests.support.databases.index_rows import change
from tests.support.mock_site.server import MockSite
from tests.support.mock_site.story import KST
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.mock_site.wire import Entry
    from tests.support.processes.cli import CommandResult

#: Haste is for loopback only: a real outlet is asked one thing at a time.
HASTE = {
    "DOWNLOAD_DELAY": "0",
    "ROBOTS_MAX_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "0",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "8",
    "RETRY_BACKOFF": "0.1",
}
#: An age of articles at which none becomes due again for hours: runs that are compared must find
#: the same due.
SETTLED = timedelta(hours=2)
_BOOKS = re.compile(
    r"discovered or due (?P<discovered>\d+) = stored (?P<stored>\d+) "
    r"\+ unchanged (?P<unchanged>\d+) "
    r"\+ failed (?P<failed>\d+) \+ skipped (?P<skipped>\d+) \+ pending (?P<pending>\d+)"
)


def site_of_today(
    outlet: str, articles: int, *, age: timedelta = timedelta(0), **options: Any
) -> MockSite:
    """A mock site whose newest article is ``age`` old, so that its lists are like a live outlet's."""
    return MockSite(outlet, articles, clock=datetime.now(KST) - age, **options)


@dataclass(frozen=True)
class Crawls:
    """One archive and index, and the mock site that is crawled into them."""

    site: MockSite
    workspace: Workspace
    proxied: bool = False

    @classmethod
    def into(cls, folder: Path, site: MockSite, *, proxied: bool = False) -> Crawls:
        """Crawl the mock site into a folder; through its proxy, no other loopback address is allowed."""
        settings = {"SSL_CERT_FILE": str(site.ca_file), "CONTACT": "desk@example.org"}
        if proxied:
            settings |= {"http_proxy": site.proxy_url, "https_proxy": site.proxy_url}
        return cls(site, Workspace(folder, settings), proxied)

    def command(self, *args: str, **settings: str) -> list[str]:
        """What comes after ``scrapy``."""
        places = {
            f"{host}:{port}": f"{ip}:{real}"
            for (host, port), (ip, real) in self.site.endpoints().items()
        }
        led = {} if self.proxied else {"ALLOW_LOOPBACK": "1", "RESOLVER_MAP": json.dumps(places)}
        every = led | HASTE | settings
        return [
            "crawl",
            self.site.outlet,
            *args,
            *(x for pair in every.items() for x in ("-s", "=".join(pair))),
        ]

    def run(self, *args: str, **settings: str) -> CommandResult:
        """Crawl to the end."""
        return self.workspace.run(*self.command(*args, **settings))

    def start(
        self, *args: str, settings: dict[str, str] | None = None, **how: Any
    ) -> subprocess.Popen[bytes]:
        """Start a crawl and leave it running."""
        return self.workspace.start(*self.command(*args, **(settings or {})), **how)

    def fetched(self, since: int = 0) -> Counter[str]:
        """How often each article's page was asked for, from the ``since``-th request on."""
        asked = (self.article_of(entry) for entry in list(self.site.log)[since:])
        return Counter(article_id for article_id in asked if article_id)

    def article_of(self, entry: Entry) -> str:
        """The article that a logged request asks for, ``""`` if none."""
        path, _, query = entry.path.partition("?")
        pairs = dict(pair.partition("=")[::2] for pair in query.split("&"))
        return self.site.routes.article_id(path, pairs)

    def frontier(self) -> dict[str, dict[str, Any]]:
        """The frontier's rows by article."""
        return {row["article_id"]: row for row in self.workspace.rows("frontier")}

    def outcomes(self) -> dict[str, str]:
        """Return the last outcome of each article: ``new``, ``failed/timeout``, or ``""``."""
        rows = self.frontier().values()
        return {
            row["article_id"]: "/".join(filter(None, (row["outcome"], row["reason"])))
            for row in rows
        }

    def revisions(self) -> dict[str, list[dict[str, Any]]]:
        """Return each article's revisions by number, with the columns that must not differ.

        Where a revision lies in full-text search depends on what was entered before it.
        """
        free = ("id", "article", "captured_at", "search_position", "search_spill")
        articles = {row["id"]: row["article_id"] for row in self.workspace.rows("articles")}
        digests = {row["id"]: row["payload_digest"] for row in self.workspace.rows("captures")}
        told: dict[str, list[dict[str, Any]]] = {article_id: [] for article_id in articles.values()}
        for row in sorted(self.workspace.rows("revisions"), key=lambda row: row["number"]):
            own = {name: value for name, value in row.items() if name not in free}
            told[articles[row["article"]]].append(own | {"capture_id": digests[row["capture_id"]]})
        return told

    def edit_frontier(self, statement: str) -> int:
        """Change the frontier as time or an operator would; return the number of changed rows."""
        return change(self.workspace.index_url, f"UPDATE frontier {statement}")

    def make_due(self, where: str = "state = 'due'") -> int:
        """Let the ladder's next look be now."""
        past = "2026-01-01 00:00:00.000000"
        return self.edit_frontier(
            f"SET state = 'due', failures = 0, due_at = '{past}' WHERE {where}"
        )

    def segments(self) -> list[Path]:
        """The archive's files, the oldest first."""
        return sorted(self.workspace.archive.glob("*.warc.gz*"))

    def records(self) -> list[Record]:
        """Every record of the archive, read anew; none may be damaged."""
        found = [(path, record) for path in self.segments() for record in iterate(path)]
        damaged = [(path.name, record) for path, record in found if isinstance(record, Damage)]
        assert not damaged, damaged[:5]
        return [record for _, record in found if isinstance(record, Record)]

    def check_captures(self) -> None:
        """Check that each row matches its record, and each record has a row."""
        rows = self.workspace.rows("captures")
        for row in rows:
            place = Location(
                row["warc_file"],
                row["warc_offset"],
                row["warc_length"],
                row["record_id"],
                row["payload_digest"],
            )
            found = read_at(self.workspace.archive, place)
            assert found.kind == row["record_type"], row
        with Verification() as verification:
            url = self.workspace.index_url
            found = list(verification.archive(self.workspace.archive, url, SegmentSelection()))
        wrong = [str(one) for one in found if one.severity is Severity.ERROR]
        assert not wrong, wrong[:5]
        kept = [
            record.record_id
            for record in self.records()
            if record.kind in ("response", "revisit", "resource")
        ]
        assert sorted(kept) == sorted(row["record_id"] for row in rows)


def tally(out: str) -> dict[str, int]:
    """The figures of the printed balance; they must be even."""
    line = _BOOKS.search(out)
    assert line is not None, out
    figures = {name: int(value) for name, value in line.groupdict().items()}
    assert figures["discovered"] == sum(figures.values()) - figures["discovered"], line[0]
    return figures
