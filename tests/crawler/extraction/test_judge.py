"""Judgement of a response by its status and address: which say that an article is gone."""

from __future__ import annotations

from typing import Any

import pytest

from archive.http.message import status_of
from archive.model.visit_policy import VisitKind, visit_kind
from crawler.extraction.extract import extract
from crawler.extraction.judge import judge
from crawler.extraction.walls import recognise_wall
from crawler.outlets import outlet_named
from tests.support.archives.warc_samples import exchange

OUTLET = outlet_named("etoday")
ARTICLE = "https://www.etoday.co.kr/news/view/2556417"
_NOTICE = "<html><title>이투데이</title><p>삭제된 기사입니다.</p></html>"


def judged(status: int, body: str = "", url: str = ARTICLE, **fields: str) -> tuple[str, Any]:
    """Return the verdict on a response to a request for the article, and what it means."""
    lines = [f"HTTP/1.1 {status} Whatever", "Content-Type: text/html; charset=utf-8"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    head = "\r\n".join([*lines, "", ""]).encode()
    answer = exchange(url=url, head=head, body=body.encode())
    verdict = judge(extract(answer, OUTLET, ARTICLE), OUTLET).verdict
    assert verdict is not None
    return f"{verdict} {verdict.detail}", visit_kind(verdict, status_of(head))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 406, 408, 418, 429, 451, 500, 503, 531])
def test_any_other_status_than_gone_is_a_failure_of_the_visit(status: int) -> None:
    said, kind = judged(status, _NOTICE)
    assert said == f"failed/http_status {status}"
    assert kind is VisitKind.TRANSIENT


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (522, "the server behind a proxy did not connect in time"),
        (999, "the request was denied, as that of a robot"),
    ],
)
def test_a_status_that_no_standard_has_is_explained(status: int, meaning: str) -> None:
    said, kind = judged(status, Server="edge")
    assert said == f"failed/http_status {status} ({meaning}); Server: edge"
    assert kind is VisitKind.TRANSIENT


@pytest.mark.parametrize("status", [404, 410])
def test_gone_is_an_answer_and_is_doubted(status: int) -> None:
    said, kind = judged(status)
    assert (said, kind) == (f"skipped/http_status {status}", VisitKind.DOUBTFUL)


def test_the_marks_of_a_firewall_are_kept() -> None:
    said, _ = judged(403, Server="cloudflare", cf_mitigated="challenge", X_Other="1")
    assert said == "failed/http_status 403; Server: cloudflare, cf-mitigated: challenge"


@pytest.mark.parametrize(
    ("status", "path", "body", "said", "kind"),
    [
        (200, "/", _NOTICE, "skipped/redirect_to_front", VisitKind.TRANSIENT),
        (200, "/list", "<p>오늘의 기사</p>", "skipped/redirect_elsewhere", VisitKind.TRANSIENT),
        (200, "/error", _NOTICE, "skipped/deleted", VisitKind.DOUBTFUL),
        (200, "/error", _NOTICE + " " * 40_000, "skipped/redirect_elsewhere", VisitKind.TRANSIENT),
        (404, "/error", "", "skipped/http_status", VisitKind.DOUBTFUL),
        (503, "/error", _NOTICE, "failed/http_status", VisitKind.TRANSIENT),
        (200, "/news/view/1", "", "skipped/redirect_elsewhere", VisitKind.TRANSIENT),
    ],
)
def test_a_redirect_says_that_an_article_is_gone_or_nothing_of_it(
    status: int, path: str, body: str, said: str, kind: VisitKind
) -> None:
    found, means = judged(status, body, f"https://www.etoday.co.kr{path}")
    assert found.startswith(f"{said} ")
    assert means is kind


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("서비스 점검 중입니다", "maintenance"),
        ("시스템 정기점검 안내", "maintenance"),
        ("홈페이지 긴급 점검으로 페이지를 찾을 수 없습니다", "maintenance"),
        ("The site is under maintenance.", "maintenance"),
        ("이 기사는 삭제되었습니다", "deleted"),
        ("시설물을 점검했다", None),
    ],
)
def test_maintenance_is_distinguished_from_a_notice(words: str, reason: str | None) -> None:
    assert recognise_wall(f"<html><body><h1>{words}</h1></body></html>") == reason
