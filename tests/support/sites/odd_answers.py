"""Answers that an outlet gives for an hour to every article, and a crawl before, during and after.

The pages are of our own writing, in the manner of such pages; none is an outlet's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archive.index.database import Index
from archive.runs.alarms import AlarmKind, open_alarms
from crawler.alarms.monitor import AlarmMonitor
from crawler.jobs.job import Job
from crawler.jobs.schedule import every
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.databases.index_rows import change
from tests.support.databases.postgres import ON_POSTGRES, url_of

if TYPE_CHECKING:
    from pathlib import Path

#: More than CONFIRM_AFTER, and than the first delays after failures.
LATER = 7
ARTICLES = 6

_PAGE = (
    '<!DOCTYPE html><html lang="ko"><head><meta charset="utf-8"><title>{}</title></head>'
    "<body>{}</body></html>"
)
_MAINTENANCE = _PAGE.format(
    "서비스 점검 중",
    "<h1>서비스 점검 중입니다</h1><p>점검 시간: 02:00 ~ 04:00. 이용에 불편을 드려 죄송합니다.</p>",
)


def _alert(words: str) -> str:
    return f'<script>alert("{words}");history.back();</script>'


@dataclass(frozen=True)
class OddAnswer:
    """One kind of answer: a fault of the mock site, and what the commonest answer is called.

    ``said`` is ``""`` where that depends on how often the host was asked (`host_busy`).
    """

    name: str
    kind: str
    said: str
    options: dict[str, Any] = field(default_factory=dict)


def _status(status: int, **options: Any) -> OddAnswer:
    return OddAnswer(str(status), "status", f"http_status ({status}", {"status": status, **options})


def _page(name: str, body: str, said: str, **options: Any) -> OddAnswer:
    return OddAnswer(name, "answer", said, {"body": body, **options})


def _elsewhere(name: str, to: str, said: str = "redirect_elsewhere") -> OddAnswer:
    return OddAnswer(name, "answer", said, {"status": 302, "headers": [("Location", to)]})


ODD_ANSWERS = (
    *(_status(status) for status in (401, 403, 404, 406, 410, 418, 451, 500, 520, 999)),
    OddAnswer(
        "403 of a firewall",
        "answer",
        "http_status (403; Server: Apache, cf-mitigated: challenge",
        {"status": 403, "headers": [("cf-mitigated", "challenge")], "body": "<h1>Forbidden</h1>"},
    ),
    OddAnswer("429", "status", "", {"status": 429, "retry_after": 1}),
    OddAnswer("503", "status", "", {"status": 503, "retry_after": 1}),
    OddAnswer("front page", "front", "redirect_to_front"),
    _elsewhere("redirect to a list", "/news/section/subsection?MID=1200&page=1"),
    _elsewhere("redirect to a notice", "/notice/inspection.html", "http_status (404"),
    OddAnswer("JSON", "answer", "not_a_page", {"media_type": "application/json", "body": "{}"}),
    OddAnswer("a picture", "answer", "not_a_page", {"media_type": "image/gif", "body": "GIF89a"}),
    _page("maintenance", _MAINTENANCE, "maintenance"),
    _page("maintenance, 503", _MAINTENANCE, "", status=503, headers=[("Retry-After", "1")]),
    _page("alert: wrong access", _alert("잘못된 접근입니다."), "bot_challenge"),
    _page("alert: an error", _alert("일시적인 오류가 발생했습니다."), "no_layout"),
    _page("alert: deleted", _alert("삭제된 기사입니다."), "deleted"),
    OddAnswer("challenge", "challenge", "bot_challenge"),
    OddAnswer("login", "login", "login_wall"),
    OddAnswer("consent", "consent", "consent_wall"),
    OddAnswer("not found, 200", "soft_404", "soft_404"),
    OddAnswer("empty", "empty", "empty_body"),
    OddAnswer("front page in place", "html", "no_layout"),
    OddAnswer("redirect loop", "loop", "too_many_redirects"),
)

#: Those that say that the article is gone.
GONE_ANSWERS = tuple(
    answer
    for answer in ODD_ANSWERS
    if answer.name in ("404", "410", "alert: deleted", "not found, 200")
)


@dataclass(frozen=True)
class Drill:
    """What one kind of answer did: during a run, and in the run after it was over."""

    lost: int
    deleted: int
    code: int
    sentence: str
    alarms: tuple[str, ...]
    healed_code: int
    healed_alarms: tuple[str, ...]

    def faults(self, answer: OddAnswer) -> list[str]:
        """Return what is not as it should be."""
        wanted = {
            "articles lost": (self.lost, 0),
            "falsely deleted": (self.deleted, 0),
            "exit of the blocked run": (self.code, 1),
            "alarms of the blocked run": (self.alarms, ("blocked",)),
            "its sentence names the answer": (answer.said in self.sentence, True),
            "exit of the healed run": (self.healed_code, 0),
            "alarms of the healed run": (self.healed_alarms, ()),
        }
        return [f"{what}: {got}" for what, (got, right) in wanted.items() if got != right]


def drill(folder: Path, answer: OddAnswer, outlet: str = "etoday") -> Drill:
    """Crawl a new outlet that answers so for one run, and once more when it is over."""
    with site_of_today(outlet, ARTICLES) as site:
        crawls = Crawls.into(folder, site)
        site.fault("/news/view/", answer.kind, **answer.options)
        blocked = crawls.run(RETRY_TIMES="1", RETRY_AFTER_MAX="5")
        alarms = alarms_of(crawls)
        sentence = next((one for one in blocked.sentences if " is blocked: " in one), "")
        site.heal()
        pass_time(crawls, LATER)
        healed = crawls.run()
        exported = crawls.workspace.export()
        return Drill(
            lost=ARTICLES - len(exported),
            deleted=sum(record["status"] == "deleted" for record in exported),
            code=blocked.code,
            sentence=sentence,
            alarms=alarms,
            healed_code=healed.code,
            healed_alarms=alarms_of(crawls),
        )


def two_outages(folder: Path, answer: OddAnswer, outlet: str = "etoday") -> tuple[int, int, int]:
    """Let an outlet answer so twice, hours apart, with another article served in between.

    Return how many articles were given up or came to be called deleted after that, and how many
    are missing from the export when the outlet has healed.
    """
    with site_of_today(outlet, ARTICLES) as site:
        crawls = Crawls.into(folder, site)
        for outage in range(2):
            site.fault("/news/view/", answer.kind, **answer.options)
            crawls.run(RETRY_TIMES="1", RETRY_AFTER_MAX="5")
            site.heal()
            if not outage:
                pass_time(crawls, LATER // 2)
                site.publish(1)
                crawls.run()
            pass_time(crawls, LATER)
        dead = sum(row["state"] == "dead" for row in crawls.frontier().values())
        crawls.run()
        records = crawls.workspace.export()
        deleted = sum(record["status"] == "deleted" for record in records)
        return dead, deleted, ARTICLES + 1 - len(records)


@dataclass(frozen=True)
class Deletion:
    """A real deletion: the frontier's state and the export's status after each look."""

    first: tuple[str, str]
    second: tuple[str, str]
    visits_after: int


def delete_one(folder: Path, status: int, outlet: str = "etoday") -> Deletion:
    """Delete one of an outlet's articles; look three times, the other articles being there."""
    with site_of_today(outlet, ARTICLES) as site:
        crawls = Crawls.into(folder, site)
        assert crawls.run().code == 0
        gone = site.ids()[0]
        site.delete(gone, status)
        seen = []
        for _ in range(2):
            pass_time(crawls, LATER)
            site.publish(1)
            crawls.run()
            told = {record["article_id"]: record["status"] for record in crawls.workspace.export()}
            seen.append((str(crawls.frontier()[gone]["state"]), str(told[gone])))
        before = len(site.log)
        crawls.run("-a", "discover=no")
        return Deletion(seen[0], seen[1], crawls.fetched(before)[gone])


