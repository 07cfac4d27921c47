"""An index of made-up articles, as crawls of a month would leave it, entered as crawls enter it.

Beside articles it holds what a crawl writes of each: its capture, a second one that found it
unchanged, its row of the frontier, the outcome, and the run of each outlet and hour. Some articles
were edited, some are gone. Of the records only those of a small archive exist, of real pages that
were replayed first.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from archive.articles.ingest import ArticleWriter
from archive.articles.ingest_model import CaptureEntry
from archive.captures.rows import location_columns
from archive.index.copy import copy_index, has_rows
from archive.index.database import Index, file_url
from archive.index.rows.bulk import insert_rows
from archive.index.schema import captures, frontier, outcomes, runs
from archive.model.exchange import Location
from archive.model.outcome import Outcome, Reason, Verdict
from bench import pages
from bench.growth.newsroom import A_DAY, Newsroom, begin_of
from crawler.outlets import known_outlets
from pipelines.deposit import BATCH
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

#: Pages of the archive whose records exist, at most.
REPLAYED = 10_000
#: An edit comes so many batches after its article: 8 hours.
_LATER = A_DAY // 3 // BATCH
_RECORD = 20_000
_RECORDS_IN_SEGMENT = 40_000
_GONE = Verdict(Outcome.SKIPPED, Reason.HTTP_STATUS)


def made(folder: Path, count: int) -> Workspace:
    """Return the archive and index of so many articles in a folder; make them if they are not there."""
    workspace = Workspace(folder)
    ready = folder / "ready"
    if ready.exists() and ready.read_text() == str(count):
        return workspace
    if folder.exists():
        raise SystemExit(f"{folder} holds no finished index of {count} articles: delete it")
    folder.mkdir(parents=True)
    replayed = min(count // 10, REPLAYED)
    _replay(workspace, replayed)
    _Filling(workspace, replayed, count).run()
    ready.write_text(str(count))
    return workspace


def copied(workspace: Workspace, url: str) -> Workspace:
    """Return the archive with its index at another address; copy that there if it is not there."""
    with Index(file_url(workspace.index), read_only=True) as source, Index(url) as target:
        with target.reading() as rows:
            is_there = has_rows(rows)
        if not is_there:
            copy_index(source, target)
    return replace(workspace, settings={**workspace.settings, "INDEX_URL": url})


def _replay(workspace: Workspace, count: int) -> None:
    """Take in real pages, so that there are records to verify, remove and reindex."""
    warc = workspace.folder / "pages.warc.gz"
    with warc.open("wb") as out:
        pages.write(out, count)
    result = workspace.run("replay", warc)
    if result.code:
        raise SystemExit(f"replay ended with {result.code}: {result.err}")
    warc.unlink()


class _Filling:
    """Fills an index until it has so many articles."""

    def __init__(self, workspace: Workspace, begin: int, count: int) -> None:
        self._url = f"sqlite:///{workspace.index}"
        self._begin, self._count = begin, count
        self._newsroom = Newsroom(sorted(known_outlets()))
        self._first = begin_of(count, datetime.now(UTC))
        self._records = 0
        self._runs: dict[tuple[str, datetime], str] = {}

    def run(self) -> None:
        """Write all batches, then the edits that are still to come."""
        numbers = [
            list(range(at, min(at + BATCH, self._count)))
            for at in range(self._begin, self._count, BATCH)
        ]
        # As a reindex opens it: an index that is to be measured need not survive a power failure.
        with Index(self._url, lasting=False) as index:
            for at in range(len(numbers) + 2 * _LATER):
                new = numbers[at] if at < len(numbers) else []
                earlier = [_at(numbers, at - _LATER), _at(numbers, at - 2 * _LATER)]
                if any((new, *earlier)):
                    with index.writing() as connection:
                        self._write(connection, new, *earlier)
            with index.writing() as connection:
                self._end_runs(connection)

    def _write(
        self, connection: Connection, new: list[int], second: list[int], third: list[int]
    ) -> None:
        """Write new articles, and the second and third looks at earlier ones."""
        writer = ArticleWriter(connection)
        looks = [
            (number, edition) for edition, some in ((1, second), (2, third)) for number in some
        ]
        seen = [(number, 0) for number in new] + [look for look in looks if _is_edited(*look)]
        entries = [self._entry(*look) for look in seen]
        gone = [self._gone_entry(*look) for look in looks if _is_gone(*look)]
        writer.load(entries)
        placed = [writer.enter(entry) for entry in entries]
        for entry in gone:
            writer.enter(entry)
        writer.write()
        self._write_frontier(connection, new)
        self._write_outcomes(connection, seen, placed)
        self._repeat_captures(connection, second)

    def _published(self, number: int) -> datetime:
        return self._first + timedelta(days=number / A_DAY)

    def _seen_at(self, number: int, edition: int) -> datetime:
        after = timedelta(minutes=10 + number % 50, hours=8 * edition)
        return (self._published(number) + after).astimezone(UTC)

    def _entry(self, number: int, edition: int) -> CaptureEntry:
        article = self._newsroom.article(number, self._published(number), edition)
        return CaptureEntry(self._capture(number, edition, 200), article, None)

    def _gone_entry(self, number: int, edition: int) -> CaptureEntry:
        return CaptureEntry(self._capture(number, edition, 404), None, _GONE)

    def _capture(self, number: int, edition: int, status: int) -> dict[str, Any]:
        segment, record = divmod(self._records, _RECORDS_IN_SEGMENT)
        self._records += 1
        dice = random.Random(f"{number}/{edition}/{status}")
        location = Location(
            f"sacho-20260101000000-{segment:05d}-bench+{segment:08x}.warc.gz",
            record * _RECORD,
            _RECORD,
            f"urn:uuid:{uuid.UUID(int=dice.getrandbits(128), version=4)}",
            f"sha256:{dice.getrandbits(256):064x}",
        )
        url = self._newsroom.url(number)
        return {
            "outlet": self._newsroom.outlet_of(number),
            "url": url,
            "record_type": "response",
            "status": status,
            "media_type": "text/html; charset=utf-8",
            "captured_at": self._seen_at(number, edition),
            "time_known": True,
            "charset_declared": "utf-8",
            "charset_used": "utf-8",
            "charset_damage": 0,
            "source": url,
        } | location_columns(location)

    def _write_frontier(self, connection: Connection, new: Sequence[int]) -> None:
        insert_rows(connection, frontier, [self._frontier_row(number) for number in new])

    def _frontier_row(self, number: int) -> dict[str, Any]:
        """Return the row of an article: done, or due in so many days that no crawl visits it."""
        seen, now = self._seen_at(number, 0), datetime.now(UTC)
        done = now - seen > timedelta(days=7)
        run = self._run_of(number, 0)
        return {
            "outlet": self._newsroom.outlet_of(number),
            "article_id": self._newsroom.article_id(number),
            "url": self._newsroom.url(number),
            "published_at": self._published(number),
            "discovered_at": min(seen, now),
            "channels": ["sitemap"],
            "state": "done" if done else "due",
            "due_at": None if done else now + timedelta(days=20),
            "failures": 0,
            "visits": 4 if done else 2,
            "first_visit_at": min(seen, now),
            "visited_at": min(seen, now),
            "served_at": min(seen, now),
            "gone_at": None,
            "outcome": "unchanged",
            "reason": "",
            "etag": f'"{number:x}-{number * 7919:x}"' if number % 3 else "",
            "last_modified": "",
            "lease": "",
            "discovered_run": run,
            "last_run": run,
        }

    def _hour_of(self, number: int, edition: int) -> tuple[str, datetime]:
        seen = min(self._seen_at(number, edition), datetime.now(UTC))
        return self._newsroom.outlet_of(number), seen.replace(minute=0, second=0, microsecond=0)

    def _run_of(self, number: int, edition: int) -> str:
        outlet, hour = self._hour_of(number, edition)
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{outlet}/{hour}").hex

    def _write_outcomes(
        self, connection: Connection, seen: Sequence[tuple[int, int]], placed: Sequence[Any]
    ) -> None:
        self._begin_runs(connection, seen)
        rows = [
            {
                "run_id": self._run_of(*look),
                "at": min(self._seen_at(*look), datetime.now(UTC)),
                "source": self._newsroom.url(look[0]),
                "outlet": self._newsroom.outlet_of(look[0]),
                "outcome": str(verdict.outcome),
                "reason": "",
                "detail": "",
                "capture_id": capture_id,
            }
            for look, (verdict, capture_id) in zip(seen, placed, strict=True)
        ]
        insert_rows(connection, outcomes, rows)

    def _begin_runs(self, connection: Connection, seen: Sequence[tuple[int, int]]) -> None:
        rows: list[dict[str, Any]] = []
        for look in seen:
            outlet, hour = self._hour_of(*look)
            if (outlet, hour) in self._runs:
                continue
            self._runs[outlet, hour] = run = self._run_of(*look)
            rows.append(_run_row(run, outlet, hour))
        insert_rows(connection, runs, rows)

    def _end_runs(self, connection: Connection) -> None:
        """Write what each run counted."""
        counted = text(
            "UPDATE runs SET counts = json_object(outlet, json_object('new', (SELECT count(*) FROM "
            "outcomes WHERE run_id = runs.id))) WHERE outlet <> ''"
        )
        connection.execute(counted)

    def _repeat_captures(self, connection: Connection, numbers: Sequence[int]) -> None:
        """Enter a second capture of each article, which found it unchanged."""
        if not numbers:
            return
        changed = {
            "id": "NULL",
            "record_type": "'revisit'",
            "status": "304",
            "captured_at": "strftime('%Y-%m-%d %H:%M:%f000', captured_at, '+1 hour')",
            "record_id": "'urn:uuid:' || lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || "
            "'-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' "
            "|| hex(randomblob(6)))",
            "outcome": "'unchanged'",
        }
        names = [column.name for column in captures.columns]
        values = ", ".join(changed.get(name, name) for name in names)
        urls = ", ".join(f"'{self._newsroom.url(number)}'" for number in numbers)
        connection.execute(
            text(
                f"INSERT INTO captures ({', '.join(names)}) SELECT {values} FROM captures "
                f"WHERE url IN ({urls}) AND outcome = 'new'".replace(":", "\\:")
            )
        )


def _at(batches: Sequence[list[int]], at: int) -> list[int]:
    return batches[at] if 0 <= at < len(batches) else []


def _is_edited(number: int, edition: int) -> bool:
    """Return whether the article has that edition: one in twenty a second, some a third."""
    return number % 20 == 3 and (edition == 1 or number % 100 == 3)


def _is_gone(number: int, edition: int) -> bool:
    """Return whether that look found the article gone: one in two hundred, most of them twice."""
    return number % 200 == 11 and (edition == 1 or number % 600 != 11)


def _run_row(run: str, outlet: str, hour: datetime) -> dict[str, Any]:
    return {
        "id": run,
        "verb": "crawl",
        "started_at": hour,
        "ended_at": hour + timedelta(minutes=20),
        "counts": {},
        "outlet": outlet,
        "arguments": [],
        "job": "",
        "due_at": None,
        "attempt": 0,
        "host": "bench",
        "version": "",
        "holder": "",
        "ending": "succeeded",
        "exit_code": 0,
        "log": "",
    }


def parts_of(folder: Path) -> dict[str, int]:
    """Return the bytes of the index in a folder by what they are for, the largest first."""
    parts: dict[str, int] = {}
    with closing(sqlite3.connect(folder / "index.sqlite3")) as connection:
        # `dbstat` has the pages of each table and index.
        tables = dict(connection.execute("SELECT name, tbl_name FROM sqlite_master"))
        pages_used = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
        for name, size in pages_used:
            table = tables.get(name, name)
            part = "full-text search" if table.startswith("search") else table
            if part != "full-text search" and name != table:
                part = f"indexes of {table}"
            parts[part] = parts.get(part, 0) + size
    return dict(sorted(parts.items(), key=lambda pair: -pair[1]))


def main() -> None:
    """Make an index: for whoever wants one to look at, or to make it beforehand."""
    parser = argparse.ArgumentParser(description="Make an index of made-up articles.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    made(options.folder, options.count)
    size = sum(parts_of(options.folder).values())
    print(f"{options.count} articles, {size:,} bytes: {options.folder}")


if __name__ == "__main__":
    main()
