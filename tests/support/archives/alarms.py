"""An index with made-up crawls, runs and jobs in it, and the watch that judges them at a time of the test's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from archive.index.database import Index
from archive.index.rows.bulk import insert_rows
from archive.index.schema import alarms, articles, captures, frontier, outcomes, revisions, runs
from archive.model.article import KST
from archive.runs.alarms import Alarm, open_alarms
from crawler.alarms.monitor import AlarmMonitor
from crawler.jobs.job import Job
from crawler.jobs.schedule import every
from tests.support.databases.postgres import copy_index, url_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=KST)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: An article as it is read when all is well.
WHOLE: dict[str, Any] = {
    "headline": "제목",
    "subheadlines": ["부제"],
    "authors": [{"name": "김기자", "role": "기자", "email": ""}],
    "dateline": "",
    "section": "경제",
    "tags": ["금리"],
    "published_raw": "",
    "published_precision": "minute",
    "modified_at": None,
    "modified_raw": "",
    "modified_precision": None,
    "body": "가" * 900,
    "images": [{"url": "u", "caption": "", "credit": ""}],
    "language": "ko",
    "flags": [],
    "layouts": ["x"],
    "quality": "layout",
    "removed": [],
    "change": None,
    "content_key": "k",
}


def job(name: str = "etoday", **facts: Any) -> Job:
    """A crawl each hour that is not retried."""
    given: dict[str, Any] = {
        "verb": "crawl",
        "words": (name,),
        "outlet": name,
        "schedule": every("1h"),
        "retries": 0,
    }
    return Job(name=name, **(given | facts))


def verify_job(**facts: Any) -> Job:
    """A verification each hour."""
    return job("verify", verb="verify", words=(), outlet="", **facts)


@dataclass
class Workspace:
    """An index in a folder, and a clock for the watch over it."""

    folder: Path
    now: datetime = NOON
    jobs: list[Job] = field(default_factory=lambda: [job()])
    number: int = 0

    def __post_init__(self) -> None:
        self.archive = self.folder / "archive"
        self.url = url_of(self.folder / "index.sqlite3")
        self.index = Index(self.url, brief=True, lasting=False)
        # So much is free on every disk.
        self.monitor = AlarmMonitor(self.index, str(self.archive), least=1, clock=lambda: self.now)

    def look(self) -> list[str]:
        """A whole look, as it is after a run; the kinds of the open alarms then."""
        self.monitor._next = 0.0
        self.monitor.check(self.jobs)
        return [alarm.kind for alarm in self.open()]

    def open(self) -> list[Alarm]:
        with self.index.reading() as connection:
            return open_alarms(connection)

    def alarms(self) -> list[Any]:
        """All rows, the oldest first."""
        with self.index.reading() as connection:
            return list(connection.execute(select(alarms).order_by(alarms.c.id)))

    def run(self, job_name: str, ending: str, exit_code: int | None = None, **facts: Any) -> str:
        """A run of a job that began now and ended a minute later."""
        with self.index.writing() as connection:
            return self._run(connection, job_name, ending, exit_code, facts)

    def crawl(self, new: int = 0, **how: Any) -> None:
        """A crawl now that kept so many new articles; see `_crawl`."""
        with self.index.writing() as connection:
            self._crawl(connection, new, **how)

    def live(self, days: float, new: int) -> None:
        """A crawl each hour for so long, each with so many new articles."""
        with self.index.writing() as connection:
            for _ in range(round(days * 24)):
                self._crawl(connection, new)
                self.now += HOUR

    def copy(self, folder: Path) -> Workspace:
        """Another workspace with the same in its index."""
        # The last of its connections is closed, so all is in the one file.
        copy_index(self.folder / "index.sqlite3", folder / "index.sqlite3")
        return Workspace(folder, self.now, number=self.number)

    def _run(
        self,
        connection: Any,
        job_name: str,
        ending: str,
        exit_code: int | None,
        facts: dict[str, Any],
    ) -> str:
        self.number += 1
        code = {"succeeded": 0, "failed": 1}.get(ending, -15) if exit_code is None else exit_code
        row = {
            "id": f"run {self.number}",
            "verb": "crawl",
            "outlet": "",
            "arguments": [],
            "job": job_name,
            "due_at": self.now,
            "attempt": self.number,
            "host": "here",
            "version": "1",
            "holder": "",
            "started_at": self.now,
            "ended_at": self.now + MINUTE,
            "ending": ending,
            "exit_code": code,
            "counts": {},
            "log": "",
        }
        connection.execute(insert(runs).values(row | facts))
        return str(row["id"])

    def _crawl(
        self,
        connection: Any,
        new: int,
        *,
        unparsed: int = 0,
        ending: str = "succeeded",
        arguments: tuple[str, ...] = (),
        published: datetime | None = None,
        failed: int = 0,
        outlet: str = "etoday",
        **fields: Any,
    ) -> None:
        """A crawl that kept so many new articles, with these fields, and so many pages that are none."""
        counts = {"new": new, "unparsed/no_body": unparsed, "failed/timeout": failed}
        facts = {
            "outlet": outlet,
            "arguments": [outlet, *arguments],
            "log": f"/var/log/{outlet}.log",
            "counts": {outlet: {name: number for name, number in counts.items() if number}},
        }
        run_id = self._run(connection, outlet, ending, None, facts)
        rows: dict[Table, list[dict[str, Any]]] = {
            t: [] for t in (articles, revisions, captures, outcomes, frontier)
        }
        for place in range(new + unparsed):
            self.number += 1
            self._page(rows, run_id, outlet, place < new, published or self.now, fields)
        for table, its in rows.items():
            insert_rows(connection, table, its)

    def _page(
        self,
        rows: dict[Table, list[dict[str, Any]]],
        run_id: str,
        outlet: str,
        parsed: bool,
        when: datetime,
        fields: dict[str, Any],
    ) -> None:
        number, article_id = self.number, str(2_000_000 + self.number)
        url = f"https://www.etoday.co.kr/news/view/{article_id}"
        outcome = {
            "outcome": "new" if parsed else "unparsed",
            "reason": "" if parsed else "no_body",
        }
        if parsed:
            rows[articles].append(
                {"id": number, "outlet": outlet, "article_id": article_id, "url": url}
            )
            rows[revisions].append(
                WHOLE
                | fields
                | {
                    "id": number,
                    "article": number,
                    "number": 1,
                    "current": True,
                    "capture_id": number,
                    "captured_at": self.now,
                    "published_at": when,
                }
            )
        rows[captures].append(
            outcome
            | {
                "id": number,
                "outlet": outlet,
                "url": url,
                "record_type": "response",
                "status": 200,
                "media_type": "text/html",
                "captured_at": self.now,
                "time_known": True,
                "warc_file": "sacho-1.warc.gz",
                "warc_offset": number * 100,
                "warc_length": 99,
                "record_id": f"<urn:{number}>",
                "payload_digest": f"sha256:{number}",
                "charset_declared": "",
                "charset_used": "utf-8",
                "charset_damage": 0,
                "source": url,
                "revision_id": number if parsed else None,
            }
        )
        rows[outcomes].append(
            outcome
            | {
                "run_id": run_id,
                "at": self.now,
                "source": url,
                "outlet": outlet,
                "detail": "",
                "capture_id": number,
            }
        )
        rows[frontier].append(
            outcome
            | {
                "outlet": outlet,
                "article_id": article_id,
                "url": url,
                "published_at": when if parsed else None,
                "discovered_at": self.now,
                "channels": ["feed"],
                "state": "done",
                "due_at": None,
                "failures": 0,
                "visits": 1,
                "first_visit_at": self.now,
                "etag": "",
                "last_modified": "",
                "lease": "",
                "discovered_run": run_id,
                "last_run": run_id,
            }
        )

    def mend(self, since: datetime, **fields: Any) -> None:
        """Read the pages captured since then again, by a parser that finds these fields."""
        with self.index.writing() as connection:
            connection.execute(
                update(revisions).where(revisions.c.captured_at >= since).values(fields)
            )


def utc(moment: datetime) -> datetime:
    """The same moment as the index gives it."""
    return moment.astimezone(UTC)