def alarms_of(crawls: Crawls) -> tuple[str, ...]:
    """Return the kinds of the open alarms after a check, disk space aside."""
    index = Index(crawls.workspace.index_url)
    try:
        job = Job(
            name=crawls.site.outlet,
            verb="crawl",
            words=(crawls.site.outlet,),
            outlet=crawls.site.outlet,
            schedule=every("1h"),
            retries=0,
        )
        AlarmMonitor(index, str(crawls.workspace.archive), least=1).check([job])
        with index.reading() as connection:
            kinds = [alarm.kind for alarm in open_alarms(connection)]
        return tuple(str(kind) for kind in kinds if kind is not AlarmKind.DISK)
    finally:
        index.close()


#: The columns that hold moments, by table.
_MOMENTS = {
    "frontier": (
        "published_at",
        "discovered_at",
        "due_at",
        "first_visit_at",
        "visited_at",
        "served_at",
        "gone_at",
    ),
    "captures": ("captured_at",),
    "revisions": ("captured_at",),
    "outcomes": ("at",),
    "runs": ("started_at", "ended_at"),
    "robots": ("fetched_at",),
    "alarms": ("began_at", "ended_at"),
}


def pass_time(crawls: Crawls, hours: int) -> None:
    """Let so many hours go by: all that the index knows becomes older."""
    url = url_of(crawls.workspace.index)
    for table, columns in _MOMENTS.items():
        for column in columns:
            moved = f"strftime('%Y-%m-%d %H:%M:%f', {column}, '-{hours} hours') || '000'"
            if ON_POSTGRES:
                moved = f"{column} - interval '{hours} hours'"
            # A colon would name a parameter.
            statement = f"UPDATE {table} SET {column} = {moved} WHERE {column} IS NOT NULL"
            change(url, statement.replace(":", "\\:"))
