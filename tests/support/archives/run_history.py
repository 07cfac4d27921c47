"""A history written by hand: runs with what they counted, their outcomes, and the articles that were new to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from archive.index.database import Index
from archive.index.rows.bulk import insert_rows
from archive.index.schema import alarms, articles, captures, outcomes, revisions, runs
from archive.model.article import KST
from archive.model.outcome import Outcome
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Table

#: A Sunday evening in Seoul.
NOW = datetime(2026, 11, 22, 18, 30, tzinfo=KST)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_CAPTURE: dict[str, Any] = {
    "record_type": "response",
    "status": 200,
    "media_type": "text/html",
    "time_known": True,
    "warc_file": "a.warc.gz",
    "warc_offset": 0,
    "warc_length": 1,
    "charset_declared": "",
    "charset_used": "utf-8",
    "charset_damage": 0,
    "source": "",
    "reason": "",
}
_REVISION: dict[str, Any] = {
    "number": 1,
    "current": True,
    "content_key": "",
    "headline": "제목",
    "subheadlines": [],
    "dateline": "",
    "section": "경제",
    "published_raw": "",
    "modified_raw": "",
    "body": "본문",
    "language": "ko",
    "flags": [],
    "layouts": [],
    "quality": "layout",
    "removed": [],
    "authors": [{"name": "홍길동"}],
    "tags": ["경제"],
    "images": [{"url": "u"}],
}


@dataclass
class History:
    """An index with a history: what is noted is written, in one transaction, when the index is opened."""

    path: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return url_of(self.path)

    def archive(self) -> str:
        """A folder with the segment in which all captures are said to lie."""
        folder = self.path.with_name("archive")
        folder.mkdir(exist_ok=True)
        (folder / _CAPTURE["warc_file"]).touch()
        return str(folder)

    def index(self) -> Index:
        """The index, to be read."""
        if self._rows or not self.path.exists():
            with Index(self.url, lasting=False) as index, index.writing() as connection:
                for row in self._rows.pop(runs.name, []):
                    connection.execute(insert(runs).values(row))
                for table in (articles, revisions, captures, outcomes, alarms):
                    insert_rows(connection, table, self._rows.pop(table.name, []))
        return Index(self.url, read_only=True)

    def run(
        self,
        ago: timedelta,
        counts: Mapping[str, int],
        *,
        took: timedelta | None = timedelta(minutes=5),
        at: Mapping[datetime, int] | None = None,
        outlet: str = "etoday",
        empty: tuple[str, ...] = (),
        **facts: Any,
    ) -> str:
        """Write a run that began so long ago, and its outcomes: at its beginning, or new ones at the times of ``at``.

        The fields named in ``empty`` of its new articles are. Without ``took`` it has not ended.
        """
        began = NOW - ago
        run_id = f"run-{next(self._numbers)}"
        row = {
            "id": run_id,
            "verb": "crawl",
            "outlet": "" if "verb" in facts else outlet,
            "arguments": [outlet],
            "host": "desk",
            "version": "0.1.0",
            "started_at": began,
            "ended_at": began + took if took is not None else None,
            "counts": {outlet: counts},
            "ending": "succeeded" if took is not None else "",
            "exit_code": 0 if took is not None else None,
        } | facts
        times = [
            moment
            for moment, number in (at or {began: counts.get("new", 0)}).items()
            for _ in range(number)
        ]
        self._note(runs, row)
        became = [
            (what, began) for what, number in counts.items() for _ in range(number) if what != "new"
        ]
        for what, moment in [*became, *(("new", moment) for moment in times)]:
            outcome, _, reason = what.partition("/")
            if outcome == Outcome.UNCHANGED:
                continue
            number = next(self._numbers)
            capture = (
                self._article(outlet, number, moment, empty) if outcome == Outcome.NEW else None
            )
            told = {
                "reason": reason,
                "detail": "it took too long" if reason == "timeout" else "",
                "capture_id": capture,
            }
            what_of = {"run_id": run_id, "at": moment, "outlet": outlet, "outcome": outcome}
            self._note(outcomes, what_of | told | {"source": f"https://example.kr/{number}"})
        return run_id

    def alarm(
        self, subject: str, sentence: str, *, ended: bool = False, kind: str = "silent"
    ) -> None:
        """Write an alarm that began three hours ago."""
        began = NOW - 3 * HOUR
        facts = {"kind": kind, "subject": subject, "sentence": sentence, "began_at": began}
        self._note(alarms, facts | {"ended_at": NOW - HOUR if ended else None})

    def _article(self, outlet: str, number: int, moment: datetime, empty: tuple[str, ...]) -> int:
        blank = {name: "" if isinstance(_REVISION[name], str) else [] for name in empty}
        name = {"outlet": outlet, "article_id": str(number), "url": f"https://example.kr/{number}"}
        self._note(articles, name | {"id": number})
        row = {"id": number, "article": number, "capture_id": number, "captured_at": moment}
        self._note(revisions, _REVISION | blank | row)
        own = {
            "id": number,
            "outlet": outlet,
            "url": name["url"],
            "captured_at": moment,
            "outcome": "new",
        }
        ids = {
            "record_id": f"<urn:x:{number}>",
            "payload_digest": f"sha256:{number}",
            "revision_id": number,
        }
        self._note(captures, _CAPTURE | own | ids)
        return number

    def _note(self, table: Table, row: dict[str, Any]) -> None:
        self._rows.setdefault(table.name, []).append(row)
